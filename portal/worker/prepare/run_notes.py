"""What the worker notes in a run directory, which no other account can write: what a run was sent to do.

Names of files here are in ``NAMES``; the batch script writes none of them, and none is fetched from a node.
"""

import json
from contextlib import suppress
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

from portal.domain.errors import UntrustedValueError
from portal.domain.evaluations.work import Work
from portal.files import atomic
from scheduler.interface import JobReport

PREPARED, SENT, REPORTED = "prepared.json", "sent", "reported.json"
NAMES = frozenset({PREPARED, SENT, REPORTED})
_WORK: TypeAdapter[Work] = TypeAdapter(Work)


def write_work(directory: Path, work: Work) -> None:
    """Note what a run is to do; once it may have been sent, nothing else than before.

    Raises ``UntrustedValueError`` then: its row was set back.
    """
    text = _WORK.dump_json(work, indent=1)
    if (directory / SENT).exists():
        if (directory / PREPARED).read_bytes() != text:
            raise UntrustedValueError("attempts.state", "of an attempt that was sent", "created")
        return
    atomic.write(directory / PREPARED, text)


def read_work(directory: Path) -> Work | None:
    """Return what a run was to do; None where nothing was noted."""
    try:
        return _WORK.validate_json((directory / PREPARED).read_bytes())
    except FileNotFoundError:
        return None


def note_sent(directory: Path) -> None:
    """Note that the cluster may have the job from now on."""
    (directory / SENT).touch(mode=0o600)


def note_refused(directory: Path) -> None:
    """Note that the cluster surely has it not."""
    with suppress(FileNotFoundError):
        (directory / SENT).unlink()


def note_report(directory: Path, report: JobReport) -> None:
    """Note what Slurm said of a job's end; a seal record takes it from here."""
    if not directory.is_dir():
        return
    facts = {
        "slurm_cluster": report.ref.cluster,
        "job_id": report.ref.job_id,
        "nodes": report.nodes,
        "state": report.raw_state,
        "started_at": report.started_at.isoformat() if report.started_at else None,
        "ended_at": report.ended_at.isoformat() if report.ended_at else None,
    }
    atomic.write(directory / REPORTED, json.dumps(facts, indent=1).encode())


NOTHING_REPORTED: dict[str, Any] = {
    "slurm_cluster": None,
    "job_id": None,
    "nodes": "",
    "state": "",
    "started_at": None,
    "ended_at": None,
}


def read_report(directory: Path) -> dict[str, Any]:
    """Return what Slurm said of a job's end; empty values where it never did."""
    try:
        found: dict[str, Any] = json.loads((directory / REPORTED).read_bytes())
    except FileNotFoundError:
        return dict(NOTHING_REPORTED)
    return found
