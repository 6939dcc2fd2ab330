"""What the list of steps says of every state."""

from datetime import UTC, datetime, timedelta

import pytest

from portal.domain.evaluations.states import EvaluationState
from portal.domain.submissions.limits import SubmissionKind
from portal.domain.submissions.timeline import WITH_IMAGE, Happened, StepState, steps

E, S = EvaluationState, StepState
START = datetime(2026, 11, 24, 10, tzinfo=UTC)


def _went(*states: EvaluationState) -> list[Happened]:
    return [Happened(state=s, at=START + timedelta(minutes=n)) for n, s in enumerate(states)]


@pytest.mark.parametrize(
    ("state", "passed", "expected"),
    [
        (E.WAITING, [E.WAITING], "done todo todo todo todo todo"),
        (E.BUILDING, [E.WAITING, E.BUILDING], "done now todo todo todo todo"),
        (E.QUEUED, WITH_IMAGE[:3], "done done now todo todo todo"),
        (E.RUNNING, WITH_IMAGE[:4], "done done done now todo todo"),
        (E.SCORING, WITH_IMAGE[:5], "done done done done now todo"),
        (E.SCORED, WITH_IMAGE, "done done done done done done"),
        (E.FAILED, [*WITH_IMAGE[:2], E.FAILED], "done failed skipped skipped skipped skipped"),
        (E.FAILED, [E.FAILED], "failed skipped skipped skipped skipped skipped"),
        (E.CANCELLED, [*WITH_IMAGE[:3], E.CANCELLED], "done done skipped skipped skipped skipped"),
        (E.HELD, [*WITH_IMAGE[:4], E.HELD], "done done done held todo todo"),
        # The node failed and the job waits again.
        (E.QUEUED, [*WITH_IMAGE[:4], E.QUEUED], "done done now todo todo todo"),
    ],
)
def test_each_state_marks_one_place(
    state: EvaluationState, passed: list[EvaluationState], expected: str
) -> None:
    shown = steps(SubmissionKind.CODE, state, _went(*passed))

    assert [step.state for step in shown] == expected.split()


def test_results_have_no_image_and_no_run() -> None:
    shown = steps(SubmissionKind.RESULTS, E.SCORING, _went(E.WAITING, E.SCORING))

    assert [step.title for step in shown] == ["Received", "Output scored", "Result"]
    assert [step.state for step in shown] == [S.DONE, S.NOW, S.TODO]


@pytest.mark.parametrize(
    ("state", "passed", "expected"),
    [
        (E.RUNNING, WITH_IMAGE[:4], "done done done now todo"),
        (E.SCORED, [*WITH_IMAGE[:4], E.SCORED], "done done done done done"),
        (E.FAILED, [*WITH_IMAGE[:4], E.FAILED], "done done done failed skipped"),
    ],
)
def test_of_a_run_on_the_sample_nothing_is_scored(
    state: EvaluationState, passed: list[EvaluationState], expected: str
) -> None:
    shown = steps(SubmissionKind.CODE, state, _went(*passed), is_smoke=True)

    assert [step.title for step in shown][3:] == ["Program run", "What it wrote"]
    assert " ".join(step.state for step in shown) == expected


def test_a_step_says_when_it_was_entered_last() -> None:
    shown = steps(
        SubmissionKind.CODE, E.QUEUED, _went(E.WAITING, E.BUILDING, E.QUEUED, E.RUNNING, E.QUEUED)
    )

    assert [step.at and (step.at - START) // timedelta(minutes=1) for step in shown] == [
        0, 1, 4, None, None, None,
    ]  # fmt: skip


@pytest.mark.parametrize("state", EvaluationState)
@pytest.mark.parametrize("kind", SubmissionKind)
def test_every_state_of_every_kind_can_be_shown(
    kind: SubmissionKind, state: EvaluationState
) -> None:
    assert steps(kind, state, [])
