"""Jobs and images: their kinds, and when a job is tried again."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from enum import StrEnum

MAX_OPEN_BUILDS = 2
"""Builds of one team, and of one person in all teams, that are open at once."""


class JobKind(StrEnum):
    """What a job does."""

    BUILD = "build"
    PREDICT = "predict"
    SCORE = "score"
    PROBE = "probe"
    MEASURE = "measure"  #: says what is in a data directory


class ImageKind(StrEnum):
    """What an image is made of."""

    ARCHIVE = "archive"  #: a docker or OCI archive, or a SIF: distinguished by looking
    CODE = "code"  #: files over a base image


def may_try_again(attempts: int, pauses: Sequence[timedelta]) -> bool:
    """Whether a job that the cluster failed ``attempts`` times gets another try: there is one after each pause."""
    return attempts <= len(pauses)


def due_at(number: int, created_at: datetime, pauses: Sequence[timedelta]) -> datetime:
    """Return when the try of that number may be sent, which was written down when the one before had failed."""
    return created_at + pauses[number - 2] if 2 <= number <= len(pauses) + 1 else created_at  # noqa: PLR2004
