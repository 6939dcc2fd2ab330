"""Ingesting: store the output of a successful attempt and open the next job. Idempotent.

Files are moved before the transaction, and every move can be repeated: a worker that dies in
between finds the file in its final place and writes the same rows.
"""

from dataclasses import asdict
from pathlib import Path
from typing import Any

import structlog

from containers.rundir import RunRecord, read_lock
from portal.db.tables import Attempt
from portal.domain import untrusted
from portal.domain.evaluations.failures import FailureReason
from portal.domain.evaluations.file_parts import Part
from portal.domain.evaluations.jobs import JobKind
from portal.domain.evaluations.work import BuildWork, MeasureWork, RunWork, Work
from portal.files.errors import BadOutputError, BadScoreFileError
from portal.files.outputs.copying import OutputSummary, copy_outputs
from portal.files.outputs.removal import remove
from portal.files.outputs.scores import ScoreColumn, read_scores
from portal.services.evaluations import results
from portal.services.evaluations.results import BuiltImage
from portal.worker.context import WorkerContext
from portal.worker.ingest.image_sources import keep_note
from portal.worker.ingest.measurement import ingest_measurement
from portal.worker.ingest.seal import seal_record, signed

log = structlog.get_logger("sealrun.worker")


def as_record(run: RunRecord) -> dict[str, Any]:
    """Return what a run directory held as plain JSON values."""
    return asdict(run)


def ingest(
    context: WorkerContext, job: Work, attempt: Attempt, directory: Path, run: RunRecord
) -> None:
    """Ingest what a successful attempt left in its fetched run directory; what is wrong with it fails the job.

    Raises ``FileWorkPendingError`` while its files are moved, and ``UnreachableError`` if those of the cluster cannot be; all of it
    can be repeated.
    """
    if isinstance(job, BuildWork):
        _take_image(context, job, attempt.token, directory, run)
    elif isinstance(job, MeasureWork):
        ingest_measurement(context, job, attempt.token, directory, as_record(run))
    elif job.job.kind is JobKind.PREDICT:
        _take_predictions(context, job, attempt.token, directory, run)
    else:
        _take_scores(context, job, attempt, directory, run)


def _take_image(
    context: WorkerContext, work: BuildWork, token: str, directory: Path, run: RunRecord
) -> None:
    digest = untrusted.sha256(run.image_sha256, "image.sha256")
    final = context.cluster.image(digest)
    final.parent.mkdir(parents=True, exist_ok=True, mode=0o750)
    made = directory / "image.sif"
    keep_note(context, work, digest)
    size = context.file_work.done(token, Part.TAKE, lambda: context.cluster.files.keep(made, final))
    built = BuiltImage(sha256=digest, size=size, lock=read_lock(directory))
    with context.database.writing() as session:
        results.image_ready(session, token, built, as_record(run), now=context.clock())


def _take_predictions(
    context: WorkerContext, job: RunWork, token: str, directory: Path, run: RunRecord
) -> None:
    try:
        taken = context.file_work.done(
            token, Part.TAKE, lambda: _collected(context, job, directory)
        )
    except BadOutputError as problem:
        # Of a run on private data its team is shown the reason alone: which file it is may depend on the data.
        message = problem.message if job.submission.is_smoke else ""
        reason = FailureReason(problem.reason)
        _fail(context, token, reason, problem.message, run, message=message)
        return
    if taken.links:
        log.info("links_omitted", token=token, links=taken.links)
    with context.database.writing() as session:
        record = {**as_record(run), "links_left_out": taken.links}
        results.predicted(session, token, record, now=context.clock())


def _collected(context: WorkerContext, job: RunWork, directory: Path) -> OutputSummary:
    """Copy the output to where it is at rest, with owners and links made plain."""
    taken = copy_outputs(
        directory / "output",
        directory / "collected",
        required=job.task.required_outputs,
        max_bytes=job.task.output_limit,
        max_files=job.task.output_files,
    )
    remove([directory / "output"])
    context.cluster.files.remove([directory / "output"])
    return taken


def _take_scores(
    context: WorkerContext, job: RunWork, attempt: Attempt, directory: Path, run: RunRecord
) -> None:
    expected = [
        ScoreColumn(key=column.source or key, minimum=column.minimum, maximum=column.maximum)
        for key, column in job.challenge.columns.items()
        if not column.formula and column.task in {None, job.task_slug}
    ]
    path = directory / "output" / "scores.json"
    try:
        scores = read_scores(path, expected)
    except BadScoreFileError as problem:
        _fail(context, attempt.token, FailureReason.BAD_SCORES, problem.message, run)
        return
    seal = seal_record(context, job, directory, run, path)
    with context.database.writing() as session:
        results.scored(
            session,
            attempt.token,
            scores=scores,
            seal=seal,
            signed=signed(context, job, seal, scores),
            record=as_record(run),
            now=context.clock(),
        )


def _fail(
    context: WorkerContext,
    token: str,
    reason: FailureReason,
    detail: str,
    run: RunRecord,
    *,
    message: str = "",
) -> None:
    with context.database.writing() as session:
        results.failed(
            session,
            token,
            reason,
            message=message,
            detail=detail,
            record=as_record(run),
            now=context.clock(),
        )
