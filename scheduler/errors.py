"""Everything that can go wrong between us and the batch system.

* SchedulerError
  + UnreachableError           no usable answer; asking again later is safe and expected to work
    - TransportTimeoutError    nothing came back in time; the request may have been carried out
    - TransportDownError       the connection or the program failed; the request may have been carried out
    - HostKeyRefusedError      the host shows another key than the pinned one; a person must look at it
  + UnexpectedAnswerError      an answer we do not understand; nothing may be concluded from it
    - AnswerTooLongError       more output than the transport's limit; the rest was thrown away
"""


class SchedulerError(Exception):
    """Base class; catch this at the edge of the package and nowhere else."""


class UnreachableError(SchedulerError):
    """The cluster did not answer, or the way to it is broken."""


class TransportTimeoutError(UnreachableError):
    """The command did not end in time. It was asked to stop, but may have done its work."""


class TransportDownError(UnreachableError):
    """The command could not be started, or its connection broke before it had ended."""


class HostKeyRefusedError(UnreachableError):
    """The host key is unknown or has changed. Nothing was sent, and nothing will be until it is right."""


class UnexpectedAnswerError(SchedulerError):
    """The cluster answered something that we cannot read."""


class AnswerTooLongError(UnexpectedAnswerError):
    """The output passed the transport's limit."""
