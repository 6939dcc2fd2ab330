"""Why staff block an account: a word of a few, since reasons are kept for ever."""

from enum import StrEnum


class BlockReason(StrEnum):
    """What is written into the audit log; it says nothing of what happened."""

    MISUSE = "misuse"
    TAKEN_OVER = "taken_over"
    LEFT = "left"
    OTHER = "other"
