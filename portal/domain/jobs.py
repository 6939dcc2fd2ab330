"""Jobs and images: their kinds, and when a job is tried again."""

from enum import StrEnum

MOST_ATTEMPTS = 3
"""The first try and two more, for failures of the cluster only."""

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

    ARCHIVE = "archive"  #: a docker or OCI archive, or a SIF: told apart by looking
    CODE = "code"  #: files over a base image


def may_try_again(attempts: int) -> bool:
    """Whether a job that the cluster failed ``attempts`` times gets another try."""
    return attempts < MOST_ATTEMPTS
