"""What goes wrong with one thing is written down at that thing: it waits, or is set aside for staff.

The database keeps it, so that a worker that ends and is started again does not try each of them at once. That the
database itself is gone shows in that nothing can be written down: only that ends a pass.
"""

import traceback
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Protocol, TypeVar

import structlog
from sqlalchemy import delete, select
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from portal.db.tables import Attempt, Job, Trouble
from portal.domain.ids import new_id
from portal.files.progress import FileTimeoutError
from scheduler.errors import SchedulerError, UnreachableError

log = structlog.get_logger("sealrun.worker")

PAUSES = tuple(timedelta(seconds=seconds) for seconds in (10, 60, 300))
"""Before the second try and each further one; after the last it needs attention."""
PASSING = (OSError, MemoryError, OperationalError, FileTimeoutError, SchedulerError)
"""What may be over by itself: a full disk, another writer. Everything else is a defect, and would come again."""
MAX_PROBLEM_CHARS = 4000


class Step(StrEnum):
    """What was being done."""

    RESOLVE = "resolve"
    WATCH = "watch"
    CANCEL = "cancel"
    COLLECT = "collect"
    PLAN = "plan"
    SEND = "send"
    EXPIRE = "expire"
    DECIDE = "decide"
    MAIL = "mail"
    """Mails, or the server that takes them."""
    END = "end"
    """An evaluation has ended for no fault of its team: nothing tries that again, and staff are to look."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """The subjects with which a step has failed before."""

    failed: frozenset[str] = frozenset()
    asleep: frozenset[str] = frozenset()
    """Those of them that it leaves alone now."""


def known(session: Session, step: Step, *, now: datetime) -> Known:
    """Return with what a step has failed before, and what it leaves alone now."""
    try:
        return _known(session, step, now=now)
    except (ValueError, TypeError, LookupError) as odd:
        # On SQLite the web process can write anything here: that must not stop a step either.
        log.error("untrusted_value", step=step, problem=in_words(odd))  # noqa: TRY400 - as in_words
        return Known()


def _known(session: Session, step: Step, *, now: datetime) -> Known:
    rows = session.execute(
        select(Trouble.subject, Trouble.next_at).where(Trouble.step == step)
    ).all()
    failed = {subject: next_at for subject, next_at in rows}  # noqa: C416 - rows are no pairs to mypy
    asleep = {one for one, at in failed.items() if at is None or at > now}
    return Known(failed=frozenset(failed), asleep=frozenset(asleep))


def find(session: Session, step: Step, subject: str) -> Trouble | None:
    """Return what is written down of a step that has failed for one thing."""
    return session.scalar(select(Trouble).where(Trouble.step == step, Trouble.subject == subject))


def note(
    session: Session, step: Step, subject: str, cluster: str, error: Exception, *, now: datetime
) -> Trouble:
    """Write down that a step has failed for one thing; it needs attention from now on where ``next_at`` is None."""
    row = find(session, step, subject)
    if row is None:
        row = Trouble(
            id=new_id(now), cluster=cluster, step=step, subject=subject, tries=0, first_at=now
        )
        session.add(row)
    row.tries += 1
    row.problem = in_words(error)
    row.last_at = now
    pause = _pause(error, row.tries)
    row.next_at = None if pause is None else now + pause
    return row


def ended(session: Session, evaluation_id: str, reason: str, detail: str, *, now: datetime) -> None:
    """Write down that an evaluation has ended for no fault of its team, so that somebody looks into it."""
    row = find(session, Step.END, evaluation_id)
    if row is None:
        row = Trouble(
            id=new_id(now),
            cluster="",
            step=Step.END,
            subject=evaluation_id,
            tries=1,
            first_at=now,
        )
        session.add(row)
    row.problem = f"{reason}: {detail}"[:MAX_PROBLEM_CHARS]
    row.last_at, row.next_at = now, None


def over(session: Session, step: Step, subject: str) -> None:
    """Forget that a step has failed for one thing: it has worked."""
    session.execute(delete(Trouble).where(Trouble.step == step, Trouble.subject == subject))


def forget_builds(session: Session, image_id: str) -> None:
    """Forget what went wrong with the builds of an image: it is built anew."""
    builds = (
        select(Attempt.token).join(Job, Job.id == Attempt.job_id).where(Job.image_id == image_id)
    )
    session.execute(delete(Trouble).where(Trouble.subject.in_(builds)))


def _pause(error: Exception, tries: int) -> timedelta | None:
    if isinstance(error, UnreachableError):
        # It is most likely not about this thing: another has its turn first, and no number of tries is too many.
        return PAUSES[0]
    if not isinstance(error, PASSING) or tries > len(PAUSES):
        return None
    return PAUSES[tries - 1]


def in_words(error: Exception) -> str:
    """Say what was raised and where, in few words: who provokes it must not fill logs, nor have us render frames.

    PostgreSQL takes no zero bytes, and none of the two databases half a character.
    """
    frames = traceback.extract_tb(error.__traceback__, limit=-3)
    places = "".join(f"\n{frame.filename}:{frame.lineno} in {frame.name}" for frame in frames)
    words = f"{type(error).__name__}: {error!s:.{MAX_PROBLEM_CHARS // 2}}{places}"
    return words.replace("\0", "\\0").encode("utf-8", "replace").decode()[:MAX_PROBLEM_CHARS]


def detail_of(step: Step, error: Exception) -> str:
    """Say to staff at the thing itself which step failed with what."""
    return f"{step}: {type(error).__name__}: {error!s:.2000}"


Thing = TypeVar("Thing")
Made = TypeVar("Made")


class Row(Protocol):
    """A row that a transaction goes through."""

    id: Any


class Guard:
    """Goes through the rows of one transaction: what goes wrong with one is written down at it."""

    def __init__(
        self,
        session: Session,
        cluster: str,
        *,
        set_aside: Callable[[Any, str, datetime], datetime | None],
        now: datetime,
    ) -> None:
        self._session, self._cluster, self._now = session, cluster, now
        self._set_aside = set_aside
        self._known = known(session, Step.PLAN, now=now)

    def look(
        self, things: Iterable[Thing], act: Callable[[Thing], Made], *, row: Callable[[Thing], Row]
    ) -> list[Made]:
        """Return what ``act`` found out about each; ``row`` is what a thing is about."""
        return [made for _, made in self._each(things, act, row)]

    def write(
        self, things: Iterable[Thing], act: Callable[[Thing], None], *, row: Callable[[Thing], Row]
    ) -> int:
        """Let ``act`` write for each; return for how many it did.

        All of them in one savepoint, as the database takes many rows at once; where anything goes wrong that is undone,
        and each gets a savepoint of its own. So ``act`` may be called twice for the same row.
        """
        things = [thing for thing in things if row(thing).id not in self._known.asleep]
        if self._is_written(things, act):
            done = [row(thing).id for thing in things]
        else:
            one_by_one = self._each(things, lambda thing: self._write(act, [thing]), row)
            done = [row(thing).id for thing, _ in one_by_one]
        for name in self._known.failed.intersection(done):
            over(self._session, Step.PLAN, name)
        return len(done)

    def _is_written(self, things: Sequence[Thing], act: Callable[[Thing], None]) -> bool:
        try:
            self._write(act, things)
        except Exception:  # noqa: BLE001 - which row's it is shows when each is written alone
            return False
        return True

    def _write(self, act: Callable[[Thing], None], things: Sequence[Thing]) -> None:
        if not things:
            return
        with self._session.begin_nested():
            for thing in things:
                act(thing)

    def _each(
        self, things: Iterable[Thing], act: Callable[[Thing], Made], row: Callable[[Thing], Row]
    ) -> Iterator[tuple[Thing, Made]]:
        for thing in things:
            name = row(thing).id
            if name in self._known.asleep:
                continue
            try:
                made = act(thing)
            except Exception as error:  # noqa: BLE001 - whatever it is, it is this row's
                log.error("step_failed", step=Step.PLAN, subject=name, problem=in_words(error))  # noqa: TRY400
                self._note(row(thing), name, error)
            else:
                yield thing, made

    def _note(self, row: Row, name: str, error: Exception) -> None:
        trouble = note(self._session, Step.PLAN, name, self._cluster, error, now=self._now)
        if trouble.next_at is not None:
            return
        detail = detail_of(Step.PLAN, error)
        try:
            with self._session.begin_nested():
                trouble.next_at = self._set_aside(row, detail, trouble.first_at)
        except Exception as second:  # noqa: BLE001 - the row of the trouble is there
            log.error("set_aside_failed", subject=name, problem=in_words(second))  # noqa: TRY400
