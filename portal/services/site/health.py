"""Whether each cluster has a worker that is alive, and whether the cluster answers it."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from portal.db.engine import insert_if_absent
from portal.db.tables import Heartbeat
from portal.domain import permissions
from portal.domain.accounts.people import Actor
from portal.domain.errors import NotFoundError
from portal.domain.site.health import Vital

MISSED = timedelta(minutes=2)
"""After this without a sign of life a worker counts as gone; a long pass is shorter than that."""
MAX_PROBLEM_CHARS = 2000


@dataclass(frozen=True, slots=True, kw_only=True)
class Alive:
    """A cluster of the site."""

    cluster: str
    worker: bool
    """Whether a worker drives it now."""
    seen_at: datetime | None
    """When one did last; None: never."""
    holder: str
    answers: bool
    """Whether the cluster answered when that worker asked it last; False while none does."""
    since: datetime | None
    """Since when it does, or does not."""
    problem: str
    """For staff."""
    settings_version: str
    """With which settings that worker works, or did."""

    @property
    def of_worker(self) -> Vital:
        """Return how the worker is."""
        return Vital.ALIVE if self.worker else Vital.SILENT

    @property
    def of_cluster(self) -> Vital:
        """Return how the cluster is, as far as its worker can tell."""
        if not self.worker:
            return Vital.UNKNOWN
        return Vital.ALIVE if self.answers else Vital.SILENT

    def has_other_settings(self, version: str) -> bool:
        """Whether its worker has not taken over the settings of this version, or not yet."""
        return self.worker and self.settings_version != version

    @property
    def is_well(self) -> bool:
        """Whether what waits for the cluster goes on."""
        return self.worker and self.answers


def beat(
    session: Session,
    *,
    cluster: str,
    holder: str,
    probe_image_id: str,
    settings_version: str,
    answers: bool,
    problem: str,
    now: datetime,
) -> None:
    """Write down that a worker drives a cluster, and how that answers."""
    problem = problem.replace("\0", "")[:MAX_PROBLEM_CHARS]
    row = session.get(Heartbeat, cluster, with_for_update=True)
    if row is None:
        first = Heartbeat(
            cluster=cluster,
            holder=holder,
            seen_at=now,
            probe_image_id=probe_image_id,
            settings_version=settings_version,
            answers=answers,
            since=now,
            problem=problem,
        )
        insert_if_absent(session, first)
        return
    if row.answers is not answers:
        row.since = now
    row.holder, row.seen_at, row.probe_image_id = holder, now, probe_image_id
    row.settings_version, row.answers, row.problem = settings_version, answers, problem


def look(session: Session, clusters: Iterable[str], *, now: datetime) -> list[Alive]:
    """Return how each of the site's clusters is, in their order."""
    rows = {row.cluster: row for row in session.scalars(select(Heartbeat))}
    return [_alive(name, rows.get(name), now) for name in clusters]


def of_site(
    session: Session, *, actor: Actor, clusters: Iterable[str], now: datetime
) -> list[Alive]:
    """Return the same to staff. Raises ``NotFoundError``."""
    if not permissions.may_see_staff_pages(actor):
        raise NotFoundError
    return look(session, clusters, now=now)


def _alive(name: str, row: Heartbeat | None, now: datetime) -> Alive:
    is_there = row is not None and now - row.seen_at < MISSED
    return Alive(
        cluster=name,
        worker=is_there,
        seen_at=row.seen_at if row else None,
        holder=row.holder if row else "",
        answers=row is not None and is_there and row.answers,
        since=row.since if row else None,
        problem=row.problem if row else "",
        settings_version=row.settings_version if row else "",
    )
