"""Running an evaluation again to compare: nothing but the comparison comes of it."""

import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
import yaml
from sqlalchemy import select

from portal import bootstrap
from portal.db.queries.evaluations import shares
from portal.db.tables import AuditEntry, Evaluation, Result, Standing, Submission
from portal.domain.audit import Action
from portal.domain.errors import OperatorError
from portal.domain.evaluations.reruns import ScoreDifference
from portal.domain.evaluations.states import EvaluationState
from portal.services.evaluations import reruns
from portal.services.evaluations.reruns import RerunFacts
from portal.services.leaderboards import standings
from tests.support.worker.world import MAX_PASSES, World


def _ask(world: World, wanted: str) -> list[str]:
    with world.database.writing() as session:
        return reruns.ask(session, actor=bootstrap.operator(), wanted=wanted, now=world.clock())


def _facts(world: World, rerun: str) -> RerunFacts:
    with world.database.reading() as session:
        return reruns.facts(session, rerun)


def _run_again(world: World, wanted: str) -> RerunFacts:
    [rerun] = _ask(world, wanted)
    for _ in range(MAX_PASSES):
        found = _facts(world, rerun)
        if found.is_over:
            return found
        world.run()
    raise AssertionError(found.state)


def _scores(accuracy: float) -> Any:
    def score(output: Path) -> int:
        (output / "scores.json").write_text(json.dumps({"accuracy": accuracy, "loss": 0.25}))
        return 0

    return score


def _original(world: World, submission: str) -> Evaluation:
    with world.database.reading() as session:
        return session.scalars(
            select(Evaluation).where(
                Evaluation.submission_id == submission, Evaluation.rerun_of.is_(None)
            )
        ).one()


def _everything(world: World) -> list[Any]:
    """Return all that people see of results."""
    with world.database.reading() as session:
        submissions = [
            (one.id, one.counts, one.shown) for one in session.scalars(select(Submission))
        ]
        stands = [
            (one.submission_id, one.scores, one.rank_value)
            for one in session.scalars(select(Standing))
        ]
        return [submissions, stands]


@pytest.fixture
def scored(world: World) -> str:
    submission = world.submit()
    world.run_until_final(submission)
    return submission


def test_the_same_comes_to_the_same(world: World, scored: str) -> None:
    before = _everything(world)

    found = _run_again(world, _original(world, scored).id)

    assert found.state is EvaluationState.SCORED
    assert found.comparison is not None
    assert found.comparison.is_same
    assert found.comparison.circumstances == ()
    assert _everything(world) == before


def test_a_better_rerun_moves_nobody_on_the_leaderboard(world: World, scored: str) -> None:
    before = _everything(world)
    world.node.score = _scores(0.99)

    found = _run_again(world, scored)

    assert found.comparison is not None
    assert found.comparison.scores == (ScoreDifference(key="accuracy", before=0.91239, now=0.99),)
    assert _everything(world) == before
    with world.database.writing() as session:
        challenge = session.get_one(Submission, scored).challenge_id
        standings.rebuild(session, challenge)
    assert _everything(world) == before


def test_its_seal_record_says_what_it_repeats(world: World, scored: str) -> None:
    original = _original(world, scored)

    found = _run_again(world, original.id)

    with world.database.reading() as session:
        seals = [session.get_one(Result, one).seal for one in (original.id, found.id)]
    assert [seal["rerun_of"] for seal in seals] == [None, original.id]
    assert [seal["evaluation"] for seal in seals] == [original.id, found.id]


def test_a_rerun_that_fails_changes_no_count(world: World, scored: str) -> None:
    before = _everything(world)
    world.node.reason = "isolation_unavailable"

    found = _run_again(world, scored)

    assert found.state is EvaluationState.FAILED
    assert found.comparison is None
    assert _everything(world) == before


def test_it_uses_up_nothing_of_the_team(world: World, scored: str) -> None:
    with world.database.reading() as session:
        challenge = session.get_one(Submission, scored).challenge_id
        before = shares.times(session, challenge_id=challenge, team_id=None)

    [rerun] = _ask(world, scored)
    world.run(4)

    with world.database.reading() as session:
        assert shares.running(session) == {}
        assert session.get_one(Evaluation, rerun).state is not EvaluationState.WAITING
        assert shares.times(session, challenge_id=challenge, team_id=None) == before
    # The phase lets two of a team run at once: both still may.
    submissions = [world.submit() for _ in range(2)]
    assert {world.run_until_final(one).state for one in submissions} == {EvaluationState.SCORED}


def test_asking_twice_runs_it_once(world: World, scored: str) -> None:
    assert _ask(world, scored) == _ask(world, _original(world, scored).id)


def test_it_can_be_run_again_and_again(world: World, scored: str) -> None:
    first, second = _run_again(world, scored), _run_again(world, scored)

    assert first.id != second.id
    with world.database.reading() as session:
        found = reruns.of_submission(session, scored)
    assert [one.id for one in found] == [first.id, second.id]


def test_only_what_has_a_result_can_be_compared(world: World) -> None:
    waiting = world.submit()

    for wanted, words in (
        (waiting, "has no result"),
        ("nothing", "no evaluation and no submission"),
    ):
        with pytest.raises(OperatorError, match=words):
            _ask(world, wanted)


def test_a_rerun_is_not_run_again_but_shown(world: World, scored: str) -> None:
    rerun = _run_again(world, scored)

    assert _ask(world, rerun.id) == [rerun.id]


def test_it_is_in_the_audit_log(world: World, scored: str) -> None:
    [rerun] = _ask(world, scored)

    with world.database.reading() as session:
        entry = session.scalars(
            select(AuditEntry).where(AuditEntry.action == Action.EVALUATION_RERUN)
        ).one()
    assert (entry.subject_id, entry.detail["rerun"]) == (scored, rerun)


@pytest.fixture
def site_file(world: World, tmp_path: Path) -> Path:
    """Return the settings of the world's site, with its database."""
    settings = yaml.safe_load((tmp_path / "site.yaml").read_text())
    url = world.database.engine.url.render_as_string(hide_password=False)
    path = tmp_path / "with-database.yaml"
    path.write_text(yaml.safe_dump({**settings, "database": {"url": url}}))
    return path


def _rerun(site_file: Path, *words: str) -> subprocess.CompletedProcess[str]:
    argv = [sys.executable, "-m", "portal", "rerun", *words, "--site", str(site_file)]
    return subprocess.run(argv, capture_output=True, text=True, timeout=240, check=False)


@pytest.mark.parametrize(
    ("accuracy", "code", "words"),
    [
        (0.91239, 0, "the same scores"),
        (0.99, 1, "accuracy: 0.91239 before, 0.99 now"),
    ],
)
def test_the_command_waits_and_says_what_came_of_it(
    world: World, scored: str, site_file: Path, accuracy: float, code: int, words: str
) -> None:
    world.node.score = _scores(accuracy)
    argv = [sys.executable, "-m", "portal", "rerun", scored, "--site", str(site_file)]
    with subprocess.Popen(argv, stdout=subprocess.PIPE, text=True) as command:
        for _ in range(600):
            if command.poll() is not None:
                break
            world.run()
            time.sleep(0.05)
        output, _ = command.communicate(timeout=120)

    rerun = output.split()[1]
    assert words in output
    assert command.returncode == code
    shown = _rerun(site_file, rerun)
    assert (shown.returncode, shown.stdout) == (code, output)


def test_the_command_refuses_what_is_not_there(world: World, site_file: Path) -> None:
    del world
    told = _rerun(site_file, "nothing")

    assert told.returncode == 1
    assert "there is no evaluation and no submission nothing" in told.stderr
