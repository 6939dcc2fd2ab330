"""Everything that can go wrong between us and the batch system.

* SchedulerError
  + Unreachable          no usable answer; asking again later is safe and expected to work
    - TransportTimeout   nothing came back in time; the request may have been carried out
    - TransportDown      the connection or the program failed; the request may have been carried out
    - HostKeyRefused     the host shows another key than the pinned one; a person must look at it
  + UnexpectedAnswer     an answer we do not understand; nothing may be concluded from it
    - AnswerTooLong      more output than the transport's limit; the rest was thrown away
"""


class SchedulerError(Exception):
    """Base class; catch this at the edge of the package and nowhere else."""


class Unreachable(SchedulerError):  # noqa: N818 - named for what happened
    """The cluster did not answer, or the way to it is broken."""


class TransportTimeout(Unreachable):
    """The command did not end in time. It was told to stop, but may have done its work."""


class TransportDown(Unreachable):
    """The command could not be started, or its connection broke before it had ended."""


class HostKeyRefused(Unreachable):
    """The host key is unknown or has changed. Nothing was sent, and nothing will be until it is right."""


class UnexpectedAnswer(SchedulerError):  # noqa: N818 - named for what happened
    """The cluster answered something that we cannot read."""


class AnswerTooLong(UnexpectedAnswer):
    """The output passed the transport's limit."""
