"""The life of a challenge: its states, the steps between them, and what holds in each."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from enum import StrEnum

from portal.domain.challenges.calendar import PhaseStatus, TimeWindow, challenge_status
from portal.domain.errors import ParticipantError

MAX_REASON_CHARS = 500


class ChallengeState(StrEnum):
    """Where a challenge is in its life."""

    DRAFT = "draft"  #: only those who work for it see it, and can try everything
    IN_REVIEW = "in_review"  #: the same; the site is asked to approve what it runs
    PUBLISHED = "published"
    CLOSED = "closed"  #: everybody still sees it, and nobody takes part any more
    ARCHIVED = "archived"  #: the same, and nothing of it changes

    @property
    def is_public(self) -> bool:
        """Whether people who do not work for it see it."""
        return self in PUBLIC

    @property
    def is_open(self) -> bool:
        """Whether somebody can take part; before it is public, those who work for it can."""
        return self not in OVER

    @property
    def rests(self) -> bool:
        """Whether nothing of it changes, until an owner or an operator takes it back to closed."""
        return self is ChallengeState.ARCHIVED


PUBLIC = frozenset({ChallengeState.PUBLISHED, ChallengeState.CLOSED, ChallengeState.ARCHIVED})
OVER = frozenset({ChallengeState.CLOSED, ChallengeState.ARCHIVED})

CHALLENGE_TRANSITIONS: Mapping[ChallengeState, frozenset[ChallengeState]] = {
    ChallengeState.DRAFT: frozenset({ChallengeState.IN_REVIEW, ChallengeState.PUBLISHED}),
    ChallengeState.IN_REVIEW: frozenset({ChallengeState.DRAFT, ChallengeState.PUBLISHED}),
    # Back to draft only as long as no team has submitted anything.
    ChallengeState.PUBLISHED: frozenset({ChallengeState.CLOSED, ChallengeState.DRAFT}),
    ChallengeState.CLOSED: frozenset({ChallengeState.PUBLISHED, ChallengeState.ARCHIVED}),
    ChallengeState.ARCHIVED: frozenset({ChallengeState.CLOSED}),
}
"""The steps that there are; whatever is not listed cannot happen."""

BY_ORGANISERS = frozenset({ChallengeState.DRAFT, ChallengeState.IN_REVIEW})
"""Between these co-organisers go as well; every other step is the owners'."""

NOT_APPROVED = (
    "The site has not approved yet what this challenge runs on the cluster. Ask for a review first."
)
HAS_SUBMISSIONS = "Teams have submitted to this challenge: it can be closed, and is no draft again."

UNFINISHED = (
    "Evaluations of this challenge have not ended, or need attention: an archive no longer changes. Wait for them, decide"
    " about them under Attention, or cancel them."
)


def status(state: ChallengeState, windows: Sequence[TimeWindow], now: datetime) -> PhaseStatus:
    """Return where a challenge is by its phases, unless it is over whatever they say."""
    return challenge_status(windows, now) if state.is_open else PhaseStatus.CLOSED


def check_step(
    now: ChallengeState,
    wanted: ChallengeState,
    *,
    is_approved: bool,
    has_submissions: bool,
    has_unfinished: bool = False,
    dry_run_lacks: str = "",
) -> None:
    """Refuse a step that there is not, or not yet. Raises ``ParticipantError``.

    ``dry_run_lacks`` says why the dry run is not as it has to be before the challenge is published.
    """
    if wanted not in CHALLENGE_TRANSITIONS[now]:
        raise ParticipantError(
            f"A challenge that is {_word(now)} cannot become {_word(wanted)}.", reason="state"
        )
    if wanted is ChallengeState.PUBLISHED and not is_approved:
        raise ParticipantError(NOT_APPROVED, reason="not_approved")
    if wanted is ChallengeState.PUBLISHED and now in BY_ORGANISERS and dry_run_lacks:
        raise ParticipantError(dry_run_lacks, reason="dry_run")
    if now is ChallengeState.PUBLISHED and wanted is ChallengeState.DRAFT and has_submissions:
        raise ParticipantError(HAS_SUBMISSIONS, reason="used")
    if wanted is ChallengeState.ARCHIVED and has_unfinished:
        raise ParticipantError(UNFINISHED, reason="unfinished")


def _word(state: ChallengeState) -> str:
    return state.value.replace("_", " ")
