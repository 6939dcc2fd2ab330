"""Reports of checks of the site: kept by the command, shown to staff."""

from datetime import datetime

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from portal.db.tables import CheckReport
from portal.domain import permissions
from portal.domain.accounts.people import Actor
from portal.domain.errors import NotAllowedError, NotFoundError
from portal.domain.ids import new_id
from portal.domain.site.findings import Report, report_from_json

KEPT = 20
"""How many reports are kept; older ones go."""


def keep(session: Session, *, actor: Actor, report: Report, now: datetime) -> None:
    """Keep a report. Raises ``NotAllowedError`` for anybody but an operator."""
    if not permissions.may_operate(actor):
        raise NotAllowedError("Only an operator of the site checks it.")
    session.add(CheckReport(id=new_id(now), taken_at=report.taken_at, report=report.as_json()))
    session.flush()
    newest = select(CheckReport.id).order_by(CheckReport.taken_at.desc(), CheckReport.id.desc())
    ids = list(session.scalars(newest.offset(KEPT)))
    session.execute(delete(CheckReport).where(CheckReport.id.in_(ids)))


def last_report(session: Session, *, actor: Actor) -> Report | None:
    """Return the newest report, for staff; None if there is none, or only one of another form."""
    if not permissions.may_see_staff_pages(actor):
        raise NotFoundError
    newest = (
        select(CheckReport.report)
        .order_by(CheckReport.taken_at.desc(), CheckReport.id.desc())
        .limit(1)
    )
    value = session.scalar(newest)
    try:
        return report_from_json(value) if value is not None else None
    except ValueError:
        # Written by another release; the next check writes one that can be read.
        return None
