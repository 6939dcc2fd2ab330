"""Lists of who takes part in a challenge, for those who organise it: pages, one person, and the whole as a file."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session, joinedload

from portal.db.queries.teams import participation_lists as queries
from portal.db.tables import (
    NOT_A_RERUN,
    Account,
    Challenge,
    Evaluation,
    Membership,
    Organiser,
    Participation,
    Submission,
)
from portal.domain import permissions
from portal.domain.accounts.claims import LoginSays, login_says
from portal.domain.accounts.people import Actor
from portal.domain.audit import Action, Subject
from portal.domain.errors import NotFoundError
from portal.domain.evaluations.states import EvaluationState
from portal.domain.pagination import PAGE_SIZE, Slice
from portal.domain.teams.membership_rules import ParticipationState
from portal.services.audit import log as audit_log
from portal.services.challenges import access
from portal.services.challenges.context import Frame, Visible, look_up
from portal.services.site.views import name_of

MAX_EXPORTED_AT_ONCE = 500
"""People that are read in one go."""

_FINAL = tuple(state for state in EvaluationState if state.is_final)


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedPerson:
    """Somebody who takes part, wants to, or was declined, removed or banned."""

    person_id: str
    name: str
    login: LoginSays
    state: ParticipationState
    note: str
    """What they wrote when they asked."""
    reason: str
    """Why they were removed or banned."""
    asked_at: datetime
    decided_at: datetime | None
    team: str
    """Empty: none yet."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ParticipationList:
    """A page of people."""

    frame: Frame
    rows: tuple[ListedPerson, ...]
    pages: Slice
    counts: Mapping[ParticipationState, int]
    """How many there are in each state, whatever is looked for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PersonPage:
    """One person of a challenge, and what putting them out would do."""

    frame: Frame
    person: ListedPerson
    contact: str
    mates: int
    """How many others are in the team."""
    submissions: int
    """What the person submitted, without runs on the sample."""
    unfinished: int
    """Of what their team submitted, what has not ended."""
    has_role: bool


def participation_list(
    session: Session,
    *,
    actor: Actor,
    slug: str,
    state: ParticipationState | None,
    words: str = "",
    page: int,
    now: datetime,
) -> ParticipationList:
    """List those in a state, or all, by ``words`` in their name; for whoever organises it. Raises ``NotFoundError``."""
    visible = _look_up(session, actor, slug, now)
    challenge_id = visible.challenge.id
    found = queries.page_of(
        session,
        challenge_id,
        state=state,
        words=words.strip(),
        offset=(page - 1) * PAGE_SIZE,
        size=PAGE_SIZE,
    )
    if page > 1 and not found:
        raise NotFoundError
    return ParticipationList(
        frame=visible.frame,
        rows=listed(session, challenge_id, [row for row, _ in found]),
        pages=Slice(number=page, total=found[0].total if found else 0),
        counts=queries.counts(session, challenge_id),
    )


def person_page(
    session: Session, *, actor: Actor, slug: str, person_id: str, now: datetime
) -> PersonPage:
    """Return one person of a challenge, for whoever organises it. Raises ``NotFoundError``."""
    visible = _look_up(session, actor, slug, now)
    challenge_id = visible.challenge.id
    row = session.get(
        Participation, (challenge_id, person_id), options=[joinedload(Participation.person)]
    )
    if row is None:
        row = _of_member(session, challenge_id, person_id)
    [person] = listed(session, challenge_id, [row])
    team_id = queries.team_names(session, challenge_id, [person_id]).get(person_id, ("", ""))[0]
    members = select(func.count()).where(Membership.team_id == team_id)
    submitted = select(func.count()).where(
        Submission.challenge_id == challenge_id,
        Submission.person_id == person_id,
        Submission.is_smoke.is_(False),
    )
    unfinished = (
        select(func.count(Submission.id.distinct()))
        .join(Evaluation, Evaluation.submission_id == Submission.id)
        .where(Submission.team_id == team_id, NOT_A_RERUN, Evaluation.state.not_in(_FINAL))
    )
    return PersonPage(
        frame=visible.frame,
        person=person,
        contact=row.contact,
        mates=max(0, (session.scalar(members) or 0) - 1),
        submissions=session.scalar(submitted) or 0,
        unfinished=session.scalar(unfinished) or 0,
        has_role=session.get(Organiser, (challenge_id, person_id)) is not None,
    )


def begin_export(session: Session, *, actor: Actor, slug: str, now: datetime) -> str:
    """Write down that the list of participants is downloaded; return the id of the challenge."""
    challenge = _find(session, actor, slug)
    audit_log.note(
        session,
        actor=actor,
        action=Action.PARTICIPANTS_EXPORTED,
        subject=Subject(kind="challenge", id=challenge.id),
        challenge_id=challenge.id,
        now=now,
    )
    return challenge.id


def next_exported(
    session: Session, *, actor: Actor, slug: str, after: str
) -> tuple[ListedPerson, ...]:
    """Return the next people after an account number, in the order of these; none at the end."""
    challenge = _find(session, actor, slug)
    found = queries.after(session, challenge.id, after, size=MAX_EXPORTED_AT_ONCE)
    logins = queries.newest_logins(session, [row.person_id for row, _ in found])
    return tuple(_listed(row, logins.get(row.person_id), team or "") for row, team in found)


def listed(
    session: Session, challenge_id: str, rows: Sequence[Participation]
) -> tuple[ListedPerson, ...]:
    """Return people with what their logins say and their teams, in two queries however many they are."""
    ids = [row.person_id for row in rows]
    logins = queries.newest_logins(session, ids)
    teams = queries.team_names(session, challenge_id, ids)
    return tuple(
        _listed(row, logins.get(row.person_id), teams.get(row.person_id, ("", ""))[1])
        for row in rows
    )


def _listed(row: Participation, account: Account | None, team: str) -> ListedPerson:
    return ListedPerson(
        person_id=row.person_id,
        name=name_of(row.person),
        login=login_says(account.issuer, account.claims) if account else LoginSays(),
        state=row.state,
        note=row.note,
        reason=row.reason if row.state.is_out else "",
        asked_at=row.asked_at,
        decided_at=row.decided_at,
        team=team,
    )


def _of_member(session: Session, challenge_id: str, person_id: str) -> Participation:
    """Return how somebody takes part who is in a team, and of whom nothing else is written."""
    member = session.scalar(
        select(Membership)
        .where(Membership.challenge_id == challenge_id, Membership.person_id == person_id)
        .options(joinedload(Membership.person))
    )
    if member is None:
        raise NotFoundError
    return Participation(
        challenge_id=challenge_id,
        person_id=person_id,
        person=member.person,
        state=ParticipationState.ADMITTED,
        note="",
        reason="",
        contact="",
        asked_at=member.joined_at,
    )


def _look_up(session: Session, actor: Actor, slug: str, now: datetime) -> Visible:
    visible = look_up(session, actor=actor, slug=slug, now=now)
    if not permissions.may_manage_participants(actor, visible.relation):
        raise NotFoundError
    return visible


def _find(session: Session, actor: Actor, slug: str) -> Challenge:
    found = access.find(session, actor, slug)
    if not permissions.may_manage_participants(actor, found.relation):
        raise NotFoundError
    return found.challenge
