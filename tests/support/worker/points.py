"""The points at which a worker can be killed: around everything that it does to the outside.

They are found, not listed: every transaction, every call of the scheduler and every change of a
file below a folder is one, named by what happens and where in the code.
"""

import os
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Any

from sqlalchemy.orm import Session

from portal.db.engine import Database
from scheduler.interface import JobSpec, Pong, Scheduler, Snapshot, Submitted, Token

Reached = Callable[[str], None]
"""Is told the name of every point; may raise or end the process."""

_OURS = ("portal.", "containers.")
_NOT_A_PLACE = ("portal.db.",)
_CHANGES = frozenset({"os.mkdir", "os.rename", "os.remove", "os.rmdir", "os.link", "os.symlink"})
_WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT


@dataclass(frozen=True, slots=True)
class WatchedDatabase(Database):
    """A database whose transactions have a point before and after their commit."""

    reached: Reached

    @contextmanager
    def writing(self) -> Iterator[Session]:
        with Database.writing(self) as session:
            yield session
            self.reached(_named("before commit"))
        self.reached(_named("after commit"))


@dataclass(frozen=True, slots=True)
class WatchedScheduler:
    """A scheduler with a point before and after each call."""

    inner: Scheduler
    reached: Reached

    def submit(self, spec: JobSpec, token: Token) -> Submitted:
        return self._around("submit", lambda: self.inner.submit(spec, token))

    def find(self, token: Token) -> Snapshot:
        return self._around("find", lambda: self.inner.find(token))

    def snapshot(self, tokens: Iterable[Token]) -> Snapshot:
        return self._around("snapshot", lambda: self.inner.snapshot(tokens))

    def cancel(self, token: Token) -> None:
        self._around("cancel", lambda: self.inner.cancel(token))

    def ping(self) -> Pong:
        return self.inner.ping()

    def _around(self, name: str, call: Callable[[], Any]) -> Any:
        self.reached(_named(f"before {name}"))
        answer = call()
        self.reached(_named(f"after {name}"))
        return answer


@contextmanager
def watched_files(folder: Path, reached: Reached) -> Iterator[None]:
    """Make every change of a file below ``folder`` a point, until the end of the block."""

    def look(event: str, arguments: tuple[Any, ...]) -> None:
        if _is_change(event, arguments) and _is_below(folder, event, arguments):
            reached(_named(event))

    _hook.install()
    _hook.look, before = look, _hook.look
    try:
        yield
    finally:
        _hook.look = before


class _Hook:
    """The process's audit hook: there can only be more of them, never fewer, so there is one."""

    def __init__(self) -> None:
        self.look: Callable[[str, tuple[Any, ...]], None] | None = None
        self._is_installed = False

    def install(self) -> None:
        if not self._is_installed:
            sys.addaudithook(self._called)
            self._is_installed = True

    def _called(self, event: str, arguments: tuple[Any, ...]) -> None:
        if self.look is not None:
            self.look(event, arguments)


_hook = _Hook()


def _is_change(event: str, arguments: tuple[Any, ...]) -> bool:
    return event in _CHANGES or (event == "open" and bool(arguments[2] & _WRITES))


def _is_below(folder: Path, event: str, arguments: tuple[Any, ...]) -> bool:
    if not isinstance(arguments[0], (str, os.PathLike)):
        return False
    if event in {"os.remove", "os.rmdir"} and arguments[1] != -1:
        # A tree is removed by names in open directories.
        return True
    path = _folder_of(event, arguments) / arguments[0]
    return path.is_relative_to(folder) and _will_work(event, path)


def _folder_of(event: str, arguments: tuple[Any, ...]) -> Path:
    """Return what a name is relative to, where it is in an open directory."""
    is_by_descriptor = event in {"os.mkdir", "os.rename"} and arguments[2] != -1
    return Path(f"/proc/self/fd/{arguments[2]}").readlink() if is_by_descriptor else Path()


def _will_work(event: str, path: Path) -> bool:
    """Tell whether there is anything to do: much is asked for in case it is not there yet."""
    if event == "os.mkdir":
        return path.parent.exists() and not path.exists()
    return event != "os.remove" or path.exists()


_HANDLERS = {
    ("portal.worker.set_aside", "each"): "subject",
    ("portal.worker.set_aside", "_worked"): "subject",
    ("portal.services.attention.troubles", "_each"): "name",
}


def handled() -> str | None:
    """Return the row that the worker is busy with: an attempt's token, or an id; None where it is with many."""
    frame: FrameType | None = sys._getframe(1)
    while frame is not None:
        key = (frame.f_globals.get("__name__", ""), frame.f_code.co_name)
        if key in _HANDLERS:
            return str(frame.f_locals.get(_HANDLERS[key]))
        frame = frame.f_back
    return None


def _named(what: str) -> str:
    """Add the nearest line of ours that led here."""
    frame: FrameType | None = sys._getframe(1)
    while frame is not None:
        module = frame.f_globals.get("__name__", "")
        if module.startswith(_OURS) and not module.startswith(_NOT_A_PLACE):
            return f"{what} in {module}.{frame.f_code.co_name}:{frame.f_lineno}"
        frame = frame.f_back
    return what
