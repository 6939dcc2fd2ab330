"""How a command reaches the machine that has Slurm's programs: the contract and its values."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Protocol

MAX_OUTPUT_BYTES = 32 * 1024 * 1024
"""Default limit of standard output and standard error together. A line of squeue has about 150 bytes."""

DEFAULT_PATH = "/usr/local/bin:/usr/bin:/bin"
"""Where Slurm's programs are looked for, unless the site says otherwise."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finished:
    """A command that ran to its end."""

    returncode: int
    """As Python's subprocess has it: negative when a signal ended a local command."""
    stdout: bytes
    stderr: bytes
    noise: bytes = b""
    """What the host said before the program began, as a login shell's settings let it."""


class Transport(Protocol):
    """Run one program and bring back what it said."""

    def run(self, argv: Sequence[str], *, stdin: bytes = b"", timeout: timedelta) -> Finished:
        """Run ``argv`` with nothing in its environment but PATH, and wait for its end.

        Each element reaches the program as one argument, whatever characters it has. May be called
        from several threads at once. Any exit code is a normal return. Raises ``TransportTimeoutError``,
        ``TransportDownError`` or ``AnswerTooLongError``, after which the command may or may not have worked,
        and ``HostKeyRefusedError``, after which it certainly was not sent. ``timeout`` covers connecting,
        sending and running. The transport itself never runs a command a second time.
        """
