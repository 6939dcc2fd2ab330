"""Row 70: whoever has the web process's account makes the worker show private data, or vouch for what was not."""

import hashlib
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import select, text, update

from portal.db.engine import Database
from portal.db.tables import (
    Attempt,
    Base,
    Blob,
    Challenge,
    DataSnapshot,
    Deletion,
    Image,
    Job,
    Result,
    Submission,
    Task,
)
from portal.domain.errors import UntrustedValueError
from portal.domain.evaluations.failures import FailureReason
from portal.domain.evaluations.states import AttemptState
from portal.domain.evaluations.work import RunWork
from portal.domain.ids import new_id
from portal.domain.retention import ArtifactKind
from portal.domain.submissions.limits import SubmissionKind
from portal.worker.boundary import predicted, token_of, work_as_prepared
from portal.worker.steps.expire import expire
from tests.support.worker.weights import packed, upload
from tests.support.worker.world import Clock, World, make_world

pytestmark = pytest.mark.attack(70)

SECRET = b"patient 7 is healthy"
WEIGHTS = b"many numbers"


class Taken:
    """A site whose web account somebody else has: they write rows, and the files of the store."""

    def __init__(self, world: World, folder: Path) -> None:
        self.world, self.folder = world, folder
        self.truth = folder / "data/truth/labels.csv"
        self.truth.write_bytes(SECRET)

    def write(self, table: type[Base], **values: object) -> None:
        with self.world.database.writing() as session:
            session.execute(text("PRAGMA defer_foreign_keys=ON"))
            session.execute(text("PRAGMA ignore_check_constraints=ON"))
            for value in values.values():
                if isinstance(value, str) and session.get(Blob, value) is None:
                    session.add(Blob(sha256=value, size=1, created_at=self.world.clock()))
            session.execute(update(table).values(**values))

    def blob(self, content: bytes) -> Path:
        return self.world.site.store.path(hashlib.sha256(content).hexdigest())

    def smoke(self, *, weights: str | None = None) -> str:
        submission = self.world.submit(smoke=True)
        if weights:
            self.write(Submission, weights_id=upload(self.world, weights, WEIGHTS))
        return submission

    def outcome(self, submission: str) -> FailureReason | None:
        reason = self.world.run_until_final(submission).reason
        self.nothing_is_out()
        return reason

    def nothing_is_out(self) -> None:
        """Look at every file that the worker has, and at all that a program could have seen."""
        storage = self.world.context.cluster.storage
        private = [path for path in storage.rglob("*") if "blobs" not in path.parts]
        for path in private:
            assert not path.is_symlink(), path
            assert not path.is_file() or SECRET not in path.read_bytes(), path
        for script in self.world.node.scripts:
            is_score = "/input/ref" in script
            assert is_score or str(self.truth.parent) not in script


@pytest.fixture
def taken(sqlite_database: Database, tmp_path: Path) -> Taken:
    return Taken(make_world(sqlite_database, tmp_path, Clock()), tmp_path)


@pytest.mark.parametrize("path", ["{truth}", "../../data/truth", "/", "."])
def test_the_digest_of_a_sample_that_is_a_path(taken: Taken, path: str) -> None:
    submission = taken.smoke()
    taken.write(Task, sample_sha256=path.format(truth=taken.truth.parent))

    assert taken.outcome(submission) is FailureReason.PREPARATION


def link(path: Path, truth: Path) -> None:
    path.symlink_to(truth)


def pipe(path: Path, truth: Path) -> None:
    os.mkfifo(path)


def hard_link(path: Path, truth: Path) -> None:
    os.link(truth, path)


def directory(path: Path, truth: Path) -> None:
    path.mkdir()


def other_bytes(path: Path, truth: Path) -> None:
    path.write_bytes(b"other numbers")


def prefix(path: Path, truth: Path) -> None:
    # Another upload may lie beside it: the first digits of a digest are those of many.
    if path.parent.is_symlink():
        return
    path.parent.rename(path.parent.with_name(f"aside-{path.parent.name}"))
    path.parent.symlink_to(truth.parent)


def nothing(path: Path, truth: Path) -> None:
    pass


Put = Callable[[Path, Path], None]
PUTS = [link, pipe, hard_link, directory, other_bytes, prefix, nothing]


