"""What people see of submissions: the list, and one with its way through the cluster."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy.orm import Session

from portal.db.queries.submissions import submission_pages as queries
from portal.db.tables import Challenge, Evaluation
from portal.domain import permissions
from portal.domain.accounts.people import Actor
from portal.domain.audit import Action, Subject
from portal.domain.challenges.profiles import Resources
from portal.domain.errors import NotAllowedError, NotFoundError
from portal.domain.evaluations.states import EvaluationState
from portal.domain.leaderboards.scores import Column
from portal.domain.pagination import PAGE_SIZE, Slice
from portal.services.audit import log as audit_log
from portal.services.challenges.context import Frame, look_up
from portal.services.evaluations import reruns
from portal.services.evaluations.queue_position import queue_facts
from portal.services.evaluations.reruns import RerunFacts
from portal.services.leaderboards.boards import as_columns, columns_of, visible_columns
from portal.services.leaderboards.open_boards import open_boards
from portal.services.submissions import access, cancellation, log_release, marks, run_logs
from portal.services.submissions.access import VisibleSubmission
from portal.services.submissions.disclosure import (
    EvaluationFacts,
    ListedSubmission,
    SubmissionFacts,
    disclosed_scores,
    evaluation_facts,
    facts_of,
    listed,
    most_urgent_state,
    newest,
)
from portal.services.submissions.log_release import ReleasedLog
from portal.services.submissions.picks import PickBoard, pick_boards
from portal.services.submissions.questions import answers
from portal.services.submissions.run_logs import LogFacts
from portal.services.submissions.weights import WeightsFacts, used_by


@dataclass(frozen=True, slots=True, kw_only=True)
class SubmissionList:
    """A page of a challenge's submissions."""

    frame: Frame
    columns: tuple[Column, ...]
    rows: tuple[ListedSubmission, ...]
    pages: Slice
    team_id: str | None
    """Of the own team."""
    pick_boards: tuple[PickBoard, ...]
    """Those for which the own team chooses what counts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SubmissionPage:
    """One submission."""

    challenge_slug: str
    challenge: str
    facts: SubmissionFacts
    same_as: str | None
    """The first submission in this phase with which the team has submitted the same file."""
    smoke_logs: tuple[LogFacts, ...]
    """What a run on the public sample wrote."""
    released_logs: tuple[ReleasedLog, ...]
    """What organisers let the team see besides."""
    weights: WeightsFacts | None
    has_seal: bool
    """Whether there is a signed record of its result."""
    packages: tuple[str, ...]
    """What was installed from its ``requirements.txt``: versions and digests, as pip takes them."""
    columns: tuple[Column, ...]
    evaluations: tuple[EvaluationFacts, ...]
    scores: dict[str, float]
    """Over all tasks, with what is worked out from them."""
    state: EvaluationState
    reruns: tuple[RerunFacts, ...]
    """What came of running it again to compare; only where this page shows what is sealed."""
    is_settled: bool
    """Whether nothing will change without somebody's doing."""
    may_review: bool
    """Whether they may look at what is sealed."""
    is_inside: bool
    """Whether this page shows it."""
    may_release: bool
    """Whether they may let the team see a log."""
    may_submit: bool
    """Whether it is of the own team, which can submit again."""
    may_cancel: bool
    """Whether they may cancel it, and something of it can be."""
    may_mark: bool
    """Whether they may say what counts on the board."""
    may_answer: bool
    """Whether answers can be changed."""
    may_withdraw: bool
    """Whether they can withdraw it now, or take that back."""
    is_ending: bool
    """Whether somebody has cancelled it and the cluster has not followed yet."""


def submission_list(
    session: Session, *, actor: Actor, slug: str, page: int, now: datetime
) -> SubmissionList:
    """List the own team's submissions; organisers and staff see every team's."""
    visible = look_up(session, actor=actor, slug=slug, now=now, with_boards=True)
    if not actor.is_known:
        raise NotAllowedError("Log in to see your submissions.")
    every = visible.frame.may_review
    # Which one is best would tell something of a score that is not shown.
    boards = open_boards(actor, visible, now)
    found = queries.page_of(
        session,
        challenge_id=visible.challenge.id,
        team_id=visible.team_id,
        every=every,
        board_ids=[one.rows_id for one in boards],
        offset=(page - 1) * PAGE_SIZE,
        size=PAGE_SIZE,
    )
    if page > 1 and not found:
        raise NotFoundError
    columns = _columns(visible.challenge, now, every)
    asked = answers.questions_of(visible.challenge)
    return SubmissionList(
        frame=visible.frame,
        columns=columns,
        rows=tuple(
            listed(row.submission, columns, every, asked=asked, stands=row.stands) for row in found
        ),
        pages=Slice(number=page, total=found[0].total if found else 0),
        team_id=visible.team_id,
        pick_boards=pick_boards(
            session,
            visible.challenge,
            visible.team_id,
            may_choose=permissions.may_change(visible.relation) and visible.relation.is_open,
            now=now,
        ),
    )


