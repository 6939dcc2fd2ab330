from dataclasses import replace

import pytest

from containers.interface import StopReason
from portal.domain.evaluations.failures import FAILURES, FailureReason
from portal.domain.evaluations.jobs import JobKind
from portal.domain.evaluations.verdicts import (
    AFTER_START,
    BEFORE_START,
    Ended,
    Verdict,
    VerdictKind,
    judge,
)
from portal.domain.submissions.disclosure import AFTER_DATA, counts, disclosed_reason
from scheduler.interface import Outcome

GOOD = Ended(
    outcome="completed",
    exit_code=0,
    placed=True,
    claimed=True,
    started=True,
    done=True,
    container_exit=0,
    stop_reason="",
    settled=True,
)


def test_completed_with_its_marker_is_a_success():
    assert judge(GOOD, JobKind.PREDICT) == Verdict(kind=VerdictKind.SUCCESS)


def test_completed_without_its_marker_is_never_a_success():
    missing = replace(GOOD, done=False)

    assert judge(replace(missing, settled=False), JobKind.SCORE).kind is VerdictKind.WAIT
    assert judge(missing, JobKind.SCORE).kind is VerdictKind.TRY_AGAIN


@pytest.mark.parametrize("outcome", [o for o in Outcome if o.is_infrastructure])
def test_what_the_cluster_broke_is_tried_again_even_with_a_marker(outcome):
    assert judge(replace(GOOD, outcome=outcome), JobKind.PREDICT).kind is VerdictKind.TRY_AGAIN


@pytest.mark.parametrize(
    ("change", "kind", "reason"),
    [
        pytest.param(
            {"outcome": "failed", "exit_code": 7, "container_exit": 7},
            JobKind.PREDICT,
            FailureReason.EXIT_CODE,
            id="own exit code",
        ),
        pytest.param(
            {"outcome": "time_limit", "done": False, "container_exit": None},
            JobKind.PREDICT,
            FailureReason.TIME_LIMIT,
            id="Slurm's time limit",
        ),
        pytest.param(
            {"outcome": "failed", "stop_reason": "time_limit", "container_exit": 137},
            JobKind.PREDICT,
            FailureReason.TIME_LIMIT,
            id="the script's time limit",
        ),
        pytest.param(
            {"outcome": "memory_limit"},
            JobKind.PREDICT,
            FailureReason.MEMORY_LIMIT,
            id="memory, although the wrapper ended well",
        ),
        pytest.param(
            {
                "outcome": "failed",
                "stop_reason": "isolation_unavailable",
                "container_exit": None,
                "started": False,
            },
            JobKind.SCORE,
            FailureReason.ISOLATION_UNAVAILABLE,
            id="the probe refused the node",
        ),
        pytest.param(
            {
                "outcome": "failed",
                "stop_reason": "image_changed",
                "container_exit": None,
                "started": False,
            },
            JobKind.PREDICT,
            FailureReason.IMAGE_CHANGED,
            id="another image lay there",
        ),
        pytest.param(
            {"outcome": "failed", "container_exit": 65},
            JobKind.SCORE,
            FailureReason.BAD_OUTPUT,
            id="the scorer blames the output",
        ),
        pytest.param(
            {"outcome": "failed", "container_exit": 1},
            JobKind.SCORE,
            FailureReason.SCORER_FAILED,
            id="the scorer broke",
        ),
        pytest.param(
            {"outcome": "memory_limit"},
            JobKind.SCORE,
            FailureReason.SCORER_FAILED,
            id="the scorer needed too much",
        ),
        pytest.param(
            {"outcome": "failed", "container_exit": 65},
            JobKind.PREDICT,
            FailureReason.EXIT_CODE,
            id="65 means nothing in a participant's job",
        ),
        pytest.param(
            {"outcome": "failed", "stop_reason": "build_failed", "started": False, "done": False},
            JobKind.BUILD,
            FailureReason.BUILD_FAILED,
            id="a build of what is proven to be no image",
        ),
    ],
)
def test_failure(change, kind, reason):
    verdict = judge(replace(GOOD, **change), kind)

    assert (verdict.kind, verdict.reason) == (VerdictKind.FAILED, reason)


@pytest.mark.parametrize("word", ["node_unfit", "left_behind", "claimed"])
def test_a_bad_node_is_the_sites_fault_before_the_image_has_started(word):
    ended = replace(GOOD, outcome="failed", stop_reason=word, container_exit=None, started=False)

    assert judge(ended, JobKind.PREDICT).kind is VerdictKind.TRY_AGAIN


def test_a_script_that_never_started_is_the_sites_fault():
    ended = replace(GOOD, outcome="failed", claimed=False, done=False, container_exit=None)

    assert judge(ended, JobKind.PREDICT).kind is VerdictKind.TRY_AGAIN


