"""What was announced in a challenge, as its pages, its feed and programs show it."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import Session, joinedload

from portal.db.tables import Announcement
from portal.domain import permissions
from portal.domain.accounts.people import VISITOR, Actor
from portal.domain.challenges.announcements import PAGE_SIZE
from portal.domain.errors import NotFoundError
from portal.domain.pagination import Slice
from portal.services.challenges import access
from portal.services.challenges.context import Frame, Visible, look_up

MAX_FEED_ENTRIES = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class NewsItem:
    """One announcement."""

    id: str
    title: str
    text: str
    by: str
    """What its author is called in public."""
    made_at: datetime
    edited_at: datetime | None
    is_withdrawn: bool

    @property
    def updated_at(self) -> datetime:
        """Return when it became what it is."""
        return self.edited_at or self.made_at


@dataclass(frozen=True, slots=True, kw_only=True)
class NewsPage:
    """A page of the announcements, the newest first."""

    frame: Frame
    items: tuple[NewsItem, ...]
    pages: Slice
    has_feed: bool
    """Whether everybody sees the challenge, so that it has a feed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AnnouncementPage:
    """One announcement by itself."""

    frame: Frame
    item: NewsItem


@dataclass(frozen=True, slots=True, kw_only=True)
class AnnouncementForm:
    """Where something is announced, or ``item`` is corrected."""

    frame: Frame
    item: NewsItem | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Feed:
    """The newest announcements of a challenge that everybody sees."""

    slug: str
    title: str
    challenge_id: str
    updated_at: datetime
    items: tuple[NewsItem, ...]


def news_page(session: Session, *, actor: Actor, slug: str, page: int, now: datetime) -> NewsPage:
    """Return a page of the announcements; organisers also see those that were taken down."""
    visible = look_up(session, actor=actor, slug=slug, now=now)
    shown = _shown(visible)
    total = session.scalar(select(func.count()).select_from(Announcement).where(*shown)) or 0
    pages = Slice(number=page, total=total, size=PAGE_SIZE)
    if page > pages.pages:
        raise NotFoundError
    return NewsPage(
        frame=visible.frame,
        items=_items(session, shown, offset=pages.first - 1, limit=PAGE_SIZE),
        pages=pages,
        has_feed=visible.relation.published,
    )


def announcement(
    session: Session, *, actor: Actor, slug: str, announcement_id: str, now: datetime
) -> AnnouncementPage:
    """Return one announcement. Raises ``NotFoundError``."""
    visible = look_up(session, actor=actor, slug=slug, now=now)
    return AnnouncementPage(frame=visible.frame, item=_item(session, visible, announcement_id))


def form(
    session: Session, *, actor: Actor, slug: str, announcement_id: str | None, now: datetime
) -> AnnouncementForm:
    """Return where an organiser announces something, or corrects it. Raises ``NotFoundError``."""
    visible = look_up(session, actor=actor, slug=slug, now=now)
    if not permissions.may_announce(actor, visible.relation):
        raise NotFoundError
    return AnnouncementForm(
        frame=visible.frame,
        item=_item(session, visible, announcement_id) if announcement_id else None,
    )


def feed(session: Session, *, slug: str) -> Feed:
    """Return what everybody may read. Raises ``NotFoundError`` for a challenge that not everybody sees."""
    challenge = access.find(session, VISITOR, slug).challenge
    shown = (Announcement.challenge_id == challenge.id, Announcement.withdrawn_at.is_(None))
    items = _items(session, shown, limit=MAX_FEED_ENTRIES)
    return Feed(
        slug=challenge.slug,
        title=challenge.title,
        challenge_id=challenge.id,
        updated_at=max((item.updated_at for item in items), default=challenge.created_at),
        items=items,
    )


def _shown(visible: Visible) -> tuple[ColumnElement[bool], ...]:
    here = Announcement.challenge_id == visible.challenge.id
    if visible.frame.may_organise:
        return (here,)
    return (here, Announcement.withdrawn_at.is_(None))


def _item(session: Session, visible: Visible, announcement_id: str) -> NewsItem:
    found = _items(session, (*_shown(visible), Announcement.id == announcement_id), limit=1)
    if not found:
        raise NotFoundError
    return found[0]


def _items(
    session: Session, shown: tuple[ColumnElement[bool], ...], *, offset: int = 0, limit: int
) -> tuple[NewsItem, ...]:
    rows = session.scalars(
        select(Announcement)
        .where(*shown)
        .options(joinedload(Announcement.author))
        .order_by(Announcement.made_at.desc(), Announcement.id.desc())
        .offset(offset)
        .limit(limit)
    )
    return tuple(
        NewsItem(
            id=row.id,
            title=row.title,
            text=row.markdown,
            by=row.author.names.public,
            made_at=row.made_at,
            edited_at=row.edited_at,
            is_withdrawn=row.withdrawn_at is not None,
        )
        for row in rows
    )
