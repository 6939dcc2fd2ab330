"""Name a process so that it cannot be mistaken for another: its id, start time and the boot it ran in."""

import os
import signal
import time
from dataclasses import dataclass
from pathlib import Path

_STATE, _START_TICKS = 0, 19  # positions in /proc/PID/stat, counted after the command's name


def _stat(pid: int) -> list[str] | None:
    try:
        text = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except (FileNotFoundError, ProcessLookupError):
        return None
    # The name may hold spaces and brackets; what follows its last bracket does not.
    return text.rpartition(")")[2].split()


def boot_id() -> str:
    """Return the kernel's id of this boot: a recorded process of an earlier boot is gone for certain."""
    return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()


@dataclass(frozen=True, slots=True, kw_only=True)
class Process:
    """One process on this machine, distinguished from a later one that got the same id."""

    pid: int
    start_ticks: int
    boot: str

    @classmethod
    def of(cls, pid: int) -> "Process":
        """Describe the running process *pid*; raises ProcessLookupError when there is none."""
        stat = _stat(pid)
        if stat is None:
            raise ProcessLookupError(pid)
        return cls(pid=pid, start_ticks=int(stat[_START_TICKS]), boot=boot_id())

    def is_alive(self) -> bool:
        """Tell whether this very process still runs; a zombie does not."""
        stat = _stat(self.pid)
        return (
            stat is not None
            and stat[_STATE] not in {"Z", "X"}
            and int(stat[_START_TICKS]) == self.start_ticks
            and self.boot == boot_id()
        )

    def send(self, number: signal.Signals) -> None:
        """Signal this very process; nothing happens when it has gone."""
        try:
            descriptor = os.pidfd_open(self.pid)
        except ProcessLookupError:
            return
        try:
            # The descriptor pins the id, so the check and the signal speak of the same process.
            if self.is_alive():
                signal.pidfd_send_signal(descriptor, number)
        except ProcessLookupError:
            return
        finally:
            os.close(descriptor)

    def wait_gone(self, seconds: float) -> bool:
        """Wait until the process has ended, at most *seconds*; tell whether it has."""
        deadline = time.monotonic() + seconds
        while self.is_alive():
            if time.monotonic() > deadline:
                return False
            time.sleep(0.02)
        return True
