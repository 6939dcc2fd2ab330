"""Slurm's states as a team reads them: none is missing, and each promise is kept by the judging."""

from dataclasses import replace

import pytest

from portal.domain.evaluations import queue_reasons
from portal.domain.evaluations.failures import FAILURES
from portal.domain.evaluations.jobs import JobKind
from portal.domain.evaluations.slurm_states import MEANINGS, Consequence, in_words
from portal.domain.evaluations.verdicts import Ended, VerdictKind, judge
from scheduler.interface import Phase
from scheduler.slurm.reasons import HELD_REASONS, HOPELESS_REASONS, PASSING
from scheduler.slurm.states import STATES
from tests.unit.scheduler.slurm.reason_words import BLUE_GENE, WORDS

NO_WORDS = queue_reasons.in_words("SomethingNew")


def test_each_state_of_the_schedulers_table_has_a_sentence_in_its_order() -> None:
    assert list(MEANINGS) == list(STATES)
    assert [m for m in MEANINGS.values() if not m.message.endswith(".")] == []


def test_each_reason_of_the_schedulers_tables_has_a_sentence() -> None:
    reasons = PASSING | HELD_REASONS | HOPELESS_REASONS

    assert {reason for reason in reasons if queue_reasons.in_words(reason) == NO_WORDS} == set()


def test_each_reason_that_slurm_has_for_waiting_has_a_sentence() -> None:
    ended = {"DeadLine", "TimeLimit", "InactiveLimit", "NonZeroExitCode", "RaisedSignal"}
    ended |= {"OutOfMemory", "SystemFailure", "JobLaunchFailure"}
    waiting = set(WORDS) - BLUE_GENE - ended

    assert {reason for reason in waiting if queue_reasons.in_words(reason) == NO_WORDS} == set()


@pytest.mark.parametrize("reason", sorted(HELD_REASONS | HOPELESS_REASONS))
def test_where_a_person_is_needed_the_sentence_says_so(reason: str) -> None:
    assert "staff" in queue_reasons.in_words(reason)


@pytest.mark.parametrize("word", list(MEANINGS))
def test_what_follows_is_what_the_judging_does(word: str) -> None:
    state, consequence = STATES[word], MEANINGS[word].consequence
    if state.outcome is None:
        unclear = state.phase is Phase.UNKNOWN
        assert consequence is (Consequence.UNKNOWN if unclear else Consequence.LIVES)
        return
    ended = Ended(
        outcome=state.outcome,
        exit_code=None,
        placed=True,
        claimed=True,
        started=True,
        done=False,
        container_exit=0,
        stop_reason="",
        settled=True,
    )

    found = judge(ended, JobKind.PREDICT)
    with_marker = judge(replace(ended, done=True), JobKind.PREDICT)

    assert consequence is _consequence(found, with_marker)


def _consequence(found, with_marker) -> Consequence:
    if found.kind is not with_marker.kind:
        return Consequence.JUDGED
    if found.kind is VerdictKind.CANCELLED:
        return Consequence.CANCELLED
    if found.kind is VerdictKind.TRY_AGAIN:
        return Consequence.TRIED_AGAIN
    assert FAILURES[found.reason].counts
    return Consequence.COUNTS


@pytest.mark.parametrize(
    ("state", "reason", "words"),
    [
        ("", "", ""),
        ("PENDING", "(Priority)", "Other jobs come first."),
        ("PENDING", "", ""),
        (
            "PENDING",
            "job requeued in held state",
            "The cluster holds it back; its staff have to let it go on.",
        ),
        ("RUNNING", "None", ""),
        ("SUSPENDED", "None", "The cluster has paused it; it goes on later."),
        ("CANCELLED by 1000", "", "It was cancelled on the cluster."),
        (
            "TELEPORTED by 7",
            "",
            (
                "Slurm calls its state TELEPORTED, which this portal has no words for;"
                " the staff look into it."
            ),
        ),
    ],
)
def test_a_state_is_said_in_words(state: str, reason: str, words: str) -> None:
    assert in_words(state, reason) == words
