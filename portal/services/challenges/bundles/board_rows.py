"""Columns and boards of a bundle as the tables have them, whatever form they are written in."""

from collections.abc import Mapping
from typing import Any

from portal.domain.leaderboards.formulas import Formula, Operation
from portal.domain.leaderboards.ranking import Ranking
from portal.domain.leaderboards.scores import Rule, Sort
from portal.domain.permissions import Audience
from site_config import challenge as bundle
from site_config.leaderboards import boards

_AUDIENCES = {
    "everybody": Audience.PUBLIC,
    "participants": Audience.PARTICIPANTS,
    "own": Audience.OWN,
    "organisers": Audience.ORGANISERS,
}


def rows_of_columns(
    described: bundle.Challenge, tasks: Mapping[str, str]
) -> dict[str, dict[str, Any]]:
    """Return what is kept of each column, by its key; ``tasks`` are the ids of tasks by their names."""
    return {
        column.key: {
            "position": position,
            "title": column.heading,
            "sort": Sort(column.sort),
            "precision": column.precision,
            "unit": column.unit or "",
            "minimum": column.min,
            "maximum": column.max,
            "is_primary": column.primary,
            "private": described.is_private(column.key),
            "reveal_at": None if described.leaderboard else described.reveal_of(column.key),
            "task_id": tasks[column.task] if column.task else None,
            "source": column.source or "",
            "formula": _formula(column),
        }
        for position, column in enumerate(described.scores)
    }


def _formula(column: boards.Column) -> dict[str, Any]:
    if column.compute is None:
        return {}
    operation = Operation(column.compute.operation)
    return Formula(operation=operation, weights=column.compute.weights).as_json()


def rows_of_boards(described: bundle.Challenge) -> dict[str, dict[str, Any]]:
    """Return what is kept of each board, by its slug; the short form has one for each phase."""
    if described.leaderboard is not None:
        return {
            phase.id: _board_of(phase, position) for position, phase in enumerate(described.phases)
        }
    return {board.id: _board(board, position) for position, board in enumerate(described.boards)}


def _board_of(phase: bundle.Phase, position: int) -> dict[str, Any]:
    """Return the board of a phase, which has its rules from the challenge."""
    return {
        "position": position,
        "title": phase.title or phase.id,
        "phases": [phase.id],
        "ranking": {},
        "shown": [],
        "rule": None,
        "number": 1,
        "audience": None,
        "ranks_organisers": True,
        "reveal_at": None,
        "freeze_at": None,
        "anonymous_until": None,
        "compare": "",
        "ladder_eta": None,
    }


def _board(board: boards.Board, position: int) -> dict[str, Any]:
    return {
        "position": position,
        "title": board.heading,
        "phases": list(board.phases),
        "ranking": Ranking(keys=board.rank.keys, is_mean_rank=bool(board.rank.mean_rank)).as_json(),
        "shown": list(board.columns),
        "rule": Rule(board.counts),
        "number": board.picks if board.counts == "chosen" else board.of_last,
        "audience": _AUDIENCES[board.audience] if board.audience else None,
        "ranks_organisers": board.eligible.not_ != "organisers",
        "reveal_at": board.reveal,
        "freeze_at": board.freeze,
        "anonymous_until": board.anonymous,
        "compare": board.compare or "",
        "ladder_eta": board.ladder.eta if board.ladder else None,
    }
