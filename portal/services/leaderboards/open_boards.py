"""Which boards of a challenge somebody may see, and how."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from portal.db.tables import Board as BoardRow
from portal.domain import permissions
from portal.domain.accounts.people import Actor
from portal.domain.challenges.calendar import TimeWindow
from portal.domain.leaderboards.scores import Column, Rule
from portal.domain.leaderboards.standings import Board
from portal.domain.permissions import Audience
from portal.services.challenges.context import PhaseFacts, Visible
from portal.services.leaderboards.boards import as_board, as_columns, visible_columns

_WIDTHS = (
    Audience.HIDDEN,
    Audience.ORGANISERS,
    Audience.OWN,
    Audience.PARTICIPANTS,
    Audience.PUBLIC,
)
"""From the narrowest to the widest."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BoardFacts:
    """A board as somebody sees it who may."""

    slug: str
    title: str
    phases: tuple[PhaseFacts, ...]
    window: TimeWindow
    """From the begin of its first phase to the end of the last."""
    rule: Rule
    number: int
    """How many a team chooses, or of how many of the last the best counts."""
    is_mean_rank: bool
    needed: tuple[str, ...]
    """Titles of the columns that it ranks by."""
    otherwise: str
    """The title of what says which one is best where a team has chosen none."""
    audience: Audience
    reveal_at: datetime | None
    freeze_at: datetime | None
    anonymous_until: datetime | None
    ranks_organisers: bool
    compare: str
    is_hidden: bool
    """Whether only organisers see it yet."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenBoard:
    """A board that somebody may see, with what it takes to show it to them."""

    facts: BoardFacts
    rows_id: str
    """Whose standings are shown: its own, or those of the one that keeps it as of its freeze."""
    board: Board
    columns: tuple[Column, ...]
    """Those of it that they may see."""
    is_own_only: bool
    """Whether they see what stands for their own team, and nothing else."""
    is_anonymous: bool
    """Whether names of other teams are kept from them."""
    is_frozen: bool
    """Whether they see it as it was at its freeze."""


def open_boards(actor: Actor, visible: Visible, now: datetime) -> list[OpenBoard]:
    """Return the boards that the actor may see; the challenge has to be loaded with them.

    Before its reveal, and as long as a column that it ranks by is private, a board is for those who review: the
    order itself would tell the values.
    """
    challenge = visible.challenge
    rows = challenge.boards
    if not rows:
        return []
    columns = as_columns(challenge, rows[0].columns)
    frozen = {row.frozen_of: row for row in rows if row.frozen_of is not None}
    by_slug = {row.slug: row for row in rows}
    found = []
    for row in rows:
        if row.frozen_of is not None:
            continue
        board = as_board(challenge, row, columns, by_slug.get(row.compare))
        facts = _facts(row, board, by_slug.get(row.compare), visible, now)
        one = _opened(actor, visible, row, board, facts, frozen.get(row.id), now)
        if one is not None:
            found.append(one)
    return found


def _opened(
    actor: Actor,
    visible: Visible,
    row: BoardRow,
    board: Board,
    facts: BoardFacts,
    frozen: BoardRow | None,
    now: datetime,
) -> OpenBoard | None:
    reviews = visible.frame.may_review
    if not permissions.may_see_leaderboard(actor, visible.relation, facts.audience):
        return None
    if facts.is_hidden and not reviews:
        return None
    shown = [one for one in board.columns if not row.shown or one.key in row.shown]
    is_frozen = not reviews and frozen is not None and facts.freeze_at is not None
    return OpenBoard(
        facts=facts,
        rows_id=frozen.id if is_frozen and frozen else row.id,
        board=board,
        columns=tuple(visible_columns(shown, now=now, may_review=reviews)),
        is_own_only=facts.audience is Audience.OWN and not reviews,
        is_anonymous=_is_anonymous(facts, now) and not reviews,
        is_frozen=is_frozen and facts.freeze_at is not None and now >= facts.freeze_at,
    )


def _is_anonymous(facts: BoardFacts, now: datetime) -> bool:
    return facts.anonymous_until is not None and now < facts.anonymous_until


def _facts(
    row: BoardRow, board: Board, compared: BoardRow | None, visible: Visible, now: datetime
) -> BoardFacts:
    phases = tuple(phase for phase in visible.frame.phases if phase.slug in row.phases)
    titles = {column.key: column.title for column in board.columns}
    by_key = {column.key: column for column in board.columns}
    ranks_by, otherwise = board.ranks_by, board.otherwise or board.ranks_by
    is_private = any(not by_key[key].is_open(now) for key in ranks_by.keys)
    return BoardFacts(
        slug=row.slug,
        title=row.title,
        phases=phases,
        window=TimeWindow(
            starts_at=min(phase.window.starts_at for phase in phases),
            ends_at=max(phase.window.ends_at for phase in phases),
        ),
        rule=board.rule,
        number=row.number,
        is_mean_rank=ranks_by.is_mean_rank,
        needed=tuple(titles[key] for key in ranks_by.keys),
        otherwise=titles[otherwise.lead] + (f" on {compared.title}" if compared else ""),
        audience=audience_of(row, [phase.leaderboard for phase in phases]),
        reveal_at=row.reveal_at,
        freeze_at=row.freeze_at,
        anonymous_until=row.anonymous_until,
        ranks_organisers=row.ranks_organisers,
        compare=row.compare,
        is_hidden=is_private or (row.reveal_at is not None and now < row.reveal_at),
    )


def audience_of(row: BoardRow, phases: Sequence[Audience]) -> Audience:
    """Return for whom a board is: what it says itself, and else the narrowest of its phases."""
    return row.audience or min(phases, key=_WIDTHS.index)
