"""Deleting by policy: what goes, when, what stays of it, and what happens when it is needed again."""

import hashlib
import os
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import select

from portal.db.tables import (
    AuditEntry,
    Blob,
    Challenge,
    Deletion,
    Evaluation,
    Image,
    Phase,
    Result,
    RunLog,
    Submission,
    Task,
    Weights,
)
from portal.domain.accounts.people import ActorKind
from portal.domain.audit import Action
from portal.domain.evaluations.failures import FailureReason
from portal.domain.evaluations.states import EvaluationState, ImageState
from portal.domain.ids import new_id
from portal.domain.retention import ArtifactKind, Policy
from portal.domain.submissions.limits import SubmissionKind
from portal.files.store import Store
from portal.worker.steps import expire as module
from portal.worker.steps.expire import due_now, expire
from tests.support.worker.pretended_node import good_scores
from tests.support.worker.world import World

DAY = timedelta(days=1)
EVERYTHING = Policy(default=dict.fromkeys(ArtifactKind, 30 * DAY), longest={}, refused=7 * DAY)


@pytest.fixture
def kept(world: World) -> World:
    """Let the site keep everything for 30 days after the end of the challenge, on New Year's Day."""
    world.context = replace(
        world.context, resources=replace(world.context.resources, retention=EVERYTHING)
    )
    return world


def _scored(world: World, **more: object) -> Evaluation:
    def score(output: Path) -> int:
        (output.parent / "stdout.log").write_text("the log of a scorer\n")
        (output.parent / "stdout.log").chmod(0o640)
        return good_scores(output)

    world.node.score = score
    evaluation = world.run_until_final(world.submit(**more))  # type: ignore[arg-type]
    assert evaluation.state is EvaluationState.SCORED
    return evaluation


def _age(world: World) -> None:
    """Let every file of the store have come long ago."""
    for file in world.context.store.incoming_directory.parent.rglob("*"):
        if file.is_file():
            os.utime(file, (0, 0))


def _after_the_end(world: World, days: float = 31) -> None:
    _age(world)
    world.clock.now = datetime.fromisoformat("2027-01-01T00:00:00+00:00") + days * DAY


def _all(world: World, table: type) -> list:  # type: ignore[type-arg]
    with world.database.reading() as session:
        return list(session.scalars(select(table)))


def _files(world: World, folder: str) -> list[str]:
    root = world.context.cluster.storage / folder
    return sorted(str(path.relative_to(root)) for path in root.rglob("*") if path.is_file())


def _upload(world: World) -> tuple[str, Path]:
    [submission] = _all(world, Submission)
    return submission.blob_sha256, world.context.store.path(submission.blob_sha256)


def test_nothing_goes_before_its_time(kept: World) -> None:
    _scored(kept)
    before = _files(kept, "runs"), _files(kept, "images"), _files(kept, "blobs")
    _after_the_end(kept, days=29.9)

    assert expire(kept.context).deleted == 0
    assert (_files(kept, "runs"), _files(kept, "images"), _files(kept, "blobs")) == before


def test_everything_of_a_submission_goes_and_a_row_of_each_stays(kept: World) -> None:
    evaluation = _scored(kept)
    digest, upload = _upload(kept)
    size = upload.stat().st_size
    [image] = [one for one in _all(kept, Image) if one.id == evaluation.image_id]
    sif = kept.context.cluster.images / f"{image.sif_sha256}.sif"
    assert sif.exists()
    _after_the_end(kept)

    while expire(kept.context).deleted:
        pass

    assert (upload.exists(), sif.exists(), _all(kept, RunLog)) == (False, False, [])
    rows = _all(kept, Deletion)
    assert {row.kind for row in rows} == set(ArtifactKind)
    assert all(row.done_at == kept.clock.now for row in rows)
    gone = next(row for row in rows if row.kind is ArtifactKind.UPLOAD)
    assert (gone.sha256, gone.size) == (digest, size)
    assert gone.policy == ("uploads: 30 days after the end of the challenge; this site's default")
    of_image = next(row for row in rows if row.kind is ArtifactKind.IMAGE)
    assert (of_image.sha256, of_image.size) == (image.sif_sha256, image.size)
    # Of the submission's own runs nothing is left, of the images of the challenge everything.
    runs = _files(kept, "runs")
    builds = {attempt.job_id for attempt in kept.attempts("build")}
    assert {name.partition("/")[0] for name in runs} <= builds


