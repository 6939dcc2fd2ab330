"""Keeps the head of the audit log where the web process cannot write, and looks whether the log still has it.

It runs beside the passes, in a thread of its own and under a lock on a file of the worker's: neither a
cluster that hangs nor a row of the database keeps it from looking.
"""

import threading
from collections.abc import Callable
from datetime import datetime, timedelta

import structlog

from portal.db import guards
from portal.db.engine import Database
from portal.domain.audit import EMPTY, Head
from portal.files.audit_heads import AuditHeads, HeadsError, LogState
from portal.services.accounts import deletion
from portal.services.audit.verify import go_on

log = structlog.get_logger("sealrun.worker")

LOOK_EVERY = timedelta(seconds=10)
"""What is cut off within this of being written is cut off unseen."""
MAX_NEW = 2000
"""Entries that are checked before another head is recorded."""
MAX_OLD = 500
"""Old entries that are checked again in each look, in turn: the cost does not grow with the log."""
SAY_AGAIN = timedelta(minutes=10)


class AuditWatch:
    """What one worker remembers between two looks."""

    def __init__(
        self, *, database: Database, heads: AuditHeads, clock: Callable[[], datetime]
    ) -> None:
        self._database = database
        self._heads = heads
        self._clock = clock
        self._swept = EMPTY
        self._found_by_sweep: str | None = None
        self._said: tuple[str, datetime] | None = None

    def look(self) -> None:
        """Check what is new and record its head; check a part of what is old. Idempotent."""
        with self._heads.locked() as mine:
            if not mine:
                return
            problem = self._problem()
            head = self._last_or_empty()
            self._heads.note_state(LogState(at=self._clock(), head=head, problem=problem))
        self._say(problem)

    def forget(self) -> None:
        """Erase from where people acted who have deleted their data: the web process may not do that."""
        with self._database.reading() as session:
            if not deletion.has_origins_to_forget(session):
                return
        with self._database.writing() as session:
            log.info("origins_erased", entries=deletion.forget_origins(session))

    def _problem(self) -> str | None:
        try:
            return self._guards() or self._new_entries() or self._old_entries()
        except HeadsError as error:
            return str(error)

    def _last_or_empty(self) -> Head:
        try:
            return self._heads.last() or EMPTY
        except HeadsError:
            return EMPTY

    def _guards(self) -> str | None:
        with self._database.engine.connect() as connection:
            return "; ".join(guards.problems(connection)) or None

    def _new_entries(self) -> str | None:
        """Record heads up to the end of the log; the last one recorded must still be in it."""
        last = self._heads.last() or EMPTY
        while True:
            with self._database.reading() as session:
                checked = go_on(session, last, most=MAX_NEW)
            if checked.problem is not None:
                return str(checked.problem)
            if checked.head == last:
                return None
            self._heads.append(checked.head, at=self._clock())
            last = checked.head

    def _old_entries(self) -> str | None:
        """Go on where the last look ended; what is found is shown until a whole round finds nothing."""
        with self._database.reading() as session:
            checked = go_on(session, self._swept, most=MAX_OLD)
        if checked.problem is not None and checked.problem.number == self._swept.number:
            # Another log was accepted, or where this ended was changed: from the start that shows.
            self._swept = EMPTY
        elif checked.problem is not None:
            self._swept, self._found_by_sweep = EMPTY, str(checked.problem)
        elif checked.head == self._swept:
            self._swept, self._found_by_sweep = EMPTY, None
        else:
            self._swept = checked.head
        return self._found_by_sweep

    def _say(self, problem: str | None) -> None:
        now = self._clock()
        if problem is None:
            if self._said is not None:
                log.warning("audit_log_restored")
            self._said = None
        elif self._said is None or self._said[0] != problem or now - self._said[1] >= SAY_AGAIN:
            log.error("audit_log_tampered", problem=problem)
            self._said = (problem, now)


def watch_until(watch: AuditWatch, stop: threading.Event) -> None:
    """Look until ``stop`` is set; what goes wrong with a look is logged, and the next one tries again."""
    while not stop.is_set():
        for act in (watch.forget, watch.look):
            try:
                act()
            except Exception:
                log.exception("audit_check_failed")
        stop.wait(LOOK_EVERY.total_seconds())
