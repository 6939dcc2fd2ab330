"""The audit log as staff read it: with names as they are now, and every look written into it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy.orm import Session

from portal.db.queries import audit as queries
from portal.db.queries.audit import OPERATOR, Wanted
from portal.db.tables import AuditEntry, Person
from portal.domain import permissions
from portal.domain.accounts.people import Actor, ActorKind
from portal.domain.audit import Action, Subject
from portal.domain.errors import NotFoundError
from portal.domain.pagination import PAGE_SIZE, Slice
from portal.services.audit import log as audit_log
from portal.services.site.views import name_of

LOOK_LASTS = timedelta(hours=12)
"""So long somebody may turn the pages of what they have looked at without another entry."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Thing:
    """Whom or what an entry is about, and what it is called now; a name may be unknown."""

    kind: str
    id: str
    name: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class EntryFacts:
    """An entry with the names that its ids stand for now."""

    number: int
    at: datetime
    actor_kind: ActorKind
    actor: Thing | None
    action: Action
    subject: Thing
    challenge: Thing | None
    """Its id is the slug, for the address of its page."""
    detail: Mapping[str, Any]
    origin: str | None
    """None: it was erased."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LogPage:
    """A page of the log, the newest entry first."""

    rows: tuple[EntryFacts, ...]
    pages: Slice
    last: int
    """The newest entry when the first page was looked at: later pages go on from there."""
    challenges: tuple[tuple[str, str], ...]
    """Slug and title of every challenge, to choose from."""


def log_page(
    session: Session, *, actor: Actor, wanted: Wanted, page: int, last: int | None, now: datetime
) -> LogPage:
    """Return a page of the entries that are wanted, and write down the look.

    Turning to another page of the same entries is the same look.
    """
    _check(actor)
    last = queries.last_number(session) if last is None else last
    note_look(session, actor, wanted, now, turns=page > 1)
    rows = queries.newest(session, wanted, last, offset=(page - 1) * PAGE_SIZE, size=PAGE_SIZE)
    if page > 1 and not rows:
        raise NotFoundError
    challenges = queries.challenges(session)
    return LogPage(
        rows=facts(session, rows, challenges),
        pages=Slice(number=page, total=queries.count(session, wanted, last)),
        last=last,
        challenges=tuple(challenges.values()),
    )


def begin_download(session: Session, *, actor: Actor, wanted: Wanted, now: datetime) -> int:
    """Write down that the wanted entries are downloaded; return the number of the last of all."""
    _check(actor)
    last = queries.last_number(session)
    note_look(session, actor, wanted, now, downloads=True)
    return last


def next_lines(
    session: Session, *, actor: Actor, wanted: Wanted, after: int, last: int
) -> list[dict[str, Any]]:
    """Return the next entries of a download as plain values, the oldest first; none at its end."""
    _check(actor)
    return [
        audit_log.as_plain(row)
        | {"origin": row.origin, "previous_sha256": row.previous_sha256, "sha256": row.sha256}
        for row in queries.oldest_after(session, wanted, after=after, last=last)
    ]


def _check(actor: Actor) -> None:
    if not permissions.may_see_staff_pages(actor):
        raise NotFoundError


def note_look(
    session: Session,
    actor: Actor,
    wanted: Wanted,
    now: datetime,
    *,
    turns: bool = False,
    downloads: bool = False,
    challenge_id: str | None = None,
) -> None:
    """Write down that somebody looks at entries; turning the pages of one look is written down once."""
    detail = _without_names(session, wanted) | ({"download": True} if downloads else {})
    if turns:
        look = queries.last_look(session, str(actor.person_id))
        if look is not None and look.detail == detail and now - look.at < LOOK_LASTS:
            return
    audit_log.note(
        session,
        actor=actor,
        action=Action.LOG_LOOKED_AT,
        subject=Subject(kind="audit", id="log"),
        challenge_id=challenge_id,
        now=now,
        **detail,
    )


def _without_names(session: Session, wanted: Wanted) -> dict[str, Any]:
    """Return what was asked for, as it may be kept for ever."""
    is_number = wanted.who and queries.people_by_id(session, [wanted.who])
    values = {
        "who": wanted.who if is_number or wanted.who in {"", OPERATOR} else "by name",
        "what": wanted.what,
        "challenge": wanted.challenge,
        "kind": wanted.kind,
        "id": wanted.id,
        "since": _day(wanted.since),
        "before": _day(wanted.before),
    }
    return {name: value for name, value in values.items() if value}


def _day(moment: datetime | None) -> str:
    return "" if moment is None else moment.astimezone(UTC).date().isoformat()


def facts(
    session: Session, rows: Sequence[AuditEntry], challenges: Mapping[str, tuple[str, str]]
) -> tuple[EntryFacts, ...]:
    """Return entries with the names that their ids stand for now. Two queries."""
    people = queries.people_by_id(session, _ids(rows, "person"))
    teams = queries.team_names(session, _ids(rows, "team"))
    return tuple(_entry(row, people, teams, challenges) for row in rows)


def _ids(rows: Sequence[AuditEntry], kind: str) -> set[str]:
    found = {row.subject_id for row in rows if row.subject_kind == kind}
    return found | {row.actor_id for row in rows if row.actor_id and kind == "person"}


def _entry(
    row: AuditEntry,
    people: Mapping[str, Person],
    teams: Mapping[str, str],
    challenges: Mapping[str, tuple[str, str]],
) -> EntryFacts:
    def person(person_id: str) -> Thing:
        known = people.get(person_id)
        return Thing(kind="person", id=person_id, name=name_of(known) if known else "")

    def subject() -> Thing:
        kind, subject_id = row.subject_kind, row.subject_id
        if kind == "person":
            return person(subject_id)
        if kind == "challenge" and subject_id in challenges:
            return _challenge(challenges[subject_id])
        name = teams.get(subject_id, "") if kind == "team" else ""
        return Thing(kind=kind, id=subject_id, name=name)

    known = challenges.get(row.challenge_id or "")
    return EntryFacts(
        number=row.number,
        at=row.at,
        actor_kind=row.actor_kind,
        actor=person(row.actor_id) if row.actor_id else None,
        action=row.action,
        subject=subject(),
        challenge=_challenge(known) if known else None,
        detail=row.detail,
        origin=row.origin,
    )


def _challenge(known: tuple[str, str]) -> Thing:
    slug, title = known
    return Thing(kind="challenge", id=slug, name=title)
