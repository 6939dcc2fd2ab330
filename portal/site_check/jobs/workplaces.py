"""The directory in which a check works, and taking it away again."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from secrets import token_hex

from portal.files.trees import remove
from portal.site_check.jobs.lifecycle import Jobs, uninterrupted
from portal.site_check.jobs.sent import Sent
from scheduler.errors import SchedulerError
from scheduler.files import Files


@dataclass(slots=True)
class Ended:
    """What could not be taken away at the end."""

    jobs: list[Sent] = field(default_factory=list)
    left: str = ""

    @property
    def what(self) -> list[str]:
        """Each thing in words."""
        return [*(f"job {job.token}" for job in self.jobs), *filter(None, [self.left])]


@contextmanager
def workplace(
    above: Path, jobs: Jobs, files: Files, say: Callable[[str], None]
) -> Iterator[tuple[Path, Ended]]:
    """Give a directory below *above*; end all jobs and remove it afterwards, whatever interrupts.

    Where the nodes have one of their own at the same path, that goes too.
    """
    directory = above / token_hex(8)
    ended = Ended()
    try:
        _make(directory)
        yield directory, ended
    finally:
        with uninterrupted():
            say("ending jobs that are not over, and removing files")
            ended.jobs = jobs.end_all()
            ended.left = _remove(directory, files)
            with suppress(OSError):
                # Another check may work in it, or have removed it.
                above.rmdir()
            # An interrupted check has no report to say it in.
            for what in ended.what:
                say(f"left behind: {what}")


def _make(directory: Path) -> None:
    """Make the directory and the one above it, which a check that ends may take away in between."""
    for _ in range(10):
        directory.parent.mkdir(mode=0o700, exist_ok=True)
        with suppress(FileNotFoundError):
            directory.mkdir(mode=0o700)
            return
    directory.mkdir(mode=0o700)


def _remove(directory: Path, files: Files) -> str:
    """Remove a directory; a job that has just ended may write a last file, so try for a while."""
    for _ in range(20):
        remove([directory])
        if not directory.exists() and _removed_there(directory, files):
            return ""
        time.sleep(0.25)
    return str(directory)


def _removed_there(directory: Path, files: Files) -> bool:
    try:
        return files.remove([directory])
    except SchedulerError:
        return False
