"""Lists of who takes part in a challenge, for those who organise it."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from portal.db.queries.teams import participation_lists as queries
from portal.domain.accounts.people import Actor
from portal.domain.errors import NotFoundError
from portal.domain.pagination import PAGE_SIZE, Slice
from portal.domain.teams.membership_rules import ParticipationState
from portal.services.challenges.context import look_up


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedPerson:
    """Somebody who takes part, wants to, or was declined."""

    person_id: str
    name: str
    state: ParticipationState
    note: str
    """What they wrote when they asked."""
    asked_at: datetime
    decided_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ParticipationList:
    """A page of people."""

    rows: tuple[ListedPerson, ...]
    pages: Slice


def participation_list(
    session: Session,
    *,
    actor: Actor,
    slug: str,
    state: ParticipationState | None,
    page: int,
    now: datetime,
) -> ParticipationList:
    """List those in a state, or all; raise ``NotFoundError`` for whoever does not organise it."""
    visible = look_up(session, actor=actor, slug=slug, now=now)
    if not visible.frame.may_organise:
        raise NotFoundError
    found = queries.page_of(
        session,
        visible.challenge.id,
        state=state,
        offset=(page - 1) * PAGE_SIZE,
        size=PAGE_SIZE,
    )
    if page > 1 and not found:
        raise NotFoundError
    return ParticipationList(
        rows=tuple(
            ListedPerson(
                person_id=row.person_id,
                name=row.person.names.own,
                state=row.state,
                note=row.note,
                asked_at=row.asked_at,
                decided_at=row.decided_at,
            )
            for row, _ in found
        ),
        pages=Slice(number=page, total=found[0].total if found else 0),
    )
