"""Work on files in a bounded number of threads, each piece in one of its own that ends with it.

A thread cannot be killed. One whose time is over ends at the next chunk that it reads or writes; one that
hangs in a call to a dead file system is left to itself, and its place given to others, up to as many as may
work. What it does to files can be repeated beside it, as after a worker that was killed.
"""

import threading
import time
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, cast

import structlog

from portal.domain.evaluations.file_parts import Part
from portal.files.progress import FileTimeoutError, Progress, followed
from portal.services.evaluations.file_pieces import Piece
from portal.worker.file_work.work import FileWorkPendingError, Made

log = structlog.get_logger("sealrun.worker")

LARGE = 256 * 1024**2
"""Bytes; what has more to do with never has all the places, so that something small goes on beside it."""
GRACE = timedelta(minutes=1)
"""How much later than its time something that does not end by itself counts as hanging."""
PARTING = 5.0
"""Seconds that closing waits for what was asked to stop."""


@dataclass(slots=True, eq=False, kw_only=True)
class _Piece:
    """One piece of work."""

    subject: str
    part: Part
    work: Callable[[], Any]
    size: int
    alone: str
    since: datetime
    progress: Progress = field(default_factory=Progress)
    thread: threading.Thread | None = None
    is_over: bool = False
    made: Any = None
    error: Exception | None = None

    @property
    def is_working(self) -> bool:
        return self.thread is not None and not self.is_over

    @property
    def hangs(self) -> bool:
        late = time.monotonic() - self.progress.deadline
        return self.is_working and late > GRACE.total_seconds()


class FileThreads:
    """See ``FileWork``."""

    def __init__(self, at_once: int, time_limit: timedelta, clock: Callable[[], datetime]) -> None:
        self._at_once, self._time_limit, self._clock = at_once, time_limit, clock
        self._lock = threading.RLock()
        self._pieces: dict[str, dict[Part, _Piece]] = {}
        self._news = threading.Event()
        self._is_closed = False

    def done(
        self, subject: str, part: Part, work: Callable[[], Made], *, size: int = 0, alone: str = ""
    ) -> Made:
        """Return what it made, or have it begun."""
        with self._lock:
            piece = self._pieces.setdefault(subject, {}).get(part)
            if piece is None:
                self._pieces[subject][part] = _Piece(
                    subject=subject,
                    part=part,
                    work=work,
                    size=size,
                    alone=alone,
                    since=self._clock(),
                )
                self._begin()
                raise FileWorkPendingError
            if piece.hangs:
                raise FileTimeoutError(f"{part} hangs: a file system may not answer")
            if not piece.is_over:
                raise FileWorkPendingError
        if piece.error is not None:
            raise piece.error
        return cast("Made", piece.made)

    def made(self, subject: str, part: Part) -> object:
        """Return it where it succeeded."""
        with self._lock:
            piece = self._pieces.get(subject, {}).get(part)
            return piece.made if piece is not None and piece.is_over else None

    def is_busy(self, subject: str) -> bool:
        """Whether one of its pieces is neither over nor hangs."""
        with self._lock:
            pieces = self._pieces.get(subject, {}).values()
            return any(not piece.is_over and not piece.hangs for piece in pieces)

    def forget(self, subject: str) -> None:
        """Drop all that is over, and stop the rest."""
        with self._lock:
            for piece in list(self._pieces.get(subject, {}).values()):
                self._drop(piece)

    def only(self, subjects: Collection[str], *parts: Part) -> None:
        """Drop the parts of others that are over, and stop the rest."""
        wanted = set(subjects)
        with self._lock:
            for piece in list(self._all()):
                if piece.part in parts and piece.subject not in wanted:
                    self._drop(piece)

    def under_way(self) -> list[Piece]:
        """List what is not over."""
        with self._lock:
            found = [
                Piece(
                    subject=piece.subject,
                    part=piece.part,
                    since=piece.since,
                    is_begun=piece.is_working,
                    size=piece.progress.size,
                )
                for piece in self._all()
                if not piece.is_over
            ]
        return sorted(found, key=lambda one: one.since)

    def has_news(self) -> bool:
        """Whether a piece has ended meanwhile."""
        return self._news.is_set()

    def look_up(self) -> None:
        """Forget the news, and begin also what could not be begun when its turn came."""
        self._news.clear()
        with self._lock:
            self._begin()

    def close(self) -> None:
        """Begin nothing more, stop the rest, and wait a moment for it."""
        with self._lock:
            self._is_closed = True
            threads = [piece.thread for piece in self._all() if piece.is_working]
            for piece in list(self._all()):
                self._drop(piece)
        until = time.monotonic() + PARTING
        for thread in filter(None, threads):
            thread.join(max(0.0, until - time.monotonic()))

    def _all(self) -> Iterator[_Piece]:
        for pieces in self._pieces.values():
            yield from pieces.values()

    def _drop(self, piece: _Piece) -> None:
        """Forget a piece; one that is being worked on keeps its place until it has stopped, so that none is made twice."""
        piece.progress.is_unwanted = True
        if piece.is_working:
            return
        pieces = self._pieces.get(piece.subject, {})
        pieces.pop(piece.part, None)
        if not pieces:
            self._pieces.pop(piece.subject, None)

    def _begin(self) -> None:
        """Give free places to what waits, in the order in which it was asked for."""
        if self._is_closed:
            return
        pieces = list(self._all())
        working = [piece for piece in pieces if piece.is_working]
        hanging = sum(piece.hangs for piece in working)
        free = self._at_once - len(working) + min(hanging, self._at_once)
        large = sum(piece.size > LARGE for piece in working)
        taken = {piece.alone for piece in working} - {""}
        for piece in sorted(pieces, key=lambda one: one.since):
            if free <= 0:
                return
            if piece.thread is not None or piece.alone in taken:
                continue
            if piece.size > LARGE:
                if large >= max(1, self._at_once - 1):
                    continue
                large += 1
            if piece.alone:
                taken.add(piece.alone)
            free -= 1
            self._start(piece)

    def _start(self, piece: _Piece) -> None:
        piece.progress.deadline = time.monotonic() + self._time_limit.total_seconds()
        name = f"{piece.part}:{piece.subject}"
        thread = threading.Thread(target=self._work, args=(piece,), name=name, daemon=True)
        try:
            thread.start()
        except RuntimeError as problem:
            # This machine has no thread left: the next pass tries again.
            log.error("thread_start_failed", problem=str(problem))  # noqa: TRY400 - one line will do
        else:
            piece.thread = thread

    def _work(self, piece: _Piece) -> None:
        try:
            with followed(piece.progress):
                piece.made = piece.work()
        except Exception as error:  # noqa: BLE001 - whoever asks gets it
            piece.error = error
        with self._lock:
            piece.is_over = True
            if piece.progress.is_unwanted:
                self._drop(piece)
            self._begin()
        self._news.set()
