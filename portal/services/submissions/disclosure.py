"""Submissions as values for pages: what a team may know, and what only organisers and staff may."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from portal.db.tables import Attempt, Evaluation, Job, Submission, SubmissionMark
from portal.domain.evaluations.failures import Failure, FailureReason, explained
from portal.domain.evaluations.jobs import JobKind
from portal.domain.evaluations.states import EvaluationState
from portal.domain.leaderboards import scores
from portal.domain.leaderboards.marks import Mark
from portal.domain.leaderboards.scores import Column
from portal.domain.submissions import disclosure
from portal.domain.submissions.limits import SubmissionKind
from portal.domain.submissions.questions import Question
from portal.domain.submissions.timeline import Happened, Step, steps
from portal.services.evaluations.queue_position import QueueFacts
from portal.services.submissions.questions.answers import AnswerFacts, facts
from portal.services.submissions.run_logs import LogFacts

Logs = Mapping[str, tuple[LogFacts, ...]]
"""The streams of attempts, by their tokens."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MarkFacts:
    """A mark as the team sees it."""

    mark: Mark
    reason: str
    """Empty where the team has withdrawn it."""
    made_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class SubmissionFacts:
    """A submission without what came of it."""

    id: str
    kind: SubmissionKind
    phase: str
    phase_slug: str
    team: str
    team_id: str
    person: str
    filename: str
    size: int
    sha256: str
    note: str
    counts: bool
    is_smoke: bool
    is_late: bool
    created_at: datetime
    deleted_at: datetime | None
    """When the file was deleted by policy."""
    marks: tuple[MarkFacts, ...]
    answers: tuple[AnswerFacts, ...]
    """To what its challenge asks now."""

    @property
    def is_withdrawn(self) -> bool:
        """Whether its team has withdrawn it."""
        return any(one.mark is Mark.WITHDRAWN for one in self.marks)


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedSubmission:
    """A line in the list. ``state`` is the one to look at first of all evaluations."""

    facts: SubmissionFacts
    state: EvaluationState
    scores: dict[str, float]
    stands: bool = False
    """Whether it is the one of its team on a leaderboard that is open to who looks."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AttemptFacts:
    """One try at a job, for organisers and staff only."""

    token: str
    kind: JobKind
    number: int
    state: str
    cluster_job_id: str | None
    nodes: str
    outcome: str | None
    raw_state: str
    problem: str
    logs: tuple[LogFacts, ...]
    """The end of what the run wrote."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfidentialDetails:
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
    reason: FailureReason | None
    failure: Failure | None
    message: str
    time_limit: timedelta | None
    """Of the program; only where that is disclosed."""
    scores: dict[str, float]
    confidential: ConfidentialDetails | None


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


def most_urgent_state(states: Iterable[EvaluationState]) -> EvaluationState:
    """Return the state that says most about a submission: what went wrong, else what is slowest."""
    return min(states, key=_BY_URGENCY.index, default=EvaluationState.WAITING)


def newest(evaluations: Sequence[Evaluation]) -> list[Evaluation]:
    """Return the newest evaluation on each task; a rerun takes the place of what it repeats."""
    in_order = sorted(evaluations, key=lambda e: (e.task_id, e.number))
    by_task = {evaluation.task_id: evaluation for evaluation in in_order}
    return sorted(by_task.values(), key=lambda e: e.id)


def facts_of(row: Submission, asked: Sequence[Question]) -> SubmissionFacts:
    """Return what was submitted, with the answers to what its challenge asks."""
    return SubmissionFacts(
        id=row.id,
        kind=row.kind,
        phase=row.phase.title,
        phase_slug=row.phase.slug,
        team=row.team.name,
        team_id=row.team_id,
        person=row.person.names.own,
        filename=row.filename,
        size=row.blob.size,
        sha256=row.blob_sha256,
        note=row.note,
        counts=row.counts,
        is_smoke=row.is_smoke,
        is_late=row.is_late,
        created_at=row.created_at,
        deleted_at=row.blob.deleted_at,
        marks=mark_facts(row.marks),
        answers=facts(asked, row.answers),
    )


def mark_facts(rows: Iterable[SubmissionMark]) -> tuple[MarkFacts, ...]:
    """Return marks as the team sees them."""
    return tuple(MarkFacts(mark=one.mark, reason=one.reason, made_at=one.made_at) for one in rows)


def listed(
    row: Submission,
    columns: Sequence[Column],
    may_review: bool,
    *,
    asked: Sequence[Question] = (),
    stands: bool = False,
) -> ListedSubmission:
    """Return a line of the list."""
    evaluations = newest(row.evaluations)
    sealed = _is_sealed(row, may_review)
    states = [_disclosed_state(row, e, sealed=sealed) for e in evaluations]
    return ListedSubmission(
        facts=facts_of(row, asked),
        state=most_urgent_state(states),
        scores=disclosed_scores(row, evaluations, columns, may_review=may_review),
        stands=stands,
    )


