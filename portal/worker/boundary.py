"""The worker's boundary: what the web account can write becomes typed values that were looked at, or an error.

Everything that a job is made of passes here once, before the job is sent. From then on a run is what the
worker's own note in its run directory says, and rows are only asked whether they still speak of the same run.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import structlog
from sqlalchemy import select
from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.orm import Session

from portal.db.queries.evaluations import runs, work
from portal.db.queries.evaluations.runs import BuildRows, MeasureRows, RunRows
from portal.db.tables import Attempt, Deletion, Image, Job
from portal.domain import untrusted
from portal.domain.challenges.task_approvals import Approval
from portal.domain.errors import OperatorError, UntrustedValueError
from portal.domain.evaluations.jobs import ImageKind, JobKind
from portal.domain.evaluations.states import AttemptState
from portal.domain.evaluations.work import (
    BaseFacts,
    BuildWork,
    ChallengeFacts,
    EvaluationFacts,
    ImageFacts,
    JobFacts,
    MeasureWork,
    PhaseFacts,
    RunPlace,
    RunWork,
    SubmissionFacts,
    WeightsFacts,
    Work,
)
from portal.domain.retention import ArtifactKind
from portal.domain.submissions.disclosure import Failures
from portal.domain.submissions.limits import SubmissionKind
from portal.domain.untrusted import FileName, Id, Sha256, Slug
from portal.services.evaluations.task_approvals import approval_of
from portal.worker.context import WorkerContext
from portal.worker.ingest.image_sources import check_source, source_of
from portal.worker.prepare import run_notes
from scheduler.interface import Token

log = structlog.get_logger("sealrun.worker")

_KNOWN_BAD: set[str] = set()
"""Tokens that were logged: a pass comes every second."""
_MAX_KNOWN_BAD = 10_000


def tokens_in(
    context: WorkerContext, session: Session, states: Sequence[AttemptState]
) -> list[Token]:
    """List the cluster's attempts in any of the states; what has no proper token is passed over."""
    return _tokens(work.tokens_in(session, context.cluster.name, states))


def cancelled_in(
    context: WorkerContext, session: Session, states: Sequence[AttemptState]
) -> list[Token]:
    """List those whose evaluation somebody wants to end, in the same way."""
    return _tokens(work.cancelled_in(session, context.cluster.name, states))


def _tokens(values: Sequence[str]) -> list[Token]:
    found = []
    for value in values:
        try:
            found.append(token_of(value))
        except UntrustedValueError as problem:
            if value not in _KNOWN_BAD and len(_KNOWN_BAD) < _MAX_KNOWN_BAD:
                _KNOWN_BAD.add(value)
                log.error("untrusted_value", problem=str(problem))  # noqa: TRY400 - one line will do
    return found


def token_of(value: str, where: str = "attempts.token") -> Token:
    """Return the token of an attempt."""
    return Token(untrusted.token(value, where))


def job_of(context: WorkerContext, session: Session, token: Token) -> JobFacts:
    """Return the job of an attempt. Raises ``UntrustedValueError``."""
    return _job(context, session.get_one(Job, session.get_one(Attempt, token).job_id))


def place_of(session: Session, token: Token) -> RunPlace:
    """Return what names the run directory of an attempt, of whatever cluster."""
    job_id = untrusted.identifier(session.get_one(Attempt, token).job_id, "attempts.job_id")
    return RunPlace(job_id=job_id, token=token)


def work_to_prepare(context: WorkerContext, token: Token) -> Work:
    """Return what an attempt is to do, as far as an operator has approved it.

    Raises ``OperatorError`` for everything else, which an ``UntrustedValueError`` is.
    """
    with context.database.reading() as session, _readable(token):
        rows = runs.rows_of(session, token)
        job = _job(context, rows.job)
        untrusted.one_of(job.profile, _profiles_here(context), "jobs.profile")
        if isinstance(rows, BuildRows):
            return _build(context, job, rows)
        if isinstance(rows, MeasureRows):
            return _measure(context, job, rows)
        return _run(context, session, job, rows)


def work_as_prepared(context: WorkerContext, token: Token) -> Work:
    """Return what an attempt was sent to do, as the worker itself wrote it down.

    Raises ``UntrustedValueError`` where the rows speak of something else by now.
    """
    with context.database.reading() as session, _readable(token):
        job = _job(context, row := session.get_one(Job, session.get_one(Attempt, token).job_id))
        named = {row.evaluation_id, row.image_id, row.snapshot_id} - {None}
    found = run_notes.read_work(context.cluster.run_directory(job.id, token))
    if found is None:
        raise UntrustedValueError("attempts.state", "of an attempt that was never prepared", token)
    if found.job.id != job.id or found.job.kind is not job.kind or named != {_subject(found)}:
        raise UntrustedValueError("jobs", "otherwise than when it was sent", job.id)
    return found


@contextmanager
def _readable(token: Token) -> Iterator[None]:
    """Say of rows that are missing, or hold no words, times and JSON, what is said of strange values."""
    try:
        yield
    except (DBAPIError, PoolTimeoutError):  # the database itself, not what stands in it
        raise
    except (AttributeError, LookupError, TypeError, ValueError, SQLAlchemyError) as problem:
        raise UntrustedValueError(
            "a row of an attempt", f"not readable ({problem})", token
        ) from problem


