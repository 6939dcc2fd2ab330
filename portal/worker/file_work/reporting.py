"""Saying what is being done with files, so that whoever waits for it sees that it goes on."""

from datetime import datetime, timedelta

from portal.services.evaluations import file_pieces
from portal.services.evaluations.file_pieces import Piece
from portal.worker.context import WorkerContext

SAID_AFTER = timedelta(seconds=2)
"""What is done sooner is not reported, nor is anything more often."""


class Sayer:
    """Writes it down, in place of what was said before: by this worker, or by one that was killed."""

    def __init__(self, context: WorkerContext) -> None:
        self._context = context
        self._said: list[Piece] | None = None
        self._said_at: datetime | None = None

    def say(self) -> None:
        """Write down what takes longer than a moment, where that is something else than before."""
        now = self._context.clock()
        pieces = [
            one for one in self._context.file_work.under_way() if now - one.since >= SAID_AFTER
        ]
        if pieces == self._said or (self._said_at and now - self._said_at < SAID_AFTER and pieces):
            return
        with self._context.database.writing() as session:
            file_pieces.say(session, self._context.cluster.name, pieces, now=now)
        self._said, self._said_at = pieces, now