@pytest.mark.parametrize("filename", ["model.bin", "model.zip"])
@pytest.mark.parametrize("put", PUTS)
def test_weights_that_something_else_was_put_in_the_place_of(
    taken: Taken, put: Put, filename: str
) -> None:
    submission = taken.smoke(weights=filename)
    blob = taken.blob(WEIGHTS)
    blob.unlink()
    put(blob, taken.truth)

    assert taken.outcome(submission) is FailureReason.PREPARATION


def test_weights_that_are_changed_after_they_were_looked_at(taken: Taken) -> None:
    submission = taken.smoke(weights="model.bin")
    taken.world.run_until_sent("predict")
    blob = taken.blob(WEIGHTS)
    blob.chmod(0o600)
    blob.write_bytes(SECRET)

    assert taken.outcome(submission) is None
    [used] = (taken.world.context.cluster.storage / "weights").iterdir()
    assert used.read_bytes() == WEIGHTS
    assert (used.stat().st_ino, used.stat().st_nlink) != (blob.stat().st_ino, 2)


RESULTS = b"id,digit\n1,7\n"


@pytest.mark.parametrize("put", PUTS)
def test_results_and_code_that_something_else_was_put_in_the_place_of(
    taken: Taken, put: Put
) -> None:
    code, results = (
        (SubmissionKind.CODE, packed(predict="print()")),
        (SubmissionKind.RESULTS, RESULTS),
    )
    for kind, content in (code, results):
        submission = taken.world.submit(kind, content)
        blob = taken.blob(content)
        blob.unlink()
        put(blob, taken.truth)
        evaluation = taken.world.run_until_final(submission)
        assert evaluation.reason is FailureReason.PREPARATION
    taken.nothing_is_out()


@pytest.mark.parametrize("put", [link, other_bytes])
def test_a_sample_that_something_else_was_put_in_the_place_of(taken: Taken, put: Put) -> None:
    submission = taken.smoke()
    with taken.world.database.reading() as session:
        digest = session.scalars(select(Task.sample_sha256)).one()
    blob = taken.world.site.store.path(str(digest))
    blob.unlink()
    put(blob, taken.truth)

    assert taken.outcome(submission) is FailureReason.PREPARATION


def code_image(taken: Taken) -> Image:
    with taken.world.database.reading() as session:
        return session.scalars(select(Image).where(Image.kind == "code")).one()


def scorer_of(taken: Taken) -> Image:
    with taken.world.database.reading() as session:
        task = session.scalars(select(Task)).one()
        return session.get_one(Image, task.scorer_image_id)


@pytest.mark.parametrize("value", ["{truth}", "../../data/truth/labels", "{scorer}"])
def test_the_digest_of_an_image_that_is_a_path_or_the_scorers(taken: Taken, value: str) -> None:
    taken.world.run_until_final(taken.world.submit())
    submission = taken.world.submit(smoke=True)
    sif = value.format(truth=taken.truth, scorer=scorer_of(taken).sif_sha256)
    with taken.world.database.writing() as session:
        session.get_one(Image, code_image(taken).id).sif_sha256 = sif
    sent = len(taken.world.node.scripts)

    assert taken.outcome(submission) is FailureReason.PREPARATION
    assert len(taken.world.node.scripts) == sent


def test_code_that_is_laid_over_the_scorer(taken: Taken) -> None:
    taken.world.run(3)
    submission = taken.world.submit()
    with taken.world.database.writing() as session:
        session.get_one(Image, code_image(taken).id).base_image_id = scorer_of(taken).id

    assert taken.outcome(submission) is FailureReason.PREPARATION


def test_a_run_on_private_data_that_becomes_a_smoke_run_when_it_has_ended(taken: Taken) -> None:
    submission = taken.world.submit()
    taken.world.run_until_sent("predict")
    taken.write(Submission, is_smoke=True)
    directory = taken.world.context.cluster.storage
    [place] = (directory / "runs").glob(f"*/{taken.world.attempts('predict')[0].token}")
    taken.world.scheduler.advance()
    (place / "stdout.log").write_bytes(b"x" * 200_000)
    taken.world.run_until_final(submission)

    with taken.world.database.reading() as session:
        [length] = session.scalars(text("SELECT max(length(text)) FROM run_logs")).all()
    assert length == 64 * 1024


