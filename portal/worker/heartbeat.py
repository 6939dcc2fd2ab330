"""A sign of life: so that whoever looks at the site knows whether a worker and its cluster are there."""

from datetime import datetime, timedelta

from portal.services.site import health
from portal.worker.context import WorkerContext
from portal.worker.polling import PollSchedule

EVERY = timedelta(seconds=10)


class Pulse:
    """Writes down from time to time, and when the cluster begins or ceases to answer, that the worker lives."""

    def __init__(self, context: WorkerContext) -> None:
        self._context = context
        self._beaten_at: datetime | None = None
        self._answered = True

    def beat(self, pacer: PollSchedule) -> None:
        """Write it down if it is time to. The cluster is only called silent after it was asked."""
        now = self._context.clock()
        is_news = pacer.answers is not self._answered
        if self._beaten_at is not None and now - self._beaten_at < EVERY and not is_news:
            return
        with self._context.database.writing() as session:
            health.beat(
                session,
                cluster=self._context.cluster.name,
                holder=self._context.holder,
                probe_image_id=self._context.probe_image_id,
                settings_version=self._context.settings_version,
                answers=pacer.answers,
                problem=pacer.problem,
                now=now,
            )
        self._beaten_at, self._answered = now, pacer.answers