def test_results_seal_records_and_scorers_stay(kept: World) -> None:
    _scored(kept)
    [result] = _all(kept, Result)
    _after_the_end(kept)
    while expire(kept.context).deleted:
        pass

    assert [(one.scores, one.seal) for one in _all(kept, Result)] == [(result.scores, result.seal)]
    with kept.database.reading() as session:
        task = session.scalars(select(Task)).one()
        for image_id in (task.scorer_image_id, task.base_image_id, kept.context.probe_image_id):
            image = session.get_one(Image, image_id)
            assert image.deleted_at is None
            assert kept.context.store.path(image.source_sha256).exists()


def test_each_deletion_is_in_the_audit_log(kept: World) -> None:
    _scored(kept)
    _after_the_end(kept)
    while expire(kept.context).deleted:
        pass

    rows = {row.subject: row for row in _all(kept, Deletion)}
    entries = [one for one in _all(kept, AuditEntry) if one.action is Action.FILES_DELETED]
    assert len(entries) == len(_all(kept, Deletion))
    for entry in entries:
        assert entry.actor_kind is ActorKind.PORTAL
        assert entry.subject_id in rows
        assert len(str(entry.detail["sha256"])) == 64
        assert "30 days after the end" in str(entry.detail["policy"])


def test_what_two_challenges_have_stays_until_the_last_lets_go(kept: World) -> None:
    _scored(kept)
    digest, upload = _upload(kept)
    _add_another_challenge(kept, ends_at=datetime.fromisoformat("2027-03-01T00:00:00+00:00"))
    _after_the_end(kept)
    while expire(kept.context).deleted:
        pass
    in_between = upload.exists()

    kept.clock.now = datetime.fromisoformat("2027-04-01T00:00:00+00:00")
    while expire(kept.context).deleted:
        pass

    assert (in_between, upload.exists()) == (True, False)
    [gone] = [row for row in _all(kept, Deletion) if row.kind is ArtifactKind.UPLOAD]
    with kept.database.reading() as session:
        assert session.get_one(Challenge, gone.challenge_id).slug == "another"
    assert gone.sha256 == digest


def _add_another_challenge(world: World, ends_at: datetime) -> None:
    """Let the same upload have been submitted to another challenge too."""
    with world.database.writing() as session:
        one = session.scalars(select(Challenge)).one()
        other = Challenge(
            id=new_id(world.clock()), slug="another", title="Another", join_policy="open",
            team_size=1, rule=one.rule, created_at=world.clock(), updated_at=world.clock(),
        )  # fmt: skip
        session.add(other)
        session.flush()
        phase = session.scalars(select(Phase)).one()
        values = {
            column.key: getattr(phase, column.key)
            for column in Phase.__mapper__.column_attrs
            if column.key not in {"id", "challenge_id", "ends_at"}
        }
        later = Phase(id=new_id(world.clock()), challenge_id=other.id, ends_at=ends_at, **values)
        session.add(later)
        session.flush()
        submission = session.scalars(select(Submission)).one()
        session.add(
            Submission(
                id=new_id(world.clock()), challenge_id=other.id, phase_id=later.id,
                team_id=submission.team_id, person_id=submission.person_id, kind=submission.kind,
                blob_sha256=submission.blob_sha256, filename="again.zip",
                created_at=world.clock(),
            )
        )  # fmt: skip


def test_what_is_still_to_be_evaluated_stays(kept: World) -> None:
    kept.submit()
    _, upload = _upload(kept)
    _after_the_end(kept)

    assert [one.kind for one in due_now(kept.context)] == []
    assert upload.exists()