def test_a_run_that_was_sent_is_not_prepared_as_something_else(taken: Taken) -> None:
    submission = taken.world.submit()
    taken.world.run_until_sent("predict")
    [attempt] = taken.world.attempts("predict")
    with taken.world.database.writing() as session:
        session.get_one(Submission, submission).is_smoke = True
        session.get_one(Attempt, attempt.token).state = AttemptState.CREATED

    assert taken.outcome(submission) is FailureReason.PREPARATION


def test_the_prediction_of_another_submission_is_not_scored_as_this_ones(taken: Taken) -> None:
    context, prepared = taken.world.context, []
    for content in (packed(one="1"), packed(two="2")):
        taken.world.run_until_final(taken.world.submit(content=content))
    with taken.world.database.reading() as session:
        jobs = session.scalars(select(Job.id).where(Job.kind == "score").order_by(Job.id)).all()
        for job in jobs:
            token = session.scalars(select(Attempt.token).where(Attempt.job_id == job)).one()
            prepared.append(work_as_prepared(context, token_of(token)))
    first, second = prepared
    assert isinstance(first, RunWork)
    assert isinstance(second, RunWork)

    assert predicted(context, second) is not None
    with pytest.raises(UntrustedValueError, match="the prediction of something else"):
        predicted(context, replace(second, predict=first.predict))


def test_a_seal_says_what_the_worker_saw_whatever_rows_say(taken: Taken) -> None:
    submission = taken.world.submit()
    taken.world.run_until_sent("score")
    taken.write(
        Attempt, record={"probe": {"forged": 1}, "versions": {}, "exit_code": 0}, nodes="n9"
    )
    evaluation = taken.world.run_until_final(submission)

    with taken.world.database.reading() as session:
        seal = session.get_one(Result, evaluation.id).seal
    assert seal["predict"]["probe"] == taken.world.node.probe
    assert seal["predict"]["versions"]["apptainer"] == "1.4.5"
    assert "n9" not in {seal["predict"]["nodes"], seal["score"]["nodes"]}


@pytest.mark.parametrize("kind", list(ArtifactKind))
@pytest.mark.parametrize("value", ["{outside}", "../../outside", "*", "../**"])
def test_a_deletion_that_names_a_path(taken: Taken, kind: ArtifactKind, value: str) -> None:
    outside = taken.folder / "outside"
    outside.mkdir()
    (outside / "kept").write_bytes(b"")
    taken.world.run(3)
    images = sorted((taken.world.context.cluster.storage / "images").iterdir())
    named = value.format(outside=outside)
    subjects = {named, scorer_of(taken).id, taken.world.attempts("build")[0].token}
    with taken.world.database.writing() as session:
        for subject in subjects:
            session.add(
                Deletion(
                    id=new_id(taken.world.clock()), kind=kind, subject=subject, sha256=named, size=1,
                    cluster="" if kind is ArtifactKind.UPLOAD else "main", policy="", intended_at=taken.world.clock(),
                )
            )  # fmt: skip

    expire(taken.world.context)

    assert (outside / "kept").exists()
    assert sorted((taken.world.context.cluster.storage / "images").iterdir()) == images


@pytest.mark.parametrize("slug", ["../../outside", "/etc/passwd", "digits/../digits"])
def test_the_name_of_a_challenge_that_is_a_path(taken: Taken, slug: str) -> None:
    submission = taken.world.submit(SubmissionKind.RESULTS, RESULTS)
    with taken.world.database.writing() as session:
        session.execute(update(Challenge).values(slug=slug))

    assert taken.outcome(submission) is FailureReason.PREPARATION


def test_a_measurement_that_says_otherwise_in_the_database(
    sqlite_database: Database, tmp_path: Path
) -> None:
    world = make_world(sqlite_database, tmp_path, Clock())
    for data in world.context.resources.data.values():
        object.__setattr__(data, "measure", True)
    (tmp_path / "data/test/cells.csv").write_text("1")
    submission = world.submit()
    world.run_until_sent("predict")
    with world.database.writing() as session:
        roots = set(session.scalars(select(DataSnapshot.root)))
        session.execute(update(DataSnapshot).values(root="f" * 64, fingerprint="e" * 64, size=1))
    evaluation = world.run_until_final(submission)

    with world.database.reading() as session:
        data = session.get_one(Result, evaluation.id).seal["data"]
    assert {data["input"]["merkle_root"], data["truth"]["merkle_root"]} == roots
    assert data["input"]["unchanged"] is True
