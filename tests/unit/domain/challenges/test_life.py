"""The states of a challenge: every pair, also the forbidden ones."""

from datetime import UTC, datetime, timedelta
from itertools import product

import pytest

from portal.domain.challenges.calendar import PhaseStatus, TimeWindow
from portal.domain.challenges.life import (
    CHALLENGE_TRANSITIONS,
    HAS_SUBMISSIONS,
    NOT_APPROVED,
    ChallengeState,
    check_step,
    status,
)
from portal.domain.errors import ParticipantError

D, R, P, C, A = ChallengeState
NOW = datetime(2026, 11, 30, tzinfo=UTC)
ALLOWED = {(D, R), (D, P), (R, D), (R, P), (P, C), (P, D), (C, P), (C, A), (A, C)}


@pytest.mark.parametrize(("now", "wanted"), list(product(ChallengeState, repeat=2)))
def test_every_step_is_allowed_or_refused(now: ChallengeState, wanted: ChallengeState) -> None:
    if (now, wanted) in ALLOWED:
        check_step(now, wanted, is_approved=True, has_submissions=False)
        return
    with pytest.raises(ParticipantError) as refused:
        check_step(now, wanted, is_approved=True, has_submissions=False)
    assert refused.value.reason == "state"
    assert refused.value.message.startswith(f"A challenge that is {now.replace('_', ' ')} cannot")


def test_every_state_leads_somewhere_and_can_be_reached() -> None:
    assert set(CHALLENGE_TRANSITIONS) == set(ChallengeState)
    assert set().union(*CHALLENGE_TRANSITIONS.values()) == set(ChallengeState)


@pytest.mark.parametrize("now", [D, R, C])
def test_nothing_is_published_that_the_site_has_not_approved(now: ChallengeState) -> None:
    with pytest.raises(ParticipantError) as refused:
        check_step(now, P, is_approved=False, has_submissions=False)

    assert (refused.value.message, refused.value.reason) == (NOT_APPROVED, "not_approved")


def test_what_was_submitted_to_is_no_draft_again() -> None:
    with pytest.raises(ParticipantError) as refused:
        check_step(P, D, is_approved=True, has_submissions=True)

    assert (refused.value.message, refused.value.reason) == (HAS_SUBMISSIONS, "used")
    check_step(R, D, is_approved=True, has_submissions=True)
    check_step(P, C, is_approved=True, has_submissions=True)


def test_who_sees_it_and_who_takes_part() -> None:
    assert {state for state in ChallengeState if state.is_public} == {P, C, A}
    assert {state for state in ChallengeState if state.is_open} == {D, R, P}


@pytest.mark.parametrize("state", ChallengeState)
def test_a_challenge_that_is_over_is_closed_whatever_its_phases_say(state: ChallengeState) -> None:
    window = TimeWindow(starts_at=NOW - timedelta(days=1), ends_at=NOW + timedelta(days=1))

    found = status(state, [window], NOW)

    assert found is (PhaseStatus.OPEN if state.is_open else PhaseStatus.CLOSED)
