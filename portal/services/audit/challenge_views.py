"""A challenge's part of the audit log, as its organisers read it: without origins, staff's names and other challenges."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy.orm import Session

from portal.db.queries import audit as queries
from portal.db.queries.audit import OfChallenge, Wanted
from portal.db.tables import AuditEntry, Challenge
from portal.domain import permissions
from portal.domain.accounts.people import Actor
from portal.domain.audit import ORGANISERS_READ
from portal.domain.errors import NotFoundError
from portal.domain.pagination import PAGE_SIZE, Slice
from portal.services.audit import views
from portal.services.audit.views import EntryFacts, Thing
from portal.services.challenges import access
from portal.services.challenges.context import Frame, look_up

STAFF = Thing(kind="person", id="", name="Site staff")
"""What is said of staff who have no part in the challenge."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChallengeLog:
    """A page of entries, the newest first."""

    frame: Frame
    rows: tuple[EntryFacts, ...]
    pages: Slice


def log_page(
    session: Session, *, actor: Actor, slug: str, wanted: OfChallenge, page: int, now: datetime
) -> ChallengeLog:
    """Return a page of the entries that are wanted, and write down the look. Raises ``NotFoundError``.

    Turning to another page of the same entries is the same look.
    """
    visible = look_up(session, actor=actor, slug=slug, now=now)
    if not permissions.may_read_log(actor, visible.relation):
        raise NotFoundError
    challenge = visible.challenge
    rows = queries.of_challenge(
        session, challenge.id, wanted, offset=(page - 1) * PAGE_SIZE, size=PAGE_SIZE
    )
    if page > 1 and not rows:
        raise NotFoundError
    _note_look(session, actor, challenge, wanted, now, turns=page > 1)
    return ChallengeLog(
        frame=visible.frame,
        rows=_shown(session, challenge, rows),
        pages=Slice(number=page, total=queries.count_of_challenge(session, challenge.id, wanted)),
    )


def begin_download(
    session: Session, *, actor: Actor, slug: str, wanted: OfChallenge, now: datetime
) -> None:
    """Write down that the wanted entries are downloaded. Raises ``NotFoundError``."""
    challenge = _find(session, actor, slug)
    _note_look(session, actor, challenge, wanted, now, downloads=True)


def next_entries(
    session: Session, *, actor: Actor, slug: str, wanted: OfChallenge, after: int
) -> tuple[tuple[EntryFacts, ...], int]:
    """Return the next entries of a download, the oldest first, and after which to go on; none at its end."""
    challenge = _find(session, actor, slug)
    rows = queries.next_of_challenge(session, challenge.id, wanted, after=after)
    return _shown(session, challenge, rows), rows[-1].number if rows else after


def _find(session: Session, actor: Actor, slug: str) -> Challenge:
    found = access.find(session, actor, slug)
    if not permissions.may_read_log(actor, found.relation):
        raise NotFoundError
    return found.challenge


def _shown(
    session: Session, challenge: Challenge, rows: Sequence[AuditEntry]
) -> tuple[EntryFacts, ...]:
    known = {challenge.id: (challenge.slug, challenge.title)}
    actors = {row.actor_id for row in rows if row.actor_id}
    staff = queries.staff_outside(session, challenge.id, actors)
    return tuple(_without(entry, staff) for entry in views.facts(session, rows, known))


def _without(entry: EntryFacts, staff: set[str]) -> EntryFacts:
    """Leave out what is not for organisers."""
    details = ORGANISERS_READ[entry.action]
    is_staff = entry.actor is not None and entry.actor.id in staff
    return replace(
        entry,
        # Numbers count the entries of all challenges.
        number=0,
        origin=None,
        actor=STAFF if is_staff else entry.actor,
        detail={name: value for name, value in entry.detail.items() if name in details},
    )


def _note_look(
    session: Session,
    actor: Actor,
    challenge: Challenge,
    wanted: OfChallenge,
    now: datetime,
    *,
    turns: bool = False,
    downloads: bool = False,
) -> None:
    views.note_look(
        session,
        actor,
        Wanted(
            who=wanted.who,
            what=wanted.what,
            challenge=challenge.slug,
            since=wanted.since,
            before=wanted.before,
        ),
        now,
        turns=turns,
        downloads=downloads,
        challenge_id=challenge.id,
    )
