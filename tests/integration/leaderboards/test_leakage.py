"""What the worker makes of a run in a phase that tells little: the Ladder, and holding back."""

import json
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml
from sqlalchemy import select

from portal import bootstrap
from portal.db.queries.evaluations import neighbours, shares
from portal.db.tables import Attempt, Evaluation, Event, Standing, Submission, Task
from portal.db.tables import Phase as PhaseRow
from portal.domain.evaluations.failures import FailureReason
from portal.domain.evaluations.states import EvaluationState
from portal.domain.submissions.disclosure import Failures, disclosed_reason
from portal.services.evaluations.capacity import spent_of
from scheduler.interface import Outcome, Phase, Refused, Token
from tests.support.worker.pretended_node import good_predictions
from tests.support.worker.world import START, World


def _with(world: World, tmp_path: Path, change: Any) -> None:
    folder = tmp_path / "challenge"
    described = yaml.safe_load((folder / "challenge.yaml").read_text())
    change(described)
    (folder / "challenge.yaml").write_text(yaml.safe_dump(described))
    bootstrap.add_challenge(world.site, folder)


def _score(world: World, accuracy: float, loss: float = 0.5) -> str:
    def score(output: Path) -> int:
        (output / "scores.json").write_text(json.dumps({"accuracy": accuracy, "loss": loss}))
        return 0

    world.node.score = score
    submission = world.submit()
    world.run_until_final(submission)
    return submission


def _shown(world: World, submission: str) -> dict[str, float] | None:
    with world.database.reading() as session:
        return session.get_one(Submission, submission).shown


def _standing(world: World) -> tuple[str, dict[str, float]]:
    with world.database.reading() as session:
        row = session.scalars(select(Standing)).one()
        return row.submission_id, row.scores


def _ladder(described: dict[str, Any]) -> None:
    described["leaderboard"]["ladder"] = {"eta": 0.01}


def test_a_result_that_does_not_climb_shows_what_was_shown(world: World, tmp_path: Path) -> None:
    _with(world, tmp_path, _ladder)
    first = _score(world, 0.9, loss=0.5)
    little = _score(world, 0.9099, loss=0.1)
    much = _score(world, 0.95, loss=0.2)

    assert _shown(world, first) == {"accuracy": 0.9, "loss": 0.5}
    assert _shown(world, little) == {"accuracy": 0.9, "loss": 0.5}
    assert _shown(world, much) == {"accuracy": 0.95, "loss": 0.2}
    assert _standing(world) == (much, {"accuracy": 0.95, "loss": 0.2})


def test_adding_the_challenge_again_climbs_the_same_rungs(world: World, tmp_path: Path) -> None:
    _with(world, tmp_path, _ladder)
    submissions = [_score(world, accuracy) for accuracy in (0.9, 0.9099, 0.95)]
    before = [_shown(world, one) for one in submissions], _standing(world)

    _with(world, tmp_path, lambda described: described.update(title="Another title"))

    assert ([_shown(world, one) for one in submissions], _standing(world)) == before


def test_taking_the_ladder_away_shows_every_score_again(world: World, tmp_path: Path) -> None:
    _with(world, tmp_path, _ladder)
    first, second = _score(world, 0.9), _score(world, 0.905)

    _with(world, tmp_path, lambda described: described["leaderboard"].pop("ladder"))

    assert (_shown(world, first), _shown(world, second)) == (None, None)
    assert _standing(world)[0] == second


def test_a_column_in_which_less_is_better_climbs_down(world: World, tmp_path: Path) -> None:
    def by_loss(described: dict[str, Any]) -> None:
        accuracy, loss = described["leaderboard"]["columns"]
        accuracy["primary"], loss["primary"] = False, True
        _ladder(described)

    _with(world, tmp_path, by_loss)
    _score(world, 0.5, loss=0.3)
    worse = _score(world, 0.6, loss=0.295)
    better = _score(world, 0.7, loss=0.28)

    assert _shown(world, worse) == {"accuracy": 0.5, "loss": 0.3}
    assert _standing(world) == (better, {"accuracy": 0.7, "loss": 0.28})


