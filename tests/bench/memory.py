"""What a process has in memory, as the kernel counts it."""

from pathlib import Path


def peak_mib(pid: int) -> float:
    """Return the most that a process has had in memory at once, pages that it shares counted in full."""
    return _kib(Path(f"/proc/{pid}/status"), "VmHWM") / 1024


def share_mib(pid: int) -> float:
    """Return what a process has in memory: pages that several share count in part for each (PSS)."""
    return _kib(Path(f"/proc/{pid}/smaps_rollup"), "Pss") / 1024


def _kib(file: Path, name: str) -> int:
    line = next(one for one in file.read_text().splitlines() if one.startswith(f"{name}:"))
    return int(line.split()[1])
