"""Leases: of several workers one drives a cluster, and another takes over when it is gone."""

from datetime import datetime, timedelta

from sqlalchemy.orm import Session

from portal.db.engine import insert_if_absent
from portal.db.tables import Lease


def take_lease(
    session: Session, *, name: str, holder: str, lasts: timedelta, now: datetime
) -> bool:
    """Take or renew the lease; False while somebody else's has not run out.

    A lease is a courtesy that saves work, not what keeps a job from running twice: a worker that
    slept through its lease is stopped by the attempt's state and by the claim in its directory.
    """
    lease = session.get(Lease, name, with_for_update=True)
    if lease is None:
        return insert_if_absent(session, Lease(name=name, holder=holder, expires_at=now + lasts))
    if lease.holder != holder and lease.expires_at > now:
        return False
    lease.holder = holder
    lease.expires_at = now + lasts
    return True


def wait_for_turn(session: Session, *, name: str, now: datetime) -> None:
    """Return when no other transaction is within the same turn; it lasts until this one ends."""
    if session.get(Lease, name, with_for_update=True) is None:
        insert_if_absent(session, Lease(name=name, holder="", expires_at=now))
        session.get(Lease, name, with_for_update=True, populate_existing=True)


def give_back_lease(session: Session, *, name: str, holder: str, now: datetime) -> None:
    """Let go of the lease at the end, so that another worker need not wait for it to run out."""
    lease = session.get(Lease, name, with_for_update=True)
    if lease is not None and lease.holder == holder:
        lease.expires_at = now
