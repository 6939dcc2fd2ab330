"""Measuring data: the job's records become a digest, and stay so that a change can be named."""

from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import Any

import structlog

from containers.interface import Measure
from containers.rundir import RunFileError, RunRecord, read_measured, records
from portal.db.queries import snapshots as queries
from portal.db.queries.runs import MeasureWork, RunWork
from portal.db.tables import Attempt, DataSnapshot
from portal.domain.errors import OperatorError
from portal.domain.failures import FailureReason
from portal.domain.jobs import JobKind
from portal.domain.merkle import tree
from portal.services import results, snapshots
from portal.services.snapshots import Found
from portal.worker.context import WorkerContext

log = structlog.get_logger("sealrun.worker")

MANIFEST_BYTES = 4 * 1024**3
"""What is fetched of a manifest: some twenty million files."""


def measure_of(context: WorkerContext, work: MeasureWork) -> Measure:
    """Return what the job does; the site's settings, not the database, say where the data lies."""
    data = context.resources.data.get(work.snapshot.name)
    if data is None:
        raise OperatorError(f"the site has no data {work.snapshot.name!r} any more")
    return Measure(directory=PurePosixPath(data.path), node=context.cluster.node)


def take_measurement(
    context: WorkerContext,
    work: MeasureWork,
    token: str,
    directory: Path,
    record: dict[str, Any],
) -> None:
    """Take in what a measurement found; its manifest is kept where the web process cannot read."""
    kept = manifest_of(context, work.snapshot)
    kept.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    try:
        found = read_measured(directory)
        made = directory / "manifest"
        if made.exists():
            made.replace(kept)
        context.cluster.files.remove([made])
        whole = tree(records(kept))
    except RunFileError as problem:
        with context.database.writing() as session:
            results.failed(
                session,
                token,
                FailureReason.INFRASTRUCTURE,
                detail=f"the measurement cannot be read: {problem}",
                record=record,
                now=context.clock(),
            )
        return
    value = Found(root=whole.root, looks=found.looks, files=found.files, size=found.size)
    with context.database.writing() as session:
        changed = results.measured(session, token, value, record, now=context.clock())
    tell = log.error if changed else log.info
    tell("data_changed" if changed else "data_measured", data=work.snapshot.name, root=whole.root)


def manifest_of(context: WorkerContext, snapshot: DataSnapshot) -> Path:
    """Return where the records of a measurement are kept."""
    return context.cluster.storage / "manifests" / snapshot.id


def data_of(context: WorkerContext, work: RunWork, run: RunRecord) -> dict[str, Any]:
    """Return what a seal record says of the data that an evaluation read.

    ``as_measured`` says whether names, sizes and times were, just before the run, as when it was
    measured; None where that was not looked at. Where they were not, it is measured again.
    """
    before_predict, before_score = _seen(context, work.predict_token), next(iter(run.data), None)
    return {
        "input": _entry(context, work, work.task.input_data, before_predict),
        "truth": _entry(context, work, work.task.truth_data, before_score),
    }


def _seen(context: WorkerContext, token: str | None) -> str | None:
    if token is None:
        return None
    with context.database.reading() as session:
        record = session.get_one(Attempt, token).record or {}
    return next(iter(record.get("data", ())), None)


def _entry(context: WorkerContext, work: RunWork, name: str, seen: str | None) -> dict[str, Any]:
    data, cluster = context.resources.data.get(name), work.job.cluster
    with context.database.reading() as session:
        snapshot = snapshots.current(session, data, cluster)
    if snapshot is None or data is None:
        return {"name": name, "merkle_root": None}
    as_measured = None if seen is None else seen == snapshot.looks
    if as_measured is False:
        log.error("data_looks_changed", data=name, measured_at=str(snapshot.measured_at))
        with context.database.writing() as session:
            snapshots.ask(session, data, cluster, now=context.clock())
    return {
        "name": name,
        "merkle_root": snapshot.root,
        "files": snapshot.files,
        "bytes": snapshot.size,
        "measured_at": snapshot.measured_at.isoformat() if snapshot.measured_at else None,
        "as_measured": as_measured,
    }


LOOKED_AT = 100_000
"""Files up to which each run looks whether the data is as it was: a look takes a second for as many."""


def looked_at(context: WorkerContext, work: RunWork) -> tuple[PurePosixPath, ...]:
    """Return the directory of data that a run looks at before it starts; none where that takes long."""
    if work.submission.is_smoke:
        return ()
    task = work.task
    name = task.truth_data if work.job.kind is JobKind.SCORE else task.input_data
    data = context.resources.data.get(name)
    with context.database.reading() as session:
        snapshot = snapshots.current(session, data, work.job.cluster)
    if snapshot is None or data is None or (snapshot.files or 0) > LOOKED_AT:
        return ()
    return (PurePosixPath(data.path),)


def last_two(context: WorkerContext, name: str) -> tuple[Iterator[bytes], Iterator[bytes]] | None:
    """Return the records of the last two measurements of a directory, the older first; None without two."""
    with context.database.reading() as session:
        found = queries.ready(session, name=name, cluster=context.cluster.name, limit=2)
    match found:
        case [newer, older]:
            return records(manifest_of(context, older)), records(manifest_of(context, newer))
        case _:
            return None
