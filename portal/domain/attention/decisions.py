"""What staff and organisers decide about what the worker cannot go on with."""

from enum import StrEnum


class Choice(StrEnum):
    """What is to become of something that needs a person."""

    RETRY = "retry"  #: tried again from where it was
    FREE = "free"  #: given up; it does not count for its team
    COUNT = "count"  #: given up; it counts