def test_a_challenge_may_ask_for_less_and_a_site_allows_no_more(kept: World) -> None:
    with kept.database.writing() as session:
        session.scalars(select(Challenge)).one().retention = {
            "outputs": (5 * DAY).total_seconds(),
            "logs": (99 * DAY).total_seconds(),
        }
    policy = replace(EVERYTHING, longest={ArtifactKind.LOG: 10 * DAY})
    kept.context = replace(
        kept.context, resources=replace(kept.context.resources, retention=policy)
    )
    _scored(kept)

    _after_the_end(kept, days=6)
    after_six = {one.kind for one in due_now(kept.context)}
    _after_the_end(kept, days=11)
    after_eleven = {one.kind: one.policy for one in due_now(kept.context)}

    assert after_six == {ArtifactKind.OUTPUT}
    assert after_eleven == {
        ArtifactKind.OUTPUT: "outputs: 5 days after the end of the challenge; the challenge's retention",
        ArtifactKind.LOG: "logs: 10 days after the end of the challenge; the most that this site keeps",
    }


def test_logs_can_go_before_outputs(kept: World) -> None:
    policy = replace(EVERYTHING, default={ArtifactKind.LOG: DAY})
    kept.context = replace(
        kept.context, resources=replace(kept.context.resources, retention=policy)
    )
    _scored(kept)
    _after_the_end(kept)

    while expire(kept.context).deleted:
        pass

    [predicted] = kept.attempts("predict")
    left = _files(kept, f"runs/{predicted.job_id}")
    assert left == [f"{predicted.token}/collected/predictions.csv"]
    assert _all(kept, RunLog) == []


class Killed(BaseException):
    """The worker was killed."""


@pytest.mark.parametrize("moment", ["before", "after"])
def test_a_worker_killed_while_it_deletes_leaves_it_to_the_next(
    kept: World, monkeypatch: pytest.MonkeyPatch, moment: str
) -> None:
    _scored(kept)
    _, upload = _upload(kept)
    _after_the_end(kept)
    remove: Callable[..., bool] = Store.remove

    def killed(self: Store, sha256: str, *, unused_for: timedelta) -> bool:
        if moment == "after":
            remove(self, sha256, unused_for=unused_for)
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(Store, "remove", killed)
        with pytest.raises(Killed):
            expire(kept.context)
    begun = [row for row in _all(kept, Deletion) if row.kind is ArtifactKind.UPLOAD]
    while expire(kept.context).deleted:
        pass

    assert [row.done_at for row in begun] == [None]
    [row] = [row for row in _all(kept, Deletion) if row.kind is ArtifactKind.UPLOAD]
    assert (row.id, row.done_at is not None, upload.exists()) == (begun[0].id, True, False)


def test_the_same_upload_that_comes_again_meanwhile_stays(kept: World) -> None:
    _scored(kept)
    digest, upload = _upload(kept)
    _after_the_end(kept)
    with kept.database.writing() as session:
        session.scalars(select(Phase)).one().ends_at = kept.clock.now + DAY
        session.get_one(Blob, digest).deleted_at = kept.clock.now
        session.add(
            Deletion(
                id=new_id(kept.clock.now), kind=ArtifactKind.UPLOAD, subject=digest, sha256=digest,
                size=1, policy="", intended_at=kept.clock.now,
            )
        )  # fmt: skip
    kept.submit()

    expire(kept.context)

    assert upload.exists()
    assert _all(kept, Deletion) == []
    with kept.database.reading() as session:
        assert session.get_one(Blob, digest).deleted_at is None


def test_a_refused_upload_goes_after_a_week(kept: World) -> None:
    with kept.context.store.incoming() as incoming:
        incoming.write(b"refused")
        stored = incoming.commit()
    path = kept.context.store.path(stored.sha256)
    expire(kept.context)
    fresh = path.exists()
    _age(kept)

    expire(kept.context)

    assert (fresh, path.exists()) == (True, False)
    [row] = _all(kept, Deletion)
    assert (row.sha256, row.challenge_id) == (hashlib.sha256(b"refused").hexdigest(), None)
    assert row.policy == "uploads that nothing was made of: 7 days"


