"""What went wrong with one thing while everything else went on."""

from datetime import datetime

from sqlalchemy import Index, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from portal.db.tables.base import Base, Key


class Trouble(Base):
    """A step of the worker that failed for one row; gone as soon as it has worked."""

    __tablename__ = "troubles"
    __table_args__ = (
        UniqueConstraint("step", "subject"),
        Index("ix_troubles_subject", "subject"),
    )

    id: Mapped[Key]
    cluster: Mapped[str] = mapped_column(String(60))
    step: Mapped[str] = mapped_column(String(20))
    subject: Mapped[str] = mapped_column(String(80))
    """The token of an attempt, or the id of an evaluation, an image, a measurement or a deletion."""
    tries: Mapped[int]
    problem: Mapped[str] = mapped_column(Text)
    """For staff: the error and where it was raised."""
    first_at: Mapped[datetime]
    last_at: Mapped[datetime]
    next_at: Mapped[datetime | None]
    """When it is tried again; None: it needs attention, and nobody tries it before staff say so."""
