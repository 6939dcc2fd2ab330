"""What is kept, until when and by which rule, and what has gone: for staff and for organisers."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from portal.db.queries.site import retention as queries
from portal.db.tables import Deletion
from portal.domain import permissions
from portal.domain.accounts.people import Actor
from portal.domain.errors import NotFoundError
from portal.domain.pagination import PAGE_SIZE, Slice
from portal.domain.retention import ArtifactKind, Policy
from portal.services.challenges.context import Frame, look_up


@dataclass(frozen=True, slots=True, kw_only=True)
class Upcoming:
    """A kind of one challenge that is still there."""

    slug: str
    challenge: str
    kind: ArtifactKind
    rule: str
    due_at: datetime | None
    """None: it is kept for ever."""
    number: int
    size: int
    """Bytes; 0 for what runs left, which is not measured before."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Gone:
    """Something that was deleted."""

    kind: ArtifactKind
    subject: str
    sha256: str
    size: int
    policy: str
    done_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class RetentionPage:
    """What goes next, and a page of what has gone."""

    frame: Frame | None
    """None on the staff's page, which is about all challenges."""
    upcoming: tuple[Upcoming, ...]
    gone: tuple[Gone, ...]
    pages: Slice


def staff_page(session: Session, *, actor: Actor, policy: Policy, page: int) -> RetentionPage:
    """Return what goes next and has gone on the whole site; ``NotFoundError`` for all but staff."""
    if not permissions.may_see_staff_pages(actor):
        raise NotFoundError
    return _page(session, None, None, policy, page)


def challenge_page(
    session: Session, *, actor: Actor, slug: str, policy: Policy, page: int, now: datetime
) -> RetentionPage:
    """Return the same of one challenge, for those who may review it."""
    visible = look_up(session, actor=actor, slug=slug, now=now)
    if not visible.frame.may_review:
        raise NotFoundError
    return _page(session, visible.frame, visible.challenge.id, policy, page)


def _page(
    session: Session, frame: Frame | None, challenge_id: str | None, policy: Policy, page: int
) -> RetentionPage:
    found = queries.deletions(
        session, challenge_id=challenge_id, offset=(page - 1) * PAGE_SIZE, size=PAGE_SIZE
    )
    if page > 1 and not found:
        raise NotFoundError
    return RetentionPage(
        frame=frame,
        upcoming=tuple(_upcoming(session, challenge_id, policy)),
        gone=tuple(_gone(row) for row, _ in found),
        pages=Slice(number=page, total=found[0][1] if found else 0),
    )


def _upcoming(session: Session, challenge_id: str | None, policy: Policy) -> Sequence[Upcoming]:
    held = {
        (kind, row.challenge_id): row
        for kind in ArtifactKind
        for row in queries.held(session, kind)
    }
    rows = []
    for challenge, ended_at in queries.ends(session):
        if challenge_id not in {None, challenge.id}:
            continue
        for kind in ArtifactKind:
            there = held.get((kind, challenge.id))
            period = policy.period(kind, challenge.retention)
            if there is None and challenge_id is None:
                continue
            rows.append(
                Upcoming(
                    slug=challenge.slug,
                    challenge=challenge.title,
                    kind=kind,
                    rule=period.in_words(kind).partition(": ")[2],
                    due_at=period.due_at(ended_at),
                    number=there.number if there else 0,
                    size=there.size if there else 0,
                )
            )
    return sorted(rows, key=lambda row: (row.due_at is None, row.due_at or 0, row.slug, row.kind))


def _gone(row: Deletion) -> Gone:
    return Gone(
        kind=row.kind,
        subject=row.subject,
        sha256=row.sha256,
        size=row.size,
        policy=row.policy,
        done_at=row.done_at or row.intended_at,
    )
