"""What people see of submissions: the list, and one with its way through the cluster."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from portal.db.queries import submission_pages as queries
from portal.db.tables import Attempt, Challenge, Evaluation, Job, Submission
from portal.domain import permissions, scores
from portal.domain.errors import NotAllowed, NotFound
from portal.domain.failures import FAILURES, Failure
from portal.domain.jobs import JobKind
from portal.domain.pages import PAGE_SIZE, Slice
from portal.domain.people import Actor
from portal.domain.permissions import Standing
from portal.domain.queue_reasons import in_words
from portal.domain.scores import Column
from portal.domain.states import EvaluationState
from portal.domain.steps import Happened, Step, steps
from portal.domain.submissions import SubmissionKind
from portal.services.challenge_frames import Frame, look_up, only
from portal.services.leaderboards import is_revealed, visible_columns
from portal.services.standings import as_column


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
class SubmissionList:
    """A page of a challenge's submissions."""

    frame: Frame
    columns: tuple[Column, ...]
    rows: tuple[ListedSubmission, ...]
    pages: Slice


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


@dataclass(frozen=True, slots=True, kw_only=True)
class SubmissionPage:
    """One submission."""

    challenge_slug: str
    challenge: str
    facts: SubmissionFacts
    columns: tuple[Column, ...]
    evaluations: tuple[EvaluationFacts, ...]
    state: EvaluationState
    is_settled: bool
    """Whether nothing will change without somebody's doing."""
    may_organise: bool


def submission_list(
    session: Session, *, actor: Actor, slug: str, page: int, now: datetime
) -> SubmissionList:
    """List the own team's submissions; organisers and staff see every team's."""
    visible = look_up(session, actor=actor, slug=slug, now=now)
    if not actor.is_known:
        raise NotAllowed("Log in to see your submissions.")
    every = visible.frame.may_organise
    found = queries.page_of(
        session,
        challenge_id=visible.challenge.id,
        team_id=visible.team_id,
        every=every,
        offset=(page - 1) * PAGE_SIZE,
        size=PAGE_SIZE,
    )
    if page > 1 and not found:
        raise NotFound
    columns = _columns(session, visible.challenge, now, every)
    return SubmissionList(
        frame=visible.frame,
        columns=columns,
        rows=tuple(_listed(row.submission, columns, every) for row in found),
        pages=Slice(number=page, total=found[0].total if found else 0),
    )


def submission_page(
    session: Session, *, actor: Actor, submission_id: str, now: datetime
) -> SubmissionPage:
    """Return a submission; raise ``NotFound`` if there is none that the actor may see."""
    if actor.person_id is None:
        raise NotAllowed("Log in to see this submission.")
    found = queries.find(session, submission_id, actor.person_id)
    if found is None or not _may_see(actor, found):
        raise NotFound
    row = found.submission
    inside = found.organises or actor.is_staff
    columns = _columns(session, row.challenge, now, inside)
    newest = _newest(row.evaluations)
    jobs = queries.jobs_of(session, newest)
    state = telling(evaluation.state for evaluation in newest)
    return SubmissionPage(
        challenge_slug=row.challenge.slug,
        challenge=row.challenge.title,
        facts=_facts(row),
        columns=columns,
        evaluations=tuple(_evaluation(row, e, jobs, columns, inside) for e in newest),
        state=state,
        is_settled=all(e.state.is_final or e.state is EvaluationState.HELD for e in newest),
        may_organise=inside,
    )


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


def _may_see(actor: Actor, found: queries.Found) -> bool:
    me = only(actor)
    standing = Standing(
        published=found.submission.challenge.published,
        organisers=me if found.organises else frozenset(),
    )
    return permissions.may_see_submission(actor, standing, me if found.in_team else frozenset())


def _columns(
    session: Session, challenge: Challenge, now: datetime, organises: bool
) -> tuple[Column, ...]:
    rows = [as_column(row) for row in queries.columns_of(session, challenge.id)]
    return tuple(
        visible_columns(
            rows, is_revealed=is_revealed(challenge.reveal_at, now), may_organise=organises
        )
    )


def _newest(evaluations: Sequence[Evaluation]) -> list[Evaluation]:
    in_order = sorted(evaluations, key=lambda e: (e.task_id, e.number))
    newest = {evaluation.task_id: evaluation for evaluation in in_order}
    return sorted(newest.values(), key=lambda e: e.id)


def _facts(row: Submission) -> SubmissionFacts:
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


def _listed(row: Submission, columns: Sequence[Column], organises: bool) -> ListedSubmission:
    newest = _newest(row.evaluations)
    merged: dict[str, float] = {}
    for evaluation in newest:
        merged |= _scores(row, evaluation, columns, organises)
    return ListedSubmission(
        facts=_facts(row), state=telling(e.state for e in newest), scores=merged
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


def _evaluation(
    row: Submission,
    evaluation: Evaluation,
    jobs: Sequence[Job],
    columns: Sequence[Column],
    organises: bool,
) -> EvaluationFacts:
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