def disclosed_scores(
    row: Submission,
    evaluations: Sequence[Evaluation],
    columns: Sequence[Column],
    *,
    may_review: bool,
) -> dict[str, float]:
    """Return what whoever looks may know of the scores of a submission over all its tasks, with what is worked out."""
    if not _may_see_scores(row, may_review):
        return {}
    found = {one.task_id: one.result.scores for one in evaluations if one.result is not None}
    if found and row.shown is not None and not may_review:
        return scores.shown(row.shown, columns)
    return scores.shown(scores.exact(found, columns), columns)


@dataclass(frozen=True, slots=True, kw_only=True)
class DisclosedOutcome:
    """What somebody may know of how an evaluation went. Pages, API and exports have it from here."""

    state: EvaluationState
    reason: FailureReason | None
    message: str
    scores: dict[str, float]


def disclose(
    row: Submission, evaluation: Evaluation, columns: Sequence[Column], *, may_review: bool
) -> DisclosedOutcome:
    """Return what whoever looks may know; its team knows less than its organisers."""
    sealed = _is_sealed(row, may_review)
    reason = (
        disclosure.disclosed_reason(evaluation.reason, sealed=sealed) if evaluation.reason else None
    )
    return DisclosedOutcome(
        state=_disclosed_state(row, evaluation, sealed=sealed),
        reason=reason,
        message="" if reason is FailureReason.NO_RESULT else evaluation.message,
        scores=_scores(row, evaluation, columns, may_review),
    )


def disclosed_state_of(row: Submission, evaluation: Evaluation) -> EvaluationState:
    """Return the state that the team of a submission is shown."""
    return _disclosed_state(row, evaluation, sealed=_is_sealed(row, may_review=False))


def _disclosed_state(row: Submission, evaluation: Evaluation, *, sealed: bool) -> EvaluationState:
    return disclosure.disclosed_state(
        row.kind, evaluation.state, sealed=sealed, reason=evaluation.reason
    )


def _is_sealed(row: Submission, may_review: bool) -> bool:
    """Whether who looks may not see how a run on private data went."""
    return row.phase.is_sealed and not row.is_smoke and not may_review


def _scores(
    row: Submission, evaluation: Evaluation, columns: Sequence[Column], may_review: bool
) -> dict[str, float]:
    if evaluation.result is None or not _may_see_scores(row, may_review):
        return {}
    own = scores.of_task(evaluation.result.scores, columns, evaluation.task_id)
    if row.shown is not None and not may_review:
        own = {key: row.shown[key] for key in own if key in row.shown}
    return scores.shown(own, columns)


def _may_see_scores(row: Submission, may_review: bool) -> bool:
    return may_review or row.phase.feedback == FEEDBACK_SCORES


FEEDBACK_SCORES = "scores"
"""The word in a phase's ``feedback`` that lets a team see its own scores."""


def evaluation_facts(
    row: Submission,
    evaluation: Evaluation,
    jobs: Sequence[Job],
    columns: Sequence[Column],
    *,
    queue: QueueFacts | None,
    time_limit: timedelta | None,
    may_review: bool,
    logs: Logs | None,
) -> EvaluationFacts:
    """Return what came of a submission on one task; ``jobs`` are all that it may have caused.

    With the ``logs`` of their attempts comes all that is sealed, without them nothing of it.
    """
    own = [j for j in jobs if j.evaluation_id == evaluation.id]
    built = [j for j in jobs if evaluation.image_id and j.image_id == evaluation.image_id]
    outcome = disclose(row, evaluation, columns, may_review=may_review)
    sealed = _is_sealed(row, may_review)
    if sealed and (outcome.state is EvaluationState.RUNNING or outcome.state.is_final):
        # Its job, or the one that scores it: the cluster's words would tell which.
        queue = None
    happened = disclosure.disclosed_timeline(
        [Happened(state=event.state, at=event.at) for event in evaluation.events],
        sealed=sealed,
        step=timedelta(seconds=row.phase.time_step),
    )
    return EvaluationFacts(
        task=evaluation.task.slug,
        state=outcome.state,
        steps=steps(row.kind, outcome.state, happened, is_smoke=row.is_smoke),
        queue=queue,
        reason=outcome.reason,
        failure=explained(outcome.reason, counts=row.counts) if outcome.reason else None,
        message=outcome.message,
        time_limit=time_limit if outcome.reason is FailureReason.TIME_LIMIT else None,
        scores=outcome.scores,
        confidential=_confidential(evaluation, built + own, logs) if logs is not None else None,
    )


def _confidential(evaluation: Evaluation, jobs: Sequence[Job], logs: Logs) -> ConfidentialDetails:
    result = evaluation.result
    return ConfidentialDetails(
        detail=evaluation.detail,
        exact_scores=result.scores if result else {},
        seal_sha256=result.seal_sha256 if result else None,
        attempts=tuple(
            _attempt(job, attempt, logs.get(attempt.token, ()))
            for job in jobs
            for attempt in job.attempts
        ),
    )


def _attempt(job: Job, row: Attempt, logs: tuple[LogFacts, ...]) -> AttemptFacts:
    return AttemptFacts(
        token=row.token,
        kind=job.kind,
        number=row.number,
        state=row.state,
        cluster_job_id=row.cluster_job_id,
        nodes=row.nodes,
        outcome=row.outcome,
        raw_state=row.raw_state,
        problem=row.problem,
        logs=logs,
    )
