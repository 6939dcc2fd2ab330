"""What a change of columns and boards does to what stands there and to who sees it, in sentences."""

from collections.abc import Iterator
from datetime import datetime

from site_config.challenge import Challenge
from site_config.leaderboards.boards import Board, Column

_AUDIENCES = ("organisers", "own", "participants", "everybody")
"""From the narrowest to the widest."""
_NEVER_UNDONE = "That cannot be taken back."


def sentences(before: Challenge, after: Challenge, results: int, now: datetime) -> Iterator[str]:
    """Say what becomes of the boards; ``results`` is how many there are of the challenge."""
    if results and _ranking(before) != _ranking(after):
        count = f"{results} result" if results == 1 else f"{results} results"
        yield f"All boards are put together anew from the {count} that there are."
    yield from _new_columns(before, after, results)
    yield from _disclosed(before, after, now)
    yield from _boards(before, after, now)


def _ranking(settings: Challenge) -> object:
    short = settings.leaderboard
    boards = [(short.rule, short.ladder)] if short else [_rules(board) for board in settings.boards]
    return settings.scores, boards


def _rules(board: Board) -> object:
    """Return what of a board decides what stands on it."""
    # Names, times at which something is shown and whom it is shown to change no place.
    shown = {"title", "columns", "audience", "reveal", "anonymous", "compare"}
    return board.model_dump(exclude=shown) | (
        {"compare": board.compare} if board.counts == "chosen" else {}
    )


def _new_columns(before: Challenge, after: Challenge, results: int) -> Iterator[str]:
    known = {_origin(column) for column in before.scores}
    new = {
        column.key
        for column in after.scores
        if column.compute is None and _origin(column) not in known
    }
    if not results or not new:
        return
    yield f"Results that there are have no score for {', '.join(sorted(new))}."
    ranking = [board.rank.keys for board in after.boards]
    if after.leaderboard is not None:
        ranking = [(after.leaderboard.primary.key,)]
    if any(new & set(keys) for keys in ranking):
        yield "That column ranks: whoever has only such results stands on no board."


def _origin(column: Column) -> tuple[str | None, str]:
    """Return where the scores of a column come from; another name for it changes nothing of that."""
    return column.task, column.source or column.key


def _disclosed(before: Challenge, after: Challenge, now: datetime) -> Iterator[str]:
    was_hidden = {
        column.key
        for column in before.scores
        if before.is_private(column.key) and not _is_past(before.reveal_of(column.key), now)
    }
    kept = {column.key: column for column in after.scores if column.key in was_hidden}
    shown = sorted(key for key in kept if not after.is_private(key))
    if shown:
        yield f"What was private is shown at once: {', '.join(shown)}. {_NEVER_UNDONE}"
    revealed = [
        column.key
        for column in after.scores
        if after.is_private(column.key)
        and _is_past(after.reveal_of(column.key), now)
        and (column.key in was_hidden or column.key not in {one.key for one in before.scores})
    ]
    if revealed:
        yield f"Private columns are revealed at once. {_NEVER_UNDONE}"


def _boards(before: Challenge, after: Challenge, now: datetime) -> Iterator[str]:
    old = {board.id: board for board in before.boards}
    new = {board.id: board for board in after.boards}
    for name in old.keys() - new.keys():
        chosen = old[name].counts == "chosen"
        more = ", and with it what teams have chosen for it" if chosen else ""
        yield f"Board {name} goes{more}."
    for name in sorted(old.keys() & new.keys()):
        yield from _board(old[name], new[name], now)


def _board(before: Board, after: Board, now: datetime) -> Iterator[str]:
    name = f"Board {after.id}"
    if _width(after) > _width(before):
        yield f"{name} is shown to more people, with all that is on it."
    was_hidden = before.reveal is not None and before.reveal > now
    if was_hidden and (after.reveal is None or after.reveal <= now):
        yield f"{name} is revealed at once. {_NEVER_UNDONE}"
    was_nameless = before.anonymous is not None and before.anonymous > now
    if was_nameless and (after.anonymous is None or after.anonymous <= now):
        yield f"{name} shows the names of its teams at once. {_NEVER_UNDONE}"
    if before.freeze != after.freeze and _is_past(before.freeze, now):
        yield f"{name} is shown as of another time than so far."
    if before.counts == after.counts == "chosen" and after.picks < before.picks:
        yield f"Teams that have chosen more than {after.picks} submissions for {name[0].lower()}{name[1:]} keep them."


def _width(board: Board) -> int:
    # Without one it is its phases' audience, of which their own sentences say what becomes.
    return _AUDIENCES.index(board.audience) if board.audience else len(_AUDIENCES)


def _is_past(moment: datetime | None, now: datetime) -> bool:
    return moment is not None and moment <= now
