"""What pages and API answers show of the revisions of a challenge."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from portal.db.tables import Challenge, ChallengeRevision, Person
from portal.domain import permissions
from portal.domain.accounts.people import Actor
from portal.domain.challenges.revisions import (
    SETTINGS,
    FileChange,
    Origin,
    RevisionState,
    file_changes,
    text_changes,
)
from portal.domain.errors import NotFoundError
from portal.domain.pagination import PAGE_SIZE, Slice
from portal.services.challenges import access
from portal.services.challenges.bundles import announced_dates, consequences, revisions
from portal.services.challenges.bundles.revisions import RevisionContent
from portal.services.challenges.context import Frame, Visible, look_up

NOTHING = RevisionContent(settings="", files={})


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedRevision:
    """A line in the list of revisions."""

    number: int
    state: RevisionState
    changes: tuple[str, ...]
    message: str
    origin: Origin
    made_by: str
    """The name of whoever made it; empty: an operator."""
    made_at: datetime
    applied_at: datetime | None
    base_number: int | None
    needs: tuple[str, ...]
    """What of it the site has to approve."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RevisionList:
    """A page of the revisions of a challenge, the newest first."""

    frame: Frame
    rows: tuple[ListedRevision, ...]
    pages: Slice
    held: int | None
    """The one that holds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RevisionPage:
    """One revision, how it differs from what it was made of, and what can become of it."""

    frame: Frame
    revision: ListedRevision
    held: int | None
    settings: tuple[str, ...]
    """The lines of a unified difference of ``challenge.yaml``."""
    files: tuple[FileChange, ...]
    texts: frozenset[str]
    """Those of the files that are texts, whose difference can be shown."""
    consequences: tuple[str, ...]
    """What applying it does to phases, submissions and boards."""
    has_new_dates: bool
    """Whether it holds, and has changed dates that whoever looks can announce."""

    @property
    def is_stale(self) -> bool:
        """Whether another revision holds by now than the one that it was made of."""
        return self.revision.state.is_open and self.revision.base_number != self.held

    @property
    def can_be_applied(self) -> bool:
        """Whether organisers can apply it themselves."""
        return self.revision.state.is_open and not self.is_stale and not self.revision.needs

    @property
    def can_be_proposed_again(self) -> bool:
        """Whether it is an earlier one, or one that can no longer be applied, whose files are kept."""
        is_earlier = (
            self.revision.state is RevisionState.APPLIED and self.revision.number != self.held
        )
        return is_earlier or self.is_stale


def revision_list(
    session: Session, *, actor: Actor, slug: str, page: int, now: datetime
) -> RevisionList:
    """Return a page of the revisions; for whoever works for the challenge. Raises ``NotFoundError``."""
    visible = _visible(session, actor, slug, now)
    mine = ChallengeRevision.challenge_id == visible.challenge.id
    total = session.scalar(select(func.count()).select_from(ChallengeRevision).where(mine)) or 0
    pages = Slice(number=page, total=total)
    if page > pages.pages:
        raise NotFoundError
    rows = session.execute(
        select(ChallengeRevision, Person)
        .outerjoin(Person, Person.id == ChallengeRevision.made_by)
        .where(mine)
        .order_by(ChallengeRevision.number.desc())
        .offset(pages.first - 1)
        .limit(PAGE_SIZE)
    )
    held = revisions.current(session, visible.challenge.id)
    return RevisionList(
        frame=visible.frame,
        rows=tuple(_listed(row, person) for row, person in rows),
        pages=pages,
        held=held.number if held else None,
    )


def revision_page(
    session: Session, *, actor: Actor, slug: str, number: int, now: datetime
) -> RevisionPage:
    """Return one revision, and what it changes. Raises ``NotFoundError``."""
    visible = _visible(session, actor, slug, now)
    row = revisions.find(session, slug, number)
    person = session.get(Person, row.made_by) if row.made_by else None
    held = revisions.current(session, visible.challenge.id)
    before = (
        revisions.content_of(session, revisions.find(session, slug, row.base_number))
        if row.base_number is not None
        else NOTHING
    )
    after = revisions.content_of(session, row)
    is_dropped = row.state is RevisionState.DROPPED
    return RevisionPage(
        frame=visible.frame,
        revision=_listed(row, person),
        held=held.number if held else None,
        settings=text_changes(before.settings, after.settings, SETTINGS),
        files=() if is_dropped else file_changes(before.files, after.files),
        texts=consequences.texts_of(before, after),
        consequences=consequences.of_change(
            session, visible.challenge, before.settings, after, before.files, now=now
        )
        if row.state.is_open
        else (),
        has_new_dates=held is not None
        and row.id == held.id
        and permissions.may_announce(actor, visible.relation)
        and announced_dates.draft(session, actor=actor, slug=slug, number=number, now=now)
        is not None,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class EditableFile:
    """A file of the revision that holds."""

    path: str
    size: int | None
    """Bytes; None for ``challenge.yaml``, which is a text of its own."""
    is_text: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangePage:
    """What there is to change."""

    frame: Frame
    held: int
    files: tuple[EditableFile, ...]
    content: RevisionContent


def change_page(session: Session, *, actor: Actor, slug: str, now: datetime) -> ChangePage:
    """Return what a challenge consists of, for whoever may propose something else. Raises ``NotFoundError``, and ``NotAllowedError`` for an archive."""
    visible = _visible(session, actor, slug, now)
    if not permissions.may_organise(actor, visible.relation):
        raise NotFoundError
    access.check_may_change(visible.relation)
    held = revisions.find(session, slug)
    content = revisions.content_of(session, held)
    texts = consequences.texts_of(NOTHING, content)
    return ChangePage(
        frame=visible.frame,
        held=held.number,
        files=(
            EditableFile(path=SETTINGS, size=None, is_text=True),
            *(
                EditableFile(path=path, size=file.size, is_text=path in texts)
                for path, file in sorted(content.files.items())
            ),
        ),
        content=content,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class WaitingRevision:
    """A proposal for which its organisers wait for the site."""

    slug: str
    title: str
    number: int
    since: datetime
    needs: tuple[str, ...]


def in_review(session: Session, *, actor: Actor) -> tuple[WaitingRevision, ...]:
    """List the proposals that the site is asked to approve, the oldest first; for staff."""
    if not permissions.may_see_staff_pages(actor):
        raise NotFoundError
    rows = session.execute(
        select(ChallengeRevision, Challenge.slug, Challenge.title)
        .join(Challenge, Challenge.id == ChallengeRevision.challenge_id)
        .where(ChallengeRevision.state == RevisionState.IN_REVIEW)
        .order_by(ChallengeRevision.made_at, ChallengeRevision.id)
        .limit(PAGE_SIZE)
    )
    return tuple(
        WaitingRevision(
            slug=slug,
            title=title,
            number=row.number,
            since=row.made_at,
            needs=tuple(row.needs),
        )
        for row, slug, title in rows
    )


def _visible(session: Session, actor: Actor, slug: str, now: datetime) -> Visible:
    visible = look_up(session, actor=actor, slug=slug, now=now)
    if not permissions.may_review(actor, visible.relation):
        raise NotFoundError
    return visible


def _listed(row: ChallengeRevision, person: Person | None) -> ListedRevision:
    return ListedRevision(
        number=row.number,
        state=row.state,
        changes=tuple(row.changes),
        message=row.message,
        origin=row.origin,
        made_by=person.names.own if person else "",
        made_at=row.made_at,
        applied_at=row.applied_at,
        base_number=row.base_number,
        needs=tuple(row.needs),
    )