def _seal(world: World, *, hold: bool) -> None:
    with world.database.writing() as session:
        phase = session.scalars(select(PhaseRow)).one()
        phase.failures, phase.hold_results = Failures.SEALED, hold
    world.prove_scorer()
    world.approve()


def _fails(_output: Path) -> int:
    return 3


def _ended(world: World, submission: str) -> tuple[datetime, datetime]:
    """Let a submission run; return when its run began and when its end was ingested."""
    for _ in range(200):
        if world.evaluation(submission).state.is_final:
            break
        world.run(seconds=10 if _is_far_from_a_step(world) else 1)
    with world.database.reading() as session:
        evaluation = session.scalars(select(Evaluation)).one()
        first = session.scalars(
            select(Attempt).where(Attempt.token == world.attempts("predict")[0].token)
        ).one()
        return first.started_at or START, evaluation.updated_at


def _is_far_from_a_step(world: World) -> bool:
    """Tell whether nothing is due for a while: it would be noticed at longer steps as well."""
    attempts = world.attempts("predict")
    began = attempts[0].started_at if attempts else None
    return began is not None and timedelta(seconds=30) < world.clock() - began < timedelta(
        seconds=280
    )


@pytest.mark.parametrize("predict", [good_predictions, _fails], ids=["scored", "failed"])
def test_the_end_of_a_run_is_taken_in_after_whole_steps(world: World, predict: Any) -> None:
    _seal(world, hold=True)
    world.node.predict = predict

    began, ended = _ended(world, world.submit())

    assert timedelta(minutes=5) <= ended - began < timedelta(minutes=5, seconds=3)


def test_a_run_too_short_to_be_seen_is_told_of_like_any_other(world: World) -> None:
    _seal(world, hold=False)
    world.node.predict = _fails
    submission = world.submit()
    world.run_until_sent("predict")
    for _ in range(5):
        world.scheduler.advance()

    world.run_until_final(submission)

    with world.database.reading() as session:
        states = [event.state for event in session.scalars(select(Event).order_by(Event.id))]
    assert states[-3:] == [
        EvaluationState.QUEUED,
        EvaluationState.RUNNING,
        EvaluationState.FAILED,
    ]


def test_otherwise_it_is_taken_in_at_once(world: World) -> None:
    _seal(world, hold=False)

    began, ended = _ended(world, world.submit())

    assert ended - began < timedelta(minutes=1)


@pytest.mark.parametrize("reason", ["bad_scores", "scorer_failed"])
def test_what_a_participant_can_provoke_counts_where_failures_are_sealed(
    world: World, reason: str
) -> None:
    """A scorer that can be made to fail for nothing would be a way to submissions without end."""

    def score(output: Path) -> int:
        (output / "scores.json").write_text('{"accuracy": NaN, "loss": 1}')
        return 0 if reason == "bad_scores" else 1

    _seal(world, hold=False)
    world.node.score = score
    submission = world.submit()

    evaluation = world.run_until_final(submission)

    assert evaluation.reason is FailureReason(reason)
    assert evaluation.state is EvaluationState.FAILED
    with world.database.reading() as session:
        assert session.get_one(Submission, submission).counts


def _events(world: World) -> list[tuple[EvaluationState, str]]:
    with world.database.reading() as session:
        return [
            (one.state, one.message) for one in session.scalars(select(Event).order_by(Event.id))
        ]


def _fail_nodes(world: World, times: int) -> None:
    """Let the node of a run fail, each time while its program runs."""
    for number in range(1, times + 1):
        world.run_until_sent("predict", number)
        token = Token(world.attempts("predict")[-1].token)
        while token in {job.token for job in world.scheduler.jobs if job.phase is Phase.PENDING}:
            world.scheduler.advance()
        world.scheduler.end(token, Outcome.NODE_FAILURE)


