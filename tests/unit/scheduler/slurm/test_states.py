import pytest

from scheduler.interface import Outcome, Phase
from scheduler.slurm.states import STATES, interpret, leading_word

BASES = [
    "PENDING",
    "RUNNING",
    "SUSPENDED",
    "COMPLETED",
    "FAILED",
    "TIMEOUT",
    "OUT_OF_MEMORY",
    "CANCELLED",
    "DEADLINE",
    "NODE_FAIL",
    "BOOT_FAIL",
    "PREEMPTED",
]
FLAGS = [
    "CONFIGURING",
    "POWER_UP_NODE",
    "EXPEDITING",
    "COMPLETING",
    "STAGE_OUT",
    "REQUEUED",
    "REQUEUE_FED",
    "REQUEUE_HOLD",
    "SPECIAL_EXIT",
    "RESV_DEL_HOLD",
    "LAUNCH_FAILED",
    "RECONFIG_FAIL",
    "REVOKED",
    "RESIZING",
    "SIGNALING",
    "STOPPED",
    "UPDATE_DB",
]


def test_each_word_has_a_row() -> None:
    assert {word for word, state in STATES.items() if not state.is_flag} == set(BASES)
    assert {word for word, state in STATES.items() if state.is_flag} == set(FLAGS)


def test_an_outcome_is_set_exactly_for_ended_jobs() -> None:
    ended = {word for word, state in STATES.items() if state.phase is Phase.ENDED}

    assert ended == {word for word, state in STATES.items() if state.outcome}


def test_each_outcome_can_happen() -> None:
    assert {state.outcome for state in STATES.values() if state.outcome} == set(Outcome)


@pytest.mark.parametrize("word", ["", " ", "COMPLETE", "completed", "CD", "PENDING+", "N/A", "?"])
def test_an_unknown_word_concludes_nothing(word: str) -> None:
    assert interpret(word) == (Phase.UNKNOWN, None)


@pytest.mark.parametrize(
    ("word", "reason", "exit_code", "phase", "outcome"),
    [
        ("CANCELLED by 1000", "", 0, Phase.ENDED, Outcome.CANCELLED),
        ("COMPLETING", "", 0, Phase.FINISHING, None),
        ("PENDING", "Resources", 0, Phase.PENDING, None),
        ("PENDING", "JobHeldAdmin", 0, Phase.HELD, None),
        ("PENDING", "BadConstraints", 0, Phase.HELD, None),
        ("RUNNING", "Prolog", 0, Phase.RUNNING, None),
        ("CANCELLED", "Prolog", 1, Phase.ENDED, Outcome.LAUNCH_FAILURE),
        ("CANCELLED", "Prolog", 0, Phase.ENDED, Outcome.CANCELLED),
        ("CANCELLED", "", 1, Phase.ENDED, Outcome.CANCELLED),
        ("FAILED", "JobLaunchFailure", 1, Phase.ENDED, Outcome.FAILED),
        ("COMPLETED", "Prolog", 1, Phase.ENDED, Outcome.COMPLETED),
    ],
)
def test_reason_and_exit_code_refine_the_state(
    word: str, reason: str, exit_code: int, phase: Phase, outcome: Outcome | None
) -> None:
    assert interpret(word, reason, exit_code) == (phase, outcome)


def test_infrastructure_is_not_the_jobs_own_fault() -> None:
    assert {outcome for outcome in Outcome if not outcome.is_infrastructure} == {
        Outcome.COMPLETED,
        Outcome.FAILED,
        Outcome.TIME_LIMIT,
        Outcome.MEMORY_LIMIT,
        Outcome.CANCELLED,
    }


@pytest.mark.parametrize(
    ("words", "leading"),
    [
        (["RUNNING"], "RUNNING"),
        (["RUNNING", "COMPLETING"], "COMPLETING"),
        (["COMPLETED", "COMPLETING"], "COMPLETING"),
        (["PENDING", "REQUEUED", "COMPLETING"], "COMPLETING"),
        (["PENDING", "REQUEUED"], "REQUEUED"),
        (["PENDING", "REQUEUE_HOLD", "REQUEUED"], "REQUEUE_HOLD"),
        (["PENDING", "SPECIAL_EXIT"], "SPECIAL_EXIT"),
        (["RUNNING", "CONFIGURING"], "CONFIGURING"),
        (["RUNNING", "SIGNALING"], "SIGNALING"),
        (["COMPLETED", "SIGNALING"], "COMPLETED"),
        (["FAILED", "LAUNCH_FAILED"], "LAUNCH_FAILED"),
        (["PENDING", "LAUNCH_FAILED"], "PENDING"),
        (["NODE_FAIL", "REQUEUED"], "REQUEUED"),
        (["CANCELLED", "REVOKED"], "REVOKED"),
        (["RUNNING", "TELEPORTED"], "TELEPORTED"),
        ([], ""),
    ],
)
def test_of_several_words_the_one_that_promises_least_decides(
    words: list[str], leading: str
) -> None:
    assert leading_word(words) == leading
    assert leading_word(words[::-1]) == leading
