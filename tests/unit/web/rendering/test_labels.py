"""Every value that a page can show has a word."""

from enum import StrEnum

import pytest

from portal.domain.accounts.account_blocking import BlockReason
from portal.domain.audit import Group
from portal.domain.challenges.calendar import PhaseStatus
from portal.domain.evaluations.jobs import JobKind
from portal.domain.evaluations.states import EvaluationState
from portal.domain.leaderboards.scores import Rule
from portal.domain.permissions import Audience, Role
from portal.domain.site.findings import Level
from portal.domain.submissions.limits import SubmissionKind
from portal.domain.submissions.timeline import StepState
from portal.domain.teams.membership_rules import ParticipationState
from portal.web.rendering.labels import explanation, label, word


@pytest.mark.parametrize(
    "kind", [PhaseStatus, EvaluationState, StepState, Level, ParticipationState]
)
def test_every_state_has_its_own_word_and_a_shape(kind: type[StrEnum]) -> None:
    labels = [label(value) for value in kind]

    assert len({known.word for known in labels}) == len(labels)
    assert all(known.shape for known in labels)


@pytest.mark.parametrize(
    "kind", [SubmissionKind, Audience, Rule, JobKind, Role, BlockReason, Group]
)
def test_every_value_has_a_word(kind: type[StrEnum]) -> None:
    assert all(word(value) for value in kind)


def test_every_kind_of_submission_and_every_role_is_explained() -> None:
    assert all(explanation(value).endswith(".") for value in (*SubmissionKind, *Role))


def test_the_same_text_in_two_enumerations_keeps_two_words() -> None:
    assert EvaluationState.FAILED == StepState.FAILED  # type: ignore[comparison-overlap]
    assert label(EvaluationState.FAILED).word == "Failed"
    assert label(StepState.FAILED).word == "failed"