def test_an_image_that_is_needed_again_is_built_again(kept: World) -> None:
    evaluation = _scored(kept)
    policy = replace(EVERYTHING, default={ArtifactKind.IMAGE: DAY})
    kept.context = replace(
        kept.context, resources=replace(kept.context.resources, retention=policy)
    )
    _after_the_end(kept)
    while expire(kept.context).deleted:
        pass
    again = _evaluate_again(kept, evaluation)

    for _ in range(40):
        kept.run()

    with kept.database.reading() as session:
        image = session.get_one(Image, evaluation.image_id)
        assert (image.state, image.deleted_at) == (ImageState.READY, None)
        assert session.get_one(Evaluation, again).state is EvaluationState.SCORED


def test_running_again_what_was_deleted_for_good_says_so(kept: World) -> None:
    evaluation = _scored(kept)
    _after_the_end(kept)
    while expire(kept.context).deleted:
        pass
    again = _evaluate_again(kept, evaluation)

    kept.run(3)

    with kept.database.reading() as session:
        row = session.get_one(Evaluation, again)
    assert (row.state, row.reason) == (EvaluationState.FAILED, FailureReason.PREPARATION)
    assert row.detail == "the upload was deleted by policy at 2027-02-01 00:00 UTC"


def _evaluate_again(world: World, evaluation: Evaluation, number: int = 2) -> str:
    with world.database.writing() as session:
        row = Evaluation(
            id=new_id(world.clock()), submission_id=evaluation.submission_id,
            task_id=evaluation.task_id, number=number, image_id=evaluation.image_id,
            state=EvaluationState.WAITING, created_at=world.clock(), updated_at=world.clock(),
        )  # fmt: skip
        session.add(row)
    return row.id


def test_what_the_storage_will_not_delete_is_tried_again(
    kept: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    _scored(kept, kind=SubmissionKind.RESULTS, content=b"id,digit\n1,7\n")
    _after_the_end(kept)

    with monkeypatch.context() as patch:
        patch.setattr(module, "remove", lambda _paths: False)
        refused = expire(kept.context)
    again = expire(kept.context)

    assert (refused.left, again.left) == (3, 0)
    assert all(row.done_at is not None for row in _all(kept, Deletion))


def test_weights_go_with_their_challenge_and_not_while_something_needs_them(kept: World) -> None:
    evaluation = _scored(kept)
    with kept.context.store.incoming() as incoming:
        incoming.write(b"weights")
        stored = incoming.commit()
    with kept.database.writing() as session:
        submission = session.get_one(Submission, evaluation.submission_id)
        session.add(Blob(sha256=stored.sha256, size=stored.size, created_at=kept.clock()))
        session.flush()
        weights = Weights(
            id=new_id(kept.clock()), challenge_id=submission.challenge_id,
            team_id=submission.team_id, person_id=submission.person_id,
            blob_sha256=stored.sha256, filename="w.bin", created_at=kept.clock(),
        )  # fmt: skip
        session.add(weights)
        session.flush()
        submission.weights_id = weights.id
    unpacked = kept.context.cluster.weights / stored.sha256
    unpacked.mkdir(parents=True)
    again = _evaluate_again(kept, evaluation)
    _after_the_end(kept)
    needed = [one.subject for one in due_now(kept.context) if one.kind is ArtifactKind.UPLOAD]
    with kept.database.writing() as session:
        session.get_one(Evaluation, again).state = EvaluationState.CANCELLED

    while expire(kept.context).deleted:
        pass

    assert needed == []
    assert (kept.context.store.path(stored.sha256).exists(), unpacked.exists()) == (False, False)
    third = _evaluate_again(kept, evaluation, number=3)
    kept.run(3)
    with kept.database.reading() as session:
        assert session.get_one(Evaluation, third).state is EvaluationState.FAILED
