"""What is exported of real runs: the whole challenge, one evaluation, and who is let to."""

import json
from pathlib import Path

import pytest
from sqlalchemy import select

from portal import bootstrap
from portal.db.tables import AuditEntry
from portal.domain.accounts.people import Actor
from portal.domain.audit import Action
from portal.domain.challenges.crates import CrateFacts
from portal.domain.errors import NotFoundError
from portal.files.crates import Publisher, write_crate
from portal.services.challenges import crates
from portal.services.evaluations import reruns
from tests.support.worker.world import World

PUBLISHER = Publisher(name="HPC", url="https://portal.example", keys={})


def _challenge(world: World) -> CrateFacts:
    with world.database.writing() as session:
        return crates.of_challenge(
            session, actor=bootstrap.operator(), slug="digits", now=world.clock()
        )


def test_a_challenge_has_its_results_and_boards_and_no_private_data(
    world: World, tmp_path: Path
) -> None:
    submission = world.submit()
    evaluation = world.run_until_final(submission)
    world.run_until_final(world.submit(smoke=True))

    facts = _challenge(world)
    write_crate(
        tmp_path / "crate", facts, PUBLISHER, now=world.clock(), upload=world.site.store.path
    )

    [result] = facts.results
    [place] = next(board for board in facts.boards if board.phase == "dev").places
    assert (result.evaluation, result.submission) == (evaluation.id, submission)
    assert (place.rank, place.submission) == (1, submission)
    folder = tmp_path / "crate"
    assert json.loads((folder / f"results/{evaluation.id}/scores.json").read_text()) == {
        "accuracy": 0.91239, "loss": 0.25,
    }  # fmt: skip
    assert (folder / "uploads" / result.upload_sha256).is_file()
    everything = b"".join(path.read_bytes() for path in folder.rglob("*") if path.is_file())
    for data in world.context.resources.data.values():
        assert str(data.path).encode() not in everything
        for private in Path(data.path).rglob("*"):
            assert private.is_dir() or private.read_bytes() not in everything


def test_those_who_have_the_same_share_a_place(world: World) -> None:
    for _ in range(2):
        world.run_until_final(world.submit())
    facts = _challenge(world)

    assert [place.rank for board in facts.boards for place in board.places] == [1]


def test_an_evaluation_comes_with_its_reruns_and_a_challenge_without(world: World) -> None:
    submission = world.submit()
    evaluation = world.run_until_final(submission)
    with world.database.writing() as session:
        [rerun] = reruns.ask(
            session, actor=bootstrap.operator(), wanted=evaluation.id, now=world.clock()
        )
    world.run(40)

    whole = _challenge(world)
    found = {}
    for wanted in (submission, evaluation.id):
        with world.database.writing() as session:
            facts = crates.of_one(
                session, actor=bootstrap.operator(), wanted=wanted, now=world.clock()
            )
        found[wanted] = [(one.evaluation, one.rerun_of) for one in facts.results]

    both = [(evaluation.id, None), (rerun, evaluation.id)]
    assert found == {submission: both, evaluation.id: both}
    assert [one.evaluation for one in whole.results] == [evaluation.id]


def test_each_export_is_written_down(world: World) -> None:
    submission = world.submit()
    world.run_until_final(submission)
    _challenge(world)
    with world.database.writing() as session:
        crates.of_one(session, actor=bootstrap.operator(), wanted=submission, now=world.clock())

    with world.database.reading() as session:
        entries = session.scalars(
            select(AuditEntry)
            .where(AuditEntry.action == Action.EVIDENCE_EXPORTED)
            .order_by(AuditEntry.number)
        ).all()
        assert [(one.subject_kind, one.subject_id) for one in entries] == [
            ("challenge", "digits"), ("submission", submission),
        ]  # fmt: skip


@pytest.mark.parametrize("slug", ["digits", "nothing"])
def test_nobody_else_exports_and_what_is_not_there_is_not_found(world: World, slug: str) -> None:
    actor = Actor(person_id=world.person, name="Ada") if slug == "digits" else bootstrap.operator()

    with world.database.writing() as session, pytest.raises(NotFoundError):
        crates.of_challenge(session, actor=actor, slug=slug, now=world.clock())
    with world.database.writing() as session, pytest.raises(NotFoundError):
        crates.of_one(session, actor=actor, wanted="nothing", now=world.clock())