@pytest.mark.parametrize("times", [1, 3])
def test_a_node_that_fails_under_a_program_is_not_seen_to(world: World, times: int) -> None:
    _seal(world, hold=False)
    submission = world.submit()

    _fail_nodes(world, times)
    evaluation = world.run_until_final(submission)

    states = [state for state, _ in _events(world)]
    assert states.count(EvaluationState.QUEUED) == states.count(EvaluationState.RUNNING) == 1
    assert not any("tried again" in message for _, message in _events(world))
    assert len(world.attempts("predict")) == min(times + 1, 3)
    assert evaluation.reason is (FailureReason.UNFINISHED if times == 3 else None)
    with world.database.reading() as session:
        assert session.get_one(Submission, submission).counts


@pytest.mark.parametrize("word", ["left_behind", "node_unfit", "output_limit", "image_start"])
def test_no_word_of_the_script_gives_a_program_another_try(world: World, word: str) -> None:
    _seal(world, hold=False)
    world.run_until_final(world.submit())
    world.node.reason, world.node.starts = word, True

    submission = world.submit()
    evaluation = world.run_until_final(submission)

    assert len(world.attempts("predict")) == 2
    assert evaluation.reason is not None
    assert disclosed_reason(evaluation.reason, sealed=True) is FailureReason.NO_RESULT
    with world.database.reading() as session:
        assert session.get_one(Submission, submission).counts


def test_what_is_held_back_makes_room_for_nothing(world: World) -> None:
    """Whatever began in its place would tell when a run has really ended."""
    _seal(world, hold=True)
    submission = world.submit()
    world.run_until_sent("score")
    world.run(5)

    with world.database.reading() as session:
        task = session.scalars(select(Task)).one()
        assert list(shares.running(session).values()) == [1]
        places = {one.profile: one.places for one in neighbours.living(session)}
        assert places[task.predict_profile] >= 1
        times = shares.times(session, challenge_id=task.challenge_id, team_id=None)
        assert times
        assert all(time.is_live for time in times)

    world.run(5, seconds=120)
    assert world.evaluation(submission).state.is_final
    with world.database.reading() as session:
        assert shares.running(session) == {}
        assert neighbours.living(session) == []
        assert not any(
            time.is_live
            for time in shares.times(session, challenge_id=task.challenge_id, team_id=None)
        )


def test_gpu_hours_of_a_sealed_phase_are_whole_steps(world: World) -> None:
    _seal(world, hold=False)
    world.run_until_final(world.submit())

    with world.database.reading() as session:
        challenge_id = session.scalars(select(Task)).one().challenge_id
        times = shares.times(session, challenge_id=challenge_id, team_id=None)
    profile = replace(world.context.resources.profiles[times[0].profile], gres="gpu:1")
    names = {time.profile for time in times}
    resources = replace(world.context.resources, profiles=dict.fromkeys(names, profile))

    assert spent_of(times, resources).used == pytest.approx(len(times) * 300 / 3600)


def test_a_failure_of_the_sites_after_the_data_was_read_is_told_like_any_other(
    world: World,
) -> None:
    """Told as it is, it would say that the program had ended well."""
    _seal(world, hold=False)
    submission = world.submit()
    world.run_until_sent("predict")
    world.scheduler.refuses_with = Refused(reason="account", message="no such account")
    evaluation = world.run_until_final(submission)

    assert evaluation.reason is FailureReason.UNFINISHED
    assert "refused" in evaluation.detail
    with world.database.reading() as session:
        assert session.get_one(Submission, submission).counts


def test_a_node_that_cannot_be_sealed_after_one_that_failed_tells_nothing(world: World) -> None:
    _seal(world, hold=False)
    submission = world.submit()
    _fail_nodes(world, 1)
    world.node.reason = "isolation_unavailable"
    evaluation = world.run_until_final(submission)

    assert evaluation.reason is FailureReason.UNFINISHED
    assert "isolation_unavailable" in evaluation.detail
