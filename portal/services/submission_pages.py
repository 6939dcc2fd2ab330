"""What people see of submissions: the list, and one with its way through the cluster."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from portal.db.queries import submission_pages as queries
from portal.db.tables import Challenge
from portal.domain import permissions
from portal.domain.errors import NotAllowed, NotFound
from portal.domain.pages import PAGE_SIZE, Slice
from portal.domain.people import Actor
from portal.domain.permissions import Standing
from portal.domain.scores import Column
from portal.domain.states import EvaluationState
from portal.services.challenge_frames import Frame, look_up, only
from portal.services.leaderboards import is_revealed, visible_columns
from portal.services.standings import columns_of
from portal.services.submission_facts import (
    EvaluationFacts,
    ListedSubmission,
    SubmissionFacts,
    evaluation_facts,
    facts_of,
    listed,
    newest,
    telling,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class SubmissionList:
    """A page of a challenge's submissions."""

    frame: Frame
    columns: tuple[Column, ...]
    rows: tuple[ListedSubmission, ...]
    pages: Slice


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
        rows=tuple(listed(row.submission, columns, every) for row in found),
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
    inside = permissions.may_organise(actor, _standing(actor, found))
    columns = _columns(session, row.challenge, now, inside)
    evaluations = newest(row.evaluations)
    jobs = queries.jobs_of(session, evaluations)
    return SubmissionPage(
        challenge_slug=row.challenge.slug,
        challenge=row.challenge.title,
        facts=facts_of(row),
        columns=columns,
        evaluations=tuple(evaluation_facts(row, e, jobs, columns, inside) for e in evaluations),
        state=telling(e.state for e in evaluations),
        is_settled=all(e.state.is_final or e.state is EvaluationState.HELD for e in evaluations),
        may_organise=inside,
    )


def _may_see(actor: Actor, found: queries.Found) -> bool:
    team = only(actor) if found.in_team else frozenset()
    return permissions.may_see_submission(actor, _standing(actor, found), team)


def _standing(actor: Actor, found: queries.Found) -> Standing:
    return Standing(
        published=found.submission.challenge.published,
        organisers=only(actor) if found.organises else frozenset(),
    )


def _columns(
    session: Session, challenge: Challenge, now: datetime, organises: bool
) -> tuple[Column, ...]:
    rows = columns_of(session, challenge.id)
    return tuple(
        visible_columns(
            rows, is_revealed=is_revealed(challenge.reveal_at, now), may_organise=organises
        )
    )