def _subject(work: Work) -> Id:
    if isinstance(work, BuildWork):
        return work.image_id
    return work.snapshot_id if isinstance(work, MeasureWork) else work.evaluation.id


def _job(context: WorkerContext, row: Job) -> JobFacts:
    return JobFacts(
        id=untrusted.identifier(row.id, "jobs.id"),
        kind=untrusted.word(JobKind, row.kind, "jobs.kind"),
        cluster=untrusted.one_of(row.cluster, [context.cluster.name], "jobs.cluster"),
        profile=row.profile,
    )


def _profiles_here(context: WorkerContext) -> frozenset[str]:
    profiles = context.resources.profiles.items()
    return frozenset(name for name, one in profiles if one.cluster == context.cluster.name)


def _build(context: WorkerContext, job: JobFacts, rows: BuildRows) -> BuildWork:
    if job.kind is not JobKind.BUILD:
        raise UntrustedValueError("jobs.kind", "not that of an image's job", job.kind)
    kind = untrusted.word(ImageKind, rows.image.kind, "images.kind")
    return BuildWork(
        job=job,
        image_id=untrusted.identifier(rows.image.id, "images.id"),
        kind=kind,
        source_sha256=untrusted.sha256(rows.image.source_sha256, "images.source_sha256"),
        base=_base(context, rows) if kind is ImageKind.CODE else None,
    )


def _base(context: WorkerContext, rows: BuildRows) -> BaseFacts:
    """Return the base of code: an image that some approved task names as one, whatever the row says."""
    if rows.base is None or rows.base.sif_sha256 is None:
        raise OperatorError(f"image {rows.image.id} has no base image that is ready")
    sif = untrusted.sha256(rows.base.sif_sha256, "images.sif_sha256")
    source = source_of(context, sif).removeprefix(f"{ImageKind.ARCHIVE.value}:")
    if source not in context.approvals.bases():
        raise OperatorError(
            f"image {rows.base.id} is made of {source}, which nobody approved as a base:"
            " look at its challenge with 'sealrun challenge approve SLUG'"
        )
    return BaseFacts(sif_sha256=sif, source_sha256=untrusted.sha256(source, "made-of"))


def _measure(context: WorkerContext, job: JobFacts, rows: MeasureRows) -> MeasureWork:
    if job.kind is not JobKind.MEASURE:
        raise UntrustedValueError("jobs.kind", "not that of a measurement", job.kind)
    name = rows.snapshot.name
    if name not in context.resources.data:
        raise OperatorError(f"the site has no data {name!a} any more")
    snapshot_id = untrusted.identifier(rows.snapshot.id, "data_snapshots.id")
    return MeasureWork(job=job, snapshot_id=snapshot_id, name=name)


def _run(context: WorkerContext, session: Session, job: JobFacts, rows: RunRows) -> RunWork:
    if job.kind not in {JobKind.PREDICT, JobKind.SCORE}:
        raise UntrustedValueError("jobs.kind", "not that of an evaluation's job", job.kind)
    slug = untrusted.slug(rows.challenge.slug, "challenges.slug")
    phase = untrusted.slug(rows.phase.slug, "phases.slug")
    task = untrusted.slug(rows.task.slug, "tasks.slug")
    approval = _approval(context, session, slug, task, phase)
    ordered, submission = approval.tasks[task], _submission(rows)
    if submission.kind.value not in approval.phases[phase].kinds:
        raise UntrustedValueError("submissions.kind", "none that the phase takes", submission.kind)
    probe_row = session.get_one(Image, context.probe_image_id)
    probe = _image(probe_row)
    check_source(context, probe_row.id, probe.sif_sha256, _archive(context.probe_source))
    scores = job.kind is JobKind.SCORE
    image = _image(rows.image)
    made_of = _archive(ordered.scorer) if scores else _made_of(submission, ordered.base)
    check_source(context, rows.image.id, image.sif_sha256, made_of)
    return RunWork(
        job=job,
        evaluation=EvaluationFacts(
            id=untrusted.identifier(rows.evaluation.id, "evaluations.id"),
            rerun_of=untrusted.identifier(rows.evaluation.rerun_of, "evaluations.rerun_of")
            if rows.evaluation.rerun_of is not None
            else None,
        ),
        submission=submission,
        challenge=ChallengeFacts(slug=slug, columns=dict(approval.columns)),
        phase=_phase(approval, phase),
        task_slug=task,
        task=ordered,
        image=image,
        probe=probe,
        weights=_weights(rows),
        predict=_predict(rows, submission) if scores else None,
    )


