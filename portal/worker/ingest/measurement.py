"""Measuring data: the job's records become a digest, and stay so that a change can be named."""

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path, PurePosixPath
from typing import Any

import structlog
from pydantic import TypeAdapter

from containers.interface import Measure
from containers.rundir import RunFileError, RunRecord, read_measured, records
from portal.db.queries.evaluations import snapshots as queries
from portal.domain.challenges.profiles import DataDirectory
from portal.domain.errors import OperatorError
from portal.domain.evaluations.failures import FailureReason
from portal.domain.evaluations.file_parts import Part
from portal.domain.evaluations.jobs import JobKind
from portal.domain.evaluations.merkle import tree
from portal.domain.evaluations.work import MeasureWork, RunWork
from portal.domain.untrusted import Id
from portal.files import atomic
from portal.services.evaluations import results, snapshots
from portal.services.evaluations.snapshots import Measurement
from portal.worker.boundary import snapshot_id
from portal.worker.context import WorkerContext

log = structlog.get_logger("sealrun.worker")

MANIFEST_BYTES = 4 * 1024**3
"""What is fetched of a manifest: some twenty million files."""


def measure_of(context: WorkerContext, work: MeasureWork) -> Measure:
    """Return what the job does; the site's settings, not the database, say where the data lies."""
    data = context.resources.data.get(work.name)
    if data is None:
        raise OperatorError(f"the site has no data {work.name!r} any more")
    return Measure(directory=PurePosixPath(data.path), node=context.cluster.node)


def ingest_measurement(
    context: WorkerContext,
    work: MeasureWork,
    token: str,
    directory: Path,
    record: dict[str, Any],
) -> None:
    """Ingest a measurement; its manifest is kept where the web process cannot read."""
    try:
        value = context.file_work.done(token, Part.TAKE, lambda: _found(context, work, directory))
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
    _keep(context, work, value)
    with context.database.writing() as session:
        changed = results.measured(session, token, value, record, now=context.clock())
    tell = log.error if changed else log.info
    tell("data_changed" if changed else "data_measured", data=work.name, root=value.root)


def _found(context: WorkerContext, work: MeasureWork, directory: Path) -> Measurement:
    """Keep the records, and return what they come to. Raises ``RunFileError``."""
    kept = context.cluster.manifest(work.snapshot_id)
    kept.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    found = read_measured(directory)
    made = directory / "manifest"
    if made.exists():
        made.replace(kept)
    context.cluster.files.remove([made])
    whole = tree(records(kept))
    return Measurement(
        root=whole.root, fingerprint=found.fingerprint, files=found.files, size=found.size
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredMeasurement:
    """What was measured, as the worker keeps it beside the manifest: the database may say anything."""

    name: str
    path: str
    root: str
    fingerprint: str
    files: int
    size: int
    measured_at: datetime


_KEPT = TypeAdapter(StoredMeasurement)


def _keep(context: WorkerContext, work: MeasureWork, found: Measurement) -> None:
    kept = StoredMeasurement(
        name=work.name,
        path=str(context.resources.data[work.name].path),
        **asdict(found),
        measured_at=context.clock(),
    )
    place = _kept_at(context, work.snapshot_id)
    atomic.write(place, _KEPT.dump_json(kept, indent=1), mode=0o640)


def _kept_at(context: WorkerContext, snapshot: Id) -> Path:
    return context.cluster.manifest(snapshot).with_suffix(".json")


def measurement_of(
    context: WorkerContext, data: DataDirectory | None, cluster: str
) -> StoredMeasurement | None:
    """Return the last measurement of a directory at its present place; None where it is not measured.

    Which one it is, the database says; what it found, the worker's own file.
    """
    with context.database.reading() as session:
        snapshot = snapshots.current(session, data, cluster)
    if snapshot is None or data is None:
        return None
    try:
        kept = _KEPT.validate_json(_kept_at(context, snapshot_id(snapshot.id)).read_bytes())
    except FileNotFoundError:
        return None
    return kept if (kept.name, kept.path) == (data.name, str(data.path)) else None


def data_of(
    context: WorkerContext, work: RunWork, predict: RunRecord | None, run: RunRecord
) -> dict[str, Any]:
    """Return what a seal record says of the data that an evaluation read.

    ``unchanged`` says whether names, sizes and times were, just before the run, as when it was
    measured; None where that was not looked at. Where they were not, it is measured again.
    """
    before_predict = next(iter(predict.data), None) if predict else None
    before_score = next(iter(run.data), None)
    return {
        "input": _entry(context, work, work.task.input_data, before_predict),
        "truth": _entry(context, work, work.task.truth_data, before_score),
    }


def _entry(context: WorkerContext, work: RunWork, name: str, seen: str | None) -> dict[str, Any]:
    data, cluster = context.resources.data.get(name), work.job.cluster
    found = measurement_of(context, data, cluster)
    if found is None or data is None:
        return {"name": name, "merkle_root": None}
    unchanged = None if seen is None else seen == found.fingerprint
    if unchanged is False:
        log.error("data_fingerprint_changed", data=name, measured_at=str(found.measured_at))
        with context.database.writing() as session:
            snapshots.ask(session, data, cluster, now=context.clock())
    return {
        "name": name,
        "merkle_root": found.root,
        "files": found.files,
        "bytes": found.size,
        "measured_at": found.measured_at.isoformat(),
        "unchanged": unchanged,
    }


MAX_FILES_VERIFIED_PER_RUN = 100_000
"""Files up to which each run looks whether the data is as it was: a look takes a second for as many."""


def directories_to_verify(context: WorkerContext, work: RunWork) -> tuple[PurePosixPath, ...]:
    """Return the directory of data that a run looks at before it starts; none where that takes long."""
    if work.submission.is_smoke:
        return ()
    task = work.task
    name = task.truth_data if work.job.kind is JobKind.SCORE else task.input_data
    data = context.resources.data.get(name)
    found = measurement_of(context, data, work.job.cluster)
    if found is None or data is None or found.files > MAX_FILES_VERIFIED_PER_RUN:
        return ()
    return (PurePosixPath(data.path),)


def last_two(context: WorkerContext, name: str) -> tuple[Iterator[bytes], Iterator[bytes]] | None:
    """Return the records of the last two measurements of a directory, the older first; None without two."""
    with context.database.reading() as session:
        found = queries.ready(session, name=name, cluster=context.cluster.name, limit=2)
    match found:
        case [newer, older]:
            manifest = context.cluster.manifest
            return records(manifest(snapshot_id(older.id))), records(
                manifest(snapshot_id(newer.id))
            )
        case _:
            return None
