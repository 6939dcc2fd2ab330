"""Everything that can go wrong between us and the batch system.

* SchedulerError
  + Unreachable        no usable answer; asking again later is safe and expected to work
  + UnexpectedAnswer   an answer we do not understand; nothing may be concluded from it
"""


class SchedulerError(Exception):
    """Base class; catch this at the edge of the package and nowhere else."""


class Unreachable(SchedulerError):  # noqa: N818 - named for what happened
    """The cluster did not answer, or the way to it is broken."""


class UnexpectedAnswer(SchedulerError):  # noqa: N818 - named for what happened
    """The cluster answered something that we cannot read."""
