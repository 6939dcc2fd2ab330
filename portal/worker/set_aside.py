"""The one place where what goes wrong with one thing is kept from the others."""

from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar

import structlog
from sqlalchemy.orm import Session

from portal.services.attention import troubles
from portal.services.attention.troubles import Known, Step
from portal.services.evaluations import results
from portal.worker.context import WorkerContext
from portal.worker.file_work.work import FileWorkPendingError
from scheduler.errors import UnreachableError

log = structlog.get_logger("sealrun.worker")

Subject = TypeVar("Subject", bound=str)
Made = TypeVar("Made")
_ENDS_ATTEMPT = frozenset({Step.RESOLVE, Step.WATCH, Step.COLLECT, Step.SEND})
"""Steps without which an attempt never comes to an end."""
_NEEDS_FILES = frozenset({Step.COLLECT, Step.SEND})
"""Steps that can do nothing with an attempt while its files are worked on."""


def each(
    context: WorkerContext, step: Step, subjects: Sequence[Subject], act: Callable[[Subject], Made]
) -> Iterator[Made]:
    """Do something with each of some rows, and yield what came of it; not yet with one whose files are worked on.

    An exception is written down at its row, which is then left alone for a while, or until staff have looked. Raises
    ``UnreachableError``, as that is about all; the row at which it showed is not the first the next time.
    """
    if not subjects:
        return
    with context.database.reading() as session:
        known = troubles.known(session, step, now=context.clock())
    for subject in subjects:
        if subject in known.asleep:
            continue
        if step in _NEEDS_FILES and context.file_work.is_busy(subject):
            continue
        try:
            made = act(subject)
        except FileWorkPendingError:
            continue
        except Exception as error:
            context.file_work.forget(subject)
            _note(context, step, subject, error)
            if isinstance(error, UnreachableError):
                raise
            continue
        if subject in known.failed:
            with context.database.writing() as session:
                troubles.over(session, step, subject)
        yield made


def _note(context: WorkerContext, step: Step, subject: str, error: Exception) -> None:
    tell = log.warning if isinstance(error, troubles.PASSING) else log.error
    tell("step_failed", step=step, subject=subject, problem=troubles.in_words(error))
    now, cluster = context.clock(), context.cluster.name
    with context.database.writing() as session:
        trouble = troubles.note(session, step, subject, cluster, error, now=now)
        needs_attention = trouble.next_at is None
    if needs_attention and step in _ENDS_ATTEMPT:
        _set_aside(context, step, subject, error)


def _set_aside(context: WorkerContext, step: Step, token: str, error: Exception) -> None:
    """Hand what an attempt was for to staff; where even that fails, the trouble alone says so."""
    detail, now = troubles.detail_of(step, error), context.clock()
    try:
        with context.database.writing() as session:
            trouble = troubles.find(session, step, token)
            if step is Step.SEND and not results.is_unsent(session, token):
                # It may be with the cluster: looking it up goes on from here.
                troubles.over(session, step, token)
            elif trouble is not None:
                since = trouble.first_at
                # Too early to be shown: it is tried once more when it may be.
                trouble.next_at = results.set_aside(
                    session, token, detail=detail, since=since, now=now
                )
    except Exception as second:  # noqa: BLE001 - the row of the trouble is there
        log.error("set_aside_failed", token=token, problem=troubles.in_words(second))  # noqa: TRY400


AT_ONCE = 200
"""Rows in one transaction: on SQLite all others that write wait for its end."""


def all_at_once(
    context: WorkerContext,
    step: Step,
    subjects: Sequence[Subject],
    act: Callable[[Session, Subject], Made],
    *,
    before: Callable[[Subject], None],
    lock: Callable[[Session, Sequence[Subject]], object],
) -> Iterator[Made]:
    """Do as ``each`` does, but write for many rows in one transaction, each of them in a savepoint of its own.

    ``before`` writes the files that have to be there before a row is; no transaction is open then. All that was done
    for rows whose transaction was not committed is done once more. ``lock`` reads the rows, which are held meanwhile.
    ``act`` asks no cluster.
    """
    if not subjects:
        return
    with context.database.reading() as session:
        known = troubles.known(session, step, now=context.clock())
    awake = [subject for subject in subjects if subject not in known.asleep]
    for begin in range(0, len(awake), AT_ONCE):
        failed: dict[Subject, Exception] = {}
        part = awake[begin : begin + AT_ONCE]
        ready = [subject for subject in part if _worked(failed, subject, before)]
        with context.database.writing() as session:
            held = lock(session, ready)
            made = _saved(session, step, ready, act, known=known, failed=failed)
            del held
        for subject, error in failed.items():
            _note(context, step, subject, error)
        yield from made


def _saved(
    session: Session,
    step: Step,
    subjects: Sequence[Subject],
    act: Callable[[Session, Subject], Made],
    *,
    known: Known,
    failed: dict[Subject, Exception],
) -> list[Made]:
    """Write for each; what fails of one is undone, and leaves the others as they are."""
    made: list[Made] = []

    def save(subject: Subject) -> None:
        with session.begin_nested():
            one = act(session, subject)
            if subject in known.failed:
                troubles.over(session, step, subject)
        made.append(one)

    for subject in subjects:
        _worked(failed, subject, save)
    return made


def _worked(
    failed: dict[Subject, Exception], subject: Subject, act: Callable[[Subject], None]
) -> bool:
    """Whether it worked for one; else what went wrong is kept."""
    try:
        act(subject)
    except Exception as error:  # noqa: BLE001 - whatever it is, it is this row's
        failed[subject] = error
        return False
    return True