def _approval(
    context: WorkerContext, session: Session, slug: Slug, task: Slug, phase: Slug
) -> Approval:
    """Return what an operator approved of a challenge, where the database says the same."""
    approved = context.approvals.get(slug)
    advice = f"look at it with 'sealrun challenge approve {slug}'"
    if task not in approved.tasks:
        raise OperatorError(f"nobody approved the task {task} of {slug}: {advice}")
    if phase not in approved.phases or task not in approved.phases[phase].tasks:
        raise OperatorError(f"nobody approved the phase {phase} of {slug} with {task}: {advice}")
    found = approved.differences(approval_of(session, slug), task=task, phase=phase)
    if found:
        raise OperatorError(
            f"the database says otherwise than what was approved of {slug}: {', '.join(found)}"
        )
    return approved


def _phase(approval: Approval, slug: Slug) -> PhaseFacts:
    phase = approval.phases[slug]
    return PhaseFacts(
        slug=slug,
        is_sealed=phase.failures == Failures.SEALED.value,
        hold_results=phase.hold_results,
        time_step=phase.time_step,
    )


def _submission(rows: RunRows) -> SubmissionFacts:
    row = rows.submission
    return SubmissionFacts(
        id=untrusted.identifier(row.id, "submissions.id"),
        team_id=untrusted.identifier(row.team_id, "submissions.team_id"),
        kind=untrusted.word(SubmissionKind, row.kind, "submissions.kind"),
        blob_sha256=untrusted.sha256(row.blob_sha256, "submissions.blob_sha256"),
        filename=_filename(row.filename),
        is_smoke=bool(row.is_smoke),
        created_at=row.created_at,
    )


def _filename(value: str) -> FileName:
    """Return what the browser called a file, for the seal record; participants may call theirs anything."""
    try:
        return untrusted.file_name(value, "submissions.filename")
    except UntrustedValueError:
        return FileName("submission")


def _weights(rows: RunRows) -> WeightsFacts | None:
    if rows.weights is None:
        return None
    return WeightsFacts(
        blob_sha256=untrusted.sha256(rows.weights.blob_sha256, "weights.blob_sha256"),
        filename=rows.weights.filename,
    )


def _image(row: Image) -> ImageFacts:
    if row.sif_sha256 is None:
        raise OperatorError(f"image {row.id} is not ready")
    return ImageFacts(sif_sha256=untrusted.sha256(row.sif_sha256, "images.sif_sha256"))


def size_of_image(context: WorkerContext, sif: Sha256) -> int:
    """Return how many bytes an image has by its row: 0 to the limit of uploads, whatever stands there."""
    with context.database.reading() as session:
        sizes = session.scalars(select(Image.size).where(Image.sif_sha256 == sif))
        largest = max((size or 0 for size in sizes), default=0)
    return max(0, min(largest, context.resources.upload_limit))


def _archive(source: str) -> str:
    return f"{ImageKind.ARCHIVE.value}:{source}"


def _made_of(submission: SubmissionFacts, base: str | None) -> str:
    """Return what the image of a submission has to be made of."""
    if submission.kind is SubmissionKind.CODE:
        return f"{ImageKind.CODE.value}:{submission.blob_sha256}:{base}"
    return _archive(submission.blob_sha256)


def _predict(rows: RunRows, submission: SubmissionFacts) -> RunPlace | None:
    """Return the run whose output is scored: everything but results has one."""
    if (rows.predict_token is None) is not (submission.kind is SubmissionKind.RESULTS):
        raise UntrustedValueError("jobs", "not what its submission needs", rows.job.id)
    if rows.predict_token is None or rows.predict_job_id is None:
        return None
    return RunPlace(
        job_id=untrusted.identifier(rows.predict_job_id, "attempts.job_id"),
        token=token_of(rows.predict_token),
    )


def predicted(context: WorkerContext, work: RunWork) -> RunWork | None:
    """Return the run whose output is scored, as it was sent; None for results.

    Raises ``UntrustedValueError`` where it is not one of the same submission and task.
    """
    if work.predict is None:
        return None
    place = work.predict
    found = run_notes.read_work(context.cluster.run_directory(place.job_id, Token(place.token)))
    if (
        not isinstance(found, RunWork)
        or found.job.kind is not JobKind.PREDICT
        or found.submission.is_smoke
        or (found.evaluation, found.challenge.slug, found.phase.slug, found.task_slug)
        != (work.evaluation, work.challenge.slug, work.phase.slug, work.task_slug)
        or found.submission.blob_sha256 != work.submission.blob_sha256
        or found.weights != work.weights
    ):
        raise UntrustedValueError("jobs", "the prediction of something else", place.job_id)
    return found


def check_deletion(row: Deletion) -> None:
    """Raise ``UntrustedValueError`` where a row names nothing that could be deleted."""
    if row.kind is ArtifactKind.UPLOAD:
        untrusted.sha256(row.subject, "deletions.subject")
    elif row.kind is ArtifactKind.IMAGE:
        untrusted.identifier(row.subject, "deletions.subject")
    else:
        token_of(row.subject, "deletions.subject")
    if row.sha256:
        untrusted.sha256(row.sha256, "deletions.sha256")


def snapshot_id(value: str) -> Id:
    """Return the id of a measurement."""
    return untrusted.identifier(value, "data_snapshots.id")


def upload_digest(value: str, where: str) -> Sha256:
    """Return the digest of an upload."""
    return untrusted.sha256(value, where)
