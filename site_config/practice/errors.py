"""What the practice site raises.

PracticeError            one sentence for the person at the terminal
    NeedsRootError            only root can do this, and sudo is not to be had
    NotReadyError             the site did not come up; names the daemon and its log
"""


class PracticeError(Exception):
    """Something that the person at the terminal can act on; the message is the whole explanation."""


class NeedsRootError(PracticeError):
    """The operation needs root and the caller is somebody else."""


class NotReadyError(PracticeError):
    """The site did not reach the promised state in the time allowed."""
