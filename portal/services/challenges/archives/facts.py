"""Collecting what everybody sees of a challenge. Whoever asks for it, it is what a visitor sees."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from portal.db.queries.challenges import challenge_pages as queries
from portal.db.queries.challenges import dry_runs
from portal.domain import permissions, untrusted
from portal.domain.accounts.people import VISITOR, Actor
from portal.domain.audit import Action, Subject
from portal.domain.challenges.crates import Board as CrateBoard
from portal.domain.challenges.crates import CrateFacts, Place
from portal.domain.challenges.dry_runs import TrialRole, Verdict
from portal.domain.errors import NotFoundError
from portal.domain.leaderboards.scores import Column
from portal.services.audit import log as audit_log
from portal.services.challenges import files, news
from portal.services.challenges.citation import Citation, citation
from portal.services.challenges.context import Frame, Visible, look_up
from portal.services.challenges.dry_runs.report import report_of
from portal.services.challenges.dry_runs.subject import subject_of
from portal.services.challenges.news import NewsItem
from portal.services.leaderboards.open_boards import BoardFacts
from portal.services.leaderboards.views import Leaderboard, Row, leaderboard

ROWS_AT_ONCE = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class ArchivedPage:
    """A text of the organisers, in Markdown."""

    slug: str
    title: str
    text: str
    folder: str
    """Where its file lies in the bundle; its pictures are relative to that."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ArchivedBoard:
    """A leaderboard as everybody sees it now: no column that is still private."""

    facts: BoardFacts
    columns: tuple[Column, ...]
    rows: tuple[Row, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ArchivedDryRun:
    """How the challenge was tried before it opened, without what only its organisers may know."""

    made_at: datetime
    baselines: int
    samples: int
    cheats: tuple[tuple[str, str, Verdict], ...]
    """The portal's own: name, what it tries, and whether it gained nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ArchiveFacts:
    """A challenge as a visitor sees it at a moment."""

    frame: Frame
    pages: tuple[ArchivedPage, ...]
    terms: str
    terms_folder: str
    pictures: Mapping[str, str]
    """Digests of the pictures that everybody sees, by their path as the database has it."""
    boards: tuple[ArchivedBoard, ...]
    main_board: str
    """The board that is shown first; empty where none is shown."""
    news: tuple[NewsItem, ...]
    """The newest first, without those that were taken down."""
    citation: Citation
    dry_run: ArchivedDryRun | None
    taken_at: datetime


def facts_of(session: Session, *, actor: Actor, slug: str, now: datetime) -> ArchiveFacts:
    """Return what everybody sees of a challenge; for operators, and written down in the audit log.

    Raises ``NotFoundError`` for a challenge that not everybody sees, and ``UntrustedValueError`` for a board whose name
    is none.
    """
    if not permissions.may_operate(actor):
        raise NotFoundError
    visible = look_up(session, actor=VISITOR, slug=slug, now=now)
    first = leaderboard(session, actor=VISITOR, slug=slug, page=1, now=now)
    audit_log.note(
        session,
        actor=actor,
        action=Action.EVIDENCE_EXPORTED,
        subject=Subject(kind="challenge", id=slug),
        challenge_id=visible.challenge.id,
        now=now,
        form="pages",
    )
    return ArchiveFacts(
        frame=visible.frame,
        pages=tuple(_pages(session, visible)),
        terms=visible.challenge.terms,
        terms_folder=visible.challenge.terms_folder,
        pictures=_pictures(session, visible),
        boards=tuple(_boards(session, first, now)),
        main_board=first.board.slug if first.board else "",
        news=tuple(_news(session, slug, now)),
        citation=citation(session, actor=VISITOR, slug=slug, now=now),
        dry_run=_dry_run(session, visible),
        taken_at=now,
    )


def as_crate(facts: ArchiveFacts) -> CrateFacts:
    """Return the same for a crate: no results, as those hold exact scores, and no submissions."""
    columns = {column.key: column for board in facts.boards for column in board.columns}
    return CrateFacts(
        slug=facts.frame.slug,
        title=facts.frame.title,
        terms=facts.terms,
        pages={f"page-{number}": page.text for number, page in enumerate(facts.pages, start=1)},
        columns=tuple(
            {
                "key": column.key,
                "title": column.title,
                "sort": column.sort.value,
                "precision": column.precision,
            }
            for column in columns.values()
        ),
        boards=tuple(map(_crate_board, facts.boards)),
        results=(),
    )


def _crate_board(board: ArchivedBoard) -> CrateBoard:
    return CrateBoard(
        phase=board.facts.slug,
        title=board.facts.title,
        starts_at=board.facts.window.starts_at,
        ends_at=board.facts.window.ends_at,
        places=tuple(
            Place(
                rank=row.rank,
                team=row.team,
                submission="",
                scores=row.scores,
                achieved_at=row.achieved_at,
            )
            for row in board.rows
        ),
    )


def _pages(session: Session, visible: Visible) -> Iterator[ArchivedPage]:
    for tab in visible.frame.tabs:
        row = queries.page_text(session, visible.challenge.id, tab.slug)
        if row is not None:
            yield ArchivedPage(slug=row.slug, title=row.title, text=row.markdown, folder=row.folder)


def _pictures(session: Session, visible: Visible) -> Mapping[str, str]:
    return {
        path: untrusted.sha256(sha256, "pictures.blob_sha256")
        for path, sha256 in files.public_pictures(session, visible.challenge.id)
    }


def _boards(session: Session, first: Leaderboard, now: datetime) -> Iterator[ArchivedBoard]:
    """Yield the boards that everybody sees, all of each."""
    for board in first.boards:
        # It becomes the name of a file, and the web account can write what it wants there.
        untrusted.slug(board.slug, "boards.slug")
        rows: list[Row] = []
        number = pages = 1
        while number <= pages:
            part = leaderboard(
                session,
                actor=VISITOR,
                slug=first.frame.slug,
                board_slug=board.slug,
                page=number,
                size=ROWS_AT_ONCE,
                now=now,
            )
            rows += part.rows
            number, pages = number + 1, part.pages.pages
        yield ArchivedBoard(facts=board, columns=part.columns, rows=tuple(rows))


def _news(session: Session, slug: str, now: datetime) -> Iterator[NewsItem]:
    number = pages = 1
    while number <= pages:
        part = news.news_page(session, actor=VISITOR, slug=slug, page=number, now=now)
        yield from part.items
        number, pages = number + 1, part.pages.pages


def _dry_run(session: Session, visible: Visible) -> ArchivedDryRun | None:
    row = dry_runs.find(session, visible.challenge.id)
    if row is None:
        return None
    report = report_of(session, visible.challenge, row, subject_of(session, visible.challenge))
    if report.pending:
        return None
    roles = [one.role for one in report.rows]
    return ArchivedDryRun(
        made_at=report.started_at,
        baselines=roles.count(TrialRole.BASELINE),
        samples=roles.count(TrialRole.SAMPLE),
        cheats=tuple(
            (one.name, one.about, one.finding.verdict)
            for one in report.rows
            if one.role is TrialRole.ATTACK
        ),
    )
