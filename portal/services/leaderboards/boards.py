"""The boards of a challenge as rules: what each ranks by, and which submission of a team counts there."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from portal.db.tables import Board as BoardRow
from portal.db.tables import Challenge, Column, Phase, Standing, Submission
from portal.domain.leaderboards import scores
from portal.domain.leaderboards.formulas import formula_from
from portal.domain.leaderboards.ladders import Ladder
from portal.domain.leaderboards.ranking import Entry, ranking_from
from portal.domain.leaderboards.standings import Board


@dataclass(frozen=True, slots=True, kw_only=True)
class BoardRules:
    """A board, and what is on it."""

    id: str
    slug: str
    title: str
    phases: frozenset[str]
    """Slugs."""
    board: Board
    picks_of: str
    """The board whose choices count: of one that keeps another as of its freeze, that one."""
    ranks_organisers: bool
    frozen_of: str | None
    freeze_at: datetime | None

    @property
    def is_incremental(self) -> bool:
        """Whether a new result of an unmarked team is one step."""
        return self.board.is_incremental and self.ranks_organisers and self.frozen_of is None

    def holds(self, scored_at: datetime | None) -> bool:
        """Whether a result that is of this time is on it: one that keeps another as of its freeze has older ones only."""
        if self.frozen_of is None or self.freeze_at is None or scored_at is None:
            return True
        return scored_at < self.freeze_at


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """All boards of a challenge, with those that keep another as of its freeze."""

    columns: Sequence[scores.Column]
    boards: Sequence[BoardRules]


def rules_of(session: Session, challenge_id: str) -> Rules:
    """Return how a challenge ranks."""
    challenge = session.get_one(Challenge, challenge_id)
    rows = session.scalars(
        select(BoardRow).where(BoardRow.challenge_id == challenge_id).order_by(BoardRow.position)
    ).all()
    columns = columns_of(session, challenge)
    by_slug = {row.slug: row for row in rows}
    return Rules(
        columns=columns,
        boards=[
            BoardRules(
                id=row.id,
                slug=row.slug,
                title=row.title,
                phases=frozenset(row.phases),
                board=as_board(challenge, row, columns, by_slug.get(row.compare)),
                picks_of=row.frozen_of or row.id,
                ranks_organisers=row.ranks_organisers,
                frozen_of=row.frozen_of,
                freeze_at=row.freeze_at,
            )
            for row in rows
        ],
    )


def leading_columns(session: Session, challenge: Challenge) -> Sequence[scores.Column]:
    """Return the challenge's columns, of which one is the one by which its first board ranks first."""
    rules = rules_of(session, challenge.id)
    return rules.boards[0].board.columns if rules.boards else rules.columns


def columns_of(session: Session, challenge: Challenge) -> list[scores.Column]:
    """Return the challenge's columns as the domain knows them, in their order."""
    rows = session.scalars(
        select(Column).where(Column.challenge_id == challenge.id).order_by(Column.position)
    )
    return as_columns(challenge, rows.all())


def as_columns(challenge: Challenge, rows: Sequence[Column]) -> list[scores.Column]:
    """Return rows as the domain's values."""
    return [
        scores.Column(
            key=row.key,
            title=row.title,
            sort=row.sort,
            precision=row.precision,
            minimum=row.minimum,
            maximum=row.maximum,
            primary=row.is_primary,
            private=row.private,
            reveal_at=row.reveal_at or challenge.reveal_at,
            unit=row.unit,
            task=row.task_id,
            source=row.source,
            formula=formula_from(row.formula),
        )
        for row in rows
    ]


def as_board(
    challenge: Challenge,
    row: BoardRow,
    columns: Sequence[scores.Column],
    compared: BoardRow | None,
) -> Board:
    """Return a row as the domain's value, with columns of which one says that it ranks first."""
    eta = row.ladder_eta if challenge.ladder_eta is None else challenge.ladder_eta
    return Board(
        columns=columns,
        rule=row.rule or challenge.rule,
        ranking=ranking_from(row.ranking, columns),
        otherwise=ranking_from(compared.ranking, columns) if compared else None,
        of_last=row.number,
        ladder=None if eta is None else Ladder(eta=eta),
    ).with_lead()


def visible_columns(
    columns: Sequence[scores.Column], *, now: datetime, may_review: bool
) -> list[scores.Column]:
    """Return the columns that are open to the actor."""
    return [column for column in columns if may_review or column.is_open(now)]


def has_ladder(session: Session, submission: Submission) -> bool:
    """Whether the Ladder decides what is shown of a submission."""
    phase = session.get_one(Phase, submission.phase_id)
    return any(
        one.board.ladder is not None and phase.slug in one.phases
        for one in rules_of(session, submission.challenge_id).boards
    )


def entry_of(row: Standing) -> Entry:
    """Return what stands on a board as the domain ranks it."""
    return Entry(
        id=f"{row.team_id} {row.submission_id}",
        scores=row.scores,
        achieved_at=row.achieved_at,
        is_ranked=not row.is_unranked,
    )
