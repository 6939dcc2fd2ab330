"""Whether the portal can do its work."""

from sqlalchemy import select
from sqlalchemy.orm import Session

from portal.db.tables import Challenge


def check(session: Session) -> None:
    """Read from a table; raises what the database raises when it cannot."""
    session.execute(select(Challenge.id).limit(1))
