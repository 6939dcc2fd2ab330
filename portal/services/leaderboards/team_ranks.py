"""The rank of one team in a phase, whoever may see the board: for what later phases ask for."""

from sqlalchemy import select
from sqlalchemy.orm import Session

from portal.db.queries import leaderboards as queries
from portal.db.tables import Phase, Standing
from portal.domain.leaderboards.ranking import places
from portal.domain.leaderboards.scores import Rule
from portal.services.leaderboards.boards import BoardRules, entry_of, rules_of


def board_of(session: Session, phase: Phase) -> BoardRules | None:
    """Return the board by which the teams of a phase are ranked: the first of it alone, or else the first that it is on."""
    boards = [
        one
        for one in rules_of(session, phase.challenge_id).boards
        if one.frozen_of is None and phase.slug in one.phases
    ]
    alone = (one for one in boards if len(one.phases) == 1)
    return next(alone, boards[0] if boards else None)


def rank_in(session: Session, phase: Phase, team_id: str) -> int | None:
    """Return the rank of a team in a phase; None where it has none. Equal ones share a rank."""
    board = board_of(session, phase)
    if board is None:
        return None
    ranking = board.board.ranks_by
    if len(ranking.keys) == 1 and board.board.rule is not Rule.ALL:
        ranked = queries.page_of(session, board_id=board.id, first=1, size=1, team_id=team_id)
        return next((row.rank for row in ranked if row.team_id == team_id), None)
    rows = session.scalars(select(Standing).where(Standing.board_id == board.id)).all()
    teams = {(entry := entry_of(row)).id: (row.team_id, entry) for row in rows}
    columns = {column.key: column for column in board.board.columns}
    found = places([entry for _, entry in teams.values()], ranking, columns)
    return next((one.rank for one in found if teams[one.entry.id][0] == team_id), None)