def submission_page(
    session: Session, *, actor: Actor, submission_id: str, resources: Resources, now: datetime
) -> SubmissionPage:
    """Return a submission; raise ``NotFoundError`` if there is none that the actor may see."""
    found = _find(session, actor, submission_id)
    return _page(session, actor, found, resources, inside=False, now=now)


def sealed_page(
    session: Session, *, actor: Actor, submission_id: str, resources: Resources, now: datetime
) -> SubmissionPage:
    """Return a submission with what is sealed, and write down that it was looked at."""
    found = _find(session, actor, submission_id)
    _look_inside(session, actor, found, now=now)
    return _page(session, actor, found, resources, inside=True, now=now)


def seal_of(
    session: Session, *, actor: Actor, submission_id: str, in_full: bool, now: datetime
) -> str:
    """Return the signed record of a submission's newest result; raise ``NotFoundError`` where there is none.

    In full to whoever may look at what is sealed, which is written down; otherwise what the team may show.
    """
    found = _find(session, actor, submission_id)
    if in_full:
        _look_inside(session, actor, found, now=now)
    results = [one.result for one in newest(found.submission.evaluations) if one.result]
    envelopes = [one.envelope if in_full else one.team_envelope for one in results]
    signed = [one for one in envelopes if one]
    if not signed:
        raise NotFoundError
    return signed[-1]


def _look_inside(
    session: Session, actor: Actor, found: VisibleSubmission, *, now: datetime
) -> None:
    """Write down that the actor looks at what is sealed. Raises ``NotFoundError`` for who may not."""
    if not permissions.may_review(actor, found.relation):
        raise NotFoundError
    audit_log.note(
        session,
        actor=actor,
        action=Action.SEALED_LOOKED_AT,
        subject=Subject(kind="submission", id=found.submission.id),
        challenge_id=found.submission.challenge_id,
        now=now,
    )


def _find(session: Session, actor: Actor, submission_id: str) -> VisibleSubmission:
    if actor.person_id is None:
        raise NotAllowedError("Log in to see this submission.")
    return access.find(session, actor, submission_id, permissions.may_see_submission)


def _page(
    session: Session,
    actor: Actor,
    found: VisibleSubmission,
    resources: Resources,
    *,
    inside: bool,
    now: datetime,
) -> SubmissionPage:
    row = found.submission
    may_review = permissions.may_review(actor, found.relation)
    may_change = permissions.may_change(found.relation)
    columns = tuple(
        visible_columns(columns_of(session, row.challenge), now=now, may_review=may_review)
    )
    evaluations = newest(row.evaluations)
    unfinished = cancellation.unfinished(row, evaluations)
    jobs = queries.jobs_of(session, evaluations)
    tokens = [attempt.token for job in jobs for attempt in job.attempts]
    kept = run_logs.of_attempts(session, tokens) if inside or row.is_smoke else {}
    logs = kept if inside else None
    facts = tuple(
        evaluation_facts(
            row,
            e,
            jobs,
            columns,
            queue=queue_facts(session, e, jobs, resources),
            time_limit=_time_limit(e, resources),
            may_review=may_review,
            logs=logs,
        )
        for e in evaluations
    )
    return SubmissionPage(
        challenge_slug=row.challenge.slug,
        challenge=row.challenge.title,
        facts=facts_of(row, answers.questions_of(row.challenge)),
        same_as=found.same_as,
        smoke_logs=tuple(log for logs in kept.values() for log in logs) if row.is_smoke else (),
        released_logs=log_release.released(session, row.id),
        weights=used_by(session, row),
        has_seal=any(e.result and e.result.team_envelope for e in evaluations),
        packages=queries.packages_of(session, evaluations),
        columns=columns,
        scores=disclosed_scores(row, evaluations, columns, may_review=may_review),
        evaluations=facts,
        state=most_urgent_state(one.state for one in facts),
        reruns=reruns.of_submission(session, row.id) if inside else (),
        is_settled=all(e.state.is_final or e.state is EvaluationState.HELD for e in evaluations),
        may_review=may_review,
        is_inside=inside,
        may_release=may_change and permissions.may_release_logs(actor, found.relation),
        may_submit=found.in_team and permissions.may_submit(actor, found.relation),
        may_cancel=may_change
        and permissions.may_cancel(actor, found.relation, found.team)
        and bool(unfinished),
        may_mark=may_change and permissions.may_mark(actor, found.relation) and not row.is_smoke,
        may_answer=may_change and answers.may_change(actor, found, now),
        may_withdraw=may_change and marks.may_withdraw(actor, found, now),
        is_ending=any(evaluation.cancellation is not None for evaluation in unfinished),
    )


def _time_limit(evaluation: Evaluation, resources: Resources) -> timedelta | None:
    """Return how long the program may run; nothing if the site no longer has its profile."""
    profile = resources.profiles.get(evaluation.task.predict_profile)
    return profile.time_limit if profile else None


def _columns(challenge: Challenge, now: datetime, may_review: bool) -> tuple[Column, ...]:
    rows = challenge.boards[0].columns if challenge.boards else []
    columns = as_columns(challenge, rows)
    return tuple(visible_columns(columns, now=now, may_review=may_review))
