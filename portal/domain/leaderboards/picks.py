"""Which of its submissions a team may choose to count on a board, and until when."""

from datetime import datetime

from portal.domain.errors import ParticipantError

NOTHING_TO_CHOOSE = (
    "There is nothing to choose for this board: its rule says which submission counts."
)
ELSEWHERE = "This submission was made in a phase that is not on this board."
ON_SAMPLE = "A run on the public sample has no score: it cannot be chosen."
OVER = "The time for choosing is over: what your team has chosen stays chosen."


def check_pick(
    *,
    can_choose: bool,
    is_on_board: bool,
    is_smoke: bool,
    ends_at: datetime,
    is_open: bool,
    now: datetime,
) -> None:
    """Refuse a choice that changes nothing, or that comes too late. Raises ``ParticipantError``."""
    if not can_choose:
        raise ParticipantError(NOTHING_TO_CHOOSE, reason="board")
    if is_smoke:
        raise ParticipantError(ON_SAMPLE, reason="sample")
    if not is_on_board:
        raise ParticipantError(ELSEWHERE, reason="phase")
    if not is_open or now >= ends_at:
        raise ParticipantError(OVER, reason="closed")


def check_room(chosen: int, number: int) -> None:
    """Refuse one more choice than the board has room for. Raises ``ParticipantError``."""
    if chosen >= number:
        count = "1 submission" if number == 1 else f"{number} submissions"
        raise ParticipantError(
            f"Your team has chosen {count} already, as many as count on this board. Take one back first.",
            reason="full",
        )