OF_THE_CONTENT = {
    FailureReason.BUILD_FAILED,
    FailureReason.UNSIGNED,
    FailureReason.ENVIRONMENT,
    FailureReason.IMAGE_TOO_LARGE,
}
"""What the script says only where it has shown that the content is at fault."""


@pytest.mark.parametrize("kind", [JobKind.BUILD, JobKind.MEASURE])
def test_nothing_counts_of_a_job_of_the_portals_own_but_what_its_script_has_shown(kind):
    ends = [one for one in _every_end(kind) if one.outcome not in BY_SOMEBODY]
    counted = [
        one for one in ends if FAILURES[judge(replace(one, started=False), kind).reason].counts
    ]

    assert len(ends) > len(Outcome) * len(StopReason)
    shown = {judge(replace(one, started=False), kind).reason for one in counted}
    assert shown == OF_THE_CONTENT | {FailureReason.UNFINISHED}
    assert all(one.outcome not in {"time_limit", "memory_limit"} for one in counted)


def test_every_reason_is_explained():
    assert set(FAILURES) == set(FailureReason)


def test_a_job_that_was_done_before_the_controller_forgot_its_end_is_a_success():
    forgotten = replace(GOOD, outcome="time_limit")

    assert judge(forgotten, JobKind.PREDICT).kind is VerdictKind.SUCCESS


def test_a_job_that_was_cancelled_with_nodes_and_never_began_was_not_launched():
    """Measured on 24.11: a number given twice after a controller lost its state."""
    ended = replace(
        GOOD, outcome="cancelled", claimed=False, done=False, container_exit=None, exit_code=None
    )

    assert judge(ended, JobKind.SCORE).kind is VerdictKind.TRY_AGAIN
    assert judge(replace(ended, settled=False), JobKind.SCORE).kind is VerdictKind.WAIT
    assert judge(replace(ended, placed=False), JobKind.SCORE).kind is VerdictKind.CANCELLED
    assert judge(replace(ended, claimed=True), JobKind.SCORE).kind is VerdictKind.CANCELLED


RUNS = (JobKind.PREDICT, JobKind.SCORE)
BY_SOMEBODY = {Outcome.CANCELLED}
"""Only people and Slurm itself bring these about."""


def _every_end(kind):
    """Give every end that a run can have after its image has started, as far as it is not a success."""
    for outcome in Outcome:
        for word in ["", *StopReason]:
            for done in (False, True):
                for code in (None, 0, 1, 65, 255):
                    ended = replace(
                        GOOD,
                        outcome=outcome,
                        exit_code=1,
                        done=done,
                        stop_reason=word,
                        container_exit=code,
                    )
                    if judge(ended, kind).kind is not VerdictKind.SUCCESS:
                        yield ended


def test_every_word_of_the_script_has_a_row():
    assert set(BEFORE_START) == set(AFTER_START) == set(StopReason)


@pytest.mark.parametrize("kind", RUNS)
def test_after_the_start_no_end_can_be_told_from_another_where_failures_are_sealed(kind):
    ends = [one for one in _every_end(kind) if one.outcome not in BY_SOMEBODY]
    verdicts = [judge(one, kind) for one in ends]

    assert len(verdicts) > len(Outcome) * len(StopReason)
    assert {one.kind for one in verdicts} == {VerdictKind.FAILED, VerdictKind.TRY_AGAIN}
    assert {one.reason for one in verdicts} <= AFTER_DATA
    assert {disclosed_reason(one.reason, sealed=True) for one in verdicts} == {
        FailureReason.NO_RESULT
    }
    assert {counts(one.reason, sealed=True) for one in verdicts} == {True}


@pytest.mark.parametrize("word", StopReason)
def test_a_program_gets_no_further_try_by_a_word_that_it_can_bring_about(word):
    ended = replace(GOOD, outcome="failed", done=False, container_exit=None, stop_reason=word)

    verdict = judge(ended, JobKind.PREDICT)

    assert verdict.kind is VerdictKind.FAILED
    assert FAILURES[verdict.reason].counts


@pytest.mark.parametrize("kind", RUNS)
@pytest.mark.parametrize("outcome", ["time_limit", "memory_limit"])
def test_a_limit_that_was_reached_before_the_start_is_not_the_teams(kind, outcome):
    ended = replace(GOOD, outcome=outcome, started=False, done=False, container_exit=None)

    verdict = judge(ended, kind)

    assert (verdict.kind, verdict.reason) == (VerdictKind.TRY_AGAIN, FailureReason.INFRASTRUCTURE)


@pytest.mark.parametrize("outcome", [o for o in Outcome if o.is_infrastructure])
def test_a_node_that_fails_under_a_program_each_time_is_taken_for_its_doing(outcome):
    verdict = judge(replace(GOOD, outcome=outcome, done=False), JobKind.PREDICT)

    assert (verdict.kind, verdict.reason) == (VerdictKind.TRY_AGAIN, FailureReason.UNFINISHED)
