"""What the practice site raises.

PracticeError            one sentence for the person at the terminal
    NeedsRoot            only root can do this, and sudo is not to be had
    NotReady             the site did not come up; names the daemon and its log
"""


class PracticeError(Exception):
    """Something that the person at the terminal can act on; the message is the whole explanation."""


class NeedsRoot(PracticeError):  # noqa: N818 (a state, not a defect)
    """The operation needs root and the caller is somebody else."""


class NotReady(PracticeError):  # noqa: N818 (a state, not a defect)
    """The site did not reach the promised state in the time allowed."""
