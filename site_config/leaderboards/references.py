"""Whether what columns and boards of a challenge name is there, and goes together."""

from collections.abc import Iterator
from itertools import chain

from site_config.challenge import Challenge, Phase
from site_config.leaderboards.boards import Board, Column, goes_in_circles, made_of
from site_config.yaml_document import Key

_Findings = Iterator[tuple[Key, str]]


def references(challenge: Challenge) -> _Findings:
    """Yield what is wrong with columns and boards, and where it stands."""
    here: Key = ("leaderboard", "columns") if challenge.leaderboard else ("columns",)
    found = [*_columns(challenge, here)]
    yield from found
    if not found:
        yield from _boards(challenge)


def _columns(challenge: Challenge, here: Key) -> _Findings:
    columns = challenge.scores
    keys = {column.key for column in columns}
    seen: set[str] = set()
    for index, column in enumerate(columns):
        place: Key = (*here, index)
        if column.key in seen:
            yield (*place, "key"), f"there is another column '{column.key}'"
        seen.add(column.key)
        inputs = column.compute.inputs if column.compute else ()
        for key in inputs:
            if key not in keys:
                yield (*place, "compute"), f"there is no column '{key}'"
        if goes_in_circles(column.key, columns):
            yield (*place, "compute"), f"'{column.key}' would be worked out from itself"
        yield from _task_of(challenge, column, place)
    yield from _sources(columns, here)


def _task_of(challenge: Challenge, column: Column, place: Key) -> _Findings:
    if column.task is not None and column.task not in challenge.tasks:
        yield (*place, "task"), f"there is no task '{column.task}'"
    if column.task is None and column.compute is None:
        known = set(challenge.tasks)
        several = next((one for one in challenge.phases if len(known & set(one.tasks)) > 1), None)
        if several is not None:
            yield place, f"'{column.key}' needs a 'task': phase '{several.id}' has several"


def _sources(columns: tuple[Column, ...], here: Key) -> _Findings:
    seen: set[tuple[str | None, str]] = set()
    for index, column in enumerate(columns):
        if column.compute is not None:
            continue
        source = (column.task, column.source or column.key)
        if source in seen:
            yield (*here, index), f"'{source[1]}' of the same task is another column already"
        seen.add(source)


def _boards(challenge: Challenge) -> _Findings:
    phases = {phase.id: phase for phase in challenge.phases}
    keys = {column.key for column in challenge.scores}
    ids = {board.id for board in challenge.boards}
    seen: set[str] = set()
    for index, board in enumerate(challenge.boards):
        here: Key = ("boards", index)
        if board.id in seen:
            yield (*here, "id"), f"there is another board '{board.id}'"
        seen.add(board.id)
        for position, name in enumerate(board.phases):
            if name not in phases:
                yield (*here, "phases", position), f"there is no phase '{name}'"
        for key in board.rank.keys:
            if key not in keys:
                yield (*here, "rank"), f"there is no column '{key}'"
        for position, key in enumerate(board.columns):
            if key not in keys:
                yield (*here, "columns", position), f"there is no column '{key}'"
        if board.compare is not None and board.compare not in ids:
            yield (*here, "compare"), f"there is no board '{board.compare}'"
        named = [phases[name] for name in board.phases if name in phases]
        yield from _ranked(challenge, board, named, here)
        yield from _chosen(challenge, board, here)
        yield from _ladder(challenge, board, here)


def _ranked(challenge: Challenge, board: Board, phases: list[Phase], here: Key) -> _Findings:
    """Yield phases whose tasks do not give what ranks: there the board would stay empty."""
    needed = chain.from_iterable(made_of(key, challenge.scores) for key in board.rank.keys)
    tasks = {column.task for column in needed if column.task}
    for phase in phases:
        if missing := sorted(tasks - set(phase.tasks)):
            yield (
                (*here, "rank"),
                f"needs task '{missing[0]}', which phase '{phase.id}' does not have",
            )


def _chosen(challenge: Challenge, board: Board, here: Key) -> _Findings:
    if board.counts != "chosen":
        return
    other = next((one for one in challenge.boards if one.id == board.compare), board)
    if any(challenge.is_private(key) for key in other.rank.keys):
        yield (
            (*here, "counts"),
            "'chosen' needs 'compare' with a board that ranks by public columns: without a choice the best there counts",
        )


def _ladder(challenge: Challenge, board: Board, here: Key) -> _Findings:
    if board.ladder is None:
        return
    beside = {name for one in challenge.boards if one.id != board.id for name in one.phases}
    if shared := sorted(beside & set(board.phases)):
        yield (
            (*here, "ladder"),
            f"another board would show what it hides: phase '{shared[0]}' is on both",
        )
    column = next((one for one in challenge.scores if one.key == board.rank.by), None)
    if column is not None and board.ladder.eta < 10.0**-column.precision:
        yield (
            (*here, "ladder"),
            "'eta' must not be finer than the digits that the ranking column shows",
        )
