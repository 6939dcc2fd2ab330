"""What the jobs of a check left in their directories. A network file system may show it late."""

import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from containers.rundir import RunFileError, RunRecord, read_log, read_run
from portal.site_check.jobs.node_scripts import Notes, read_notes
from portal.site_check.jobs.sent import Sent
from scheduler.interface import Outcome

LATE_SECONDS = 30.0
"""How late files may come that a job has written."""


def run_record(
    directory: Path, sent: Sent, fetch: Callable[[], None], late: float = LATE_SECONDS
) -> RunRecord | None:
    """Return what a run directory holds; where it should be whole, files may come ``late`` seconds later."""
    deadline = time.monotonic() + late
    while True:
        fetch()
        try:
            run = read_run(directory, sent.token)
        except (RunFileError, OSError):
            return None
        wanted = run.done if sent.outcome is Outcome.COMPLETED else sent.is_over
        if wanted or time.monotonic() > deadline or not sent.is_over:
            return run
        time.sleep(0.25)


def notes(
    file: Path, sent: Sent, fetch: Callable[[], None], late: float = LATE_SECONDS
) -> Notes | None:
    """Return what a job noted; where it ended well, the file may come ``late`` seconds later."""
    deadline = time.monotonic() + late
    fetch()
    while (found := read_notes(file)) is None:
        if sent.outcome is not Outcome.COMPLETED or time.monotonic() > deadline:
            return None
        time.sleep(0.25)
        fetch()
    return found


def last_words(directory: Path, run: RunRecord | None) -> str:
    """Return the last line that Apptainer said, or Slurm's of the script."""
    texts = []
    for name in ("probe.log", "stderr.log"):
        try:
            texts.append(read_log(directory, name))
        except (RunFileError, OSError):
            continue
    with suppress(OSError):
        texts.append((directory / "slurm.err").read_text("utf-8", errors="replace")[-4096:])
    lines = [line for text in texts for line in text.splitlines() if line.strip()]
    reason = f"{run.reason}: " if run is not None and run.reason else ""
    return (reason + (lines[-1].strip() if lines else "")).strip()[:400]
