"""Submissions as values for pages: what a team may know, and what only organisers and staff may."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from portal.db.tables import Attempt, Evaluation, Job, Submission
from portal.domain import scores
from portal.domain.failures import FAILURES, Failure
from portal.domain.jobs import JobKind
from portal.domain.queue_reasons import in_words
from portal.domain.scores import Column
from portal.domain.states import EvaluationState
from portal.domain.steps import Happened, Step, steps
from portal.domain.submissions import SubmissionKind


@dataclass(frozen=True, slots=True, kw_only=True)
class SubmissionFacts:
    """A submission without what came of it."""

    id: str
    kind: SubmissionKind
    phase: str
    team: str
    person: str
    filename: str
    size: int
    sha256: str
    note: str
    counts: bool
    created_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedSubmission:
    """A line in the list. ``state`` is the one to look at first of all evaluations."""

    facts: SubmissionFacts
    state: EvaluationState
    scores: dict[str, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueFacts:
    """What the cluster last said of a job that it has."""

    confirmed_at: datetime | None
    queued_at: datetime | None
    why: str
    tries: int


@dataclass(frozen=True, slots=True, kw_only=True)
class AttemptFacts:
    """One try at a job, for organisers and staff only."""

    kind: JobKind
    number: int
    state: str
    cluster_job_id: str | None
    nodes: str
    outcome: str | None
    raw_state: str
    problem: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Inside:
    """What only organisers and staff see of an evaluation."""

    detail: str
    exact_scores: dict[str, float]
    seal_sha256: str | None
    attempts: tuple[AttemptFacts, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class EvaluationFacts:
    """What came of a submission on one task."""

    task: str
    state: EvaluationState
    steps: tuple[Step, ...]
    queue: QueueFacts | None
    failure: Failure | None
    sentence: str
    scores: dict[str, float]
    inside: Inside | None


_BY_URGENCY = (
    EvaluationState.HELD,
    EvaluationState.FAILED,
    EvaluationState.CANCELLED,
    EvaluationState.WAITING,
    EvaluationState.BUILDING,
    EvaluationState.QUEUED,
    EvaluationState.RUNNING,
    EvaluationState.SCORING,
    EvaluationState.SCORED,
)


def telling(states: Iterable[EvaluationState]) -> EvaluationState:
    """Return the state that says most about a submission: what went wrong, else what is slowest."""
    return min(states, key=_BY_URGENCY.index, default=EvaluationState.WAITING)


def newest(evaluations: Sequence[Evaluation]) -> list[Evaluation]:
    """Return the newest evaluation on each task; a rerun takes the place of what it repeats."""
    in_order = sorted(evaluations, key=lambda e: (e.task_id, e.number))
    by_task = {evaluation.task_id: evaluation for evaluation in in_order}
    return sorted(by_task.values(), key=lambda e: e.id)


def facts_of(row: Submission) -> SubmissionFacts:
    """Return what was handed in."""
    return SubmissionFacts(
        id=row.id,
        kind=row.kind,
        phase=row.phase.title,
        team=row.team.name,
        person=row.person.name,
        filename=row.filename,
        size=row.blob.size,
        sha256=row.blob_sha256,
        note=row.note,
        counts=row.counts,
        created_at=row.created_at,
    )


def listed(row: Submission, columns: Sequence[Column], organises: bool) -> ListedSubmission:
    """Return a line of the list."""
    evaluations = newest(row.evaluations)
    merged: dict[str, float] = {}
    for evaluation in evaluations:
        merged |= _scores(row, evaluation, columns, organises)
    return ListedSubmission(
        facts=facts_of(row), state=telling(e.state for e in evaluations), scores=merged
    )


def _scores(
    row: Submission, evaluation: Evaluation, columns: Sequence[Column], organises: bool
) -> dict[str, float]:
    told = organises or row.phase.feedback == FEEDBACK_SCORES
    if evaluation.result is None or not told:
        return {}
    return scores.shown(evaluation.result.scores, columns)


FEEDBACK_SCORES = "scores"
"""The word in a phase's ``feedback`` that lets a team see its own scores."""


def evaluation_facts(
    row: Submission,
    evaluation: Evaluation,
    jobs: Sequence[Job],
    columns: Sequence[Column],
    organises: bool,
) -> EvaluationFacts:
    """Return what came of a submission on one task; ``jobs`` are all that it may have caused."""
    own = [j for j in jobs if j.evaluation_id == evaluation.id]
    built = [j for j in jobs if evaluation.image_id and j.image_id == evaluation.image_id]
    happened = [Happened(state=event.state, at=event.at) for event in evaluation.events]
    return EvaluationFacts(
        task=evaluation.task.slug,
        state=evaluation.state,
        steps=steps(row.kind, evaluation.state, happened),
        queue=_queue(evaluation, built + own),
        failure=FAILURES[evaluation.reason] if evaluation.reason else None,
        sentence=evaluation.sentence,
        scores=_scores(row, evaluation, columns, organises),
        inside=_inside(evaluation, built + own) if organises else None,
    )


def _queue(evaluation: Evaluation, jobs: Sequence[Job]) -> QueueFacts | None:
    live = [job for job in jobs if job.is_open and job.attempts]
    if evaluation.state.is_final or not live:
        return None
    attempt = live[-1].attempts[-1]
    waits = attempt.started_at is None
    return QueueFacts(
        confirmed_at=attempt.confirmed_at,
        queued_at=attempt.queued_at if waits else None,
        why=in_words(attempt.raw_reason) if waits else "",
        tries=attempt.number,
    )


def _inside(evaluation: Evaluation, jobs: Sequence[Job]) -> Inside:
    result = evaluation.result
    return Inside(
        detail=evaluation.detail,
        exact_scores=result.scores if result else {},
        seal_sha256=result.seal_sha256 if result else None,
        attempts=tuple(_attempt(job, attempt) for job in jobs for attempt in job.attempts),
    )


def _attempt(job: Job, row: Attempt) -> AttemptFacts:
    return AttemptFacts(
        kind=job.kind,
        number=row.number,
        state=row.state,
        cluster_job_id=row.cluster_job_id,
        nodes=row.nodes,
        outcome=row.outcome,
        raw_state=row.raw_state,
        problem=row.problem,
    )
