"""What organisers announced."""

from datetime import datetime

from sqlalchemy import ForeignKey, Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from portal.db.tables.accounts import Person
from portal.db.tables.base import Base, Key
from portal.domain.challenges.announcements import MAX_TITLE_CHARS


class Announcement(Base):
    """An announcement of a challenge, as it was last corrected."""

    __tablename__ = "announcements"
    __table_args__ = (Index("ix_announcements_challenge_id", "challenge_id", "made_at"),)

    id: Mapped[Key]
    challenge_id: Mapped[str] = mapped_column(ForeignKey("challenges.id"))
    title: Mapped[str] = mapped_column(String(MAX_TITLE_CHARS))
    markdown: Mapped[str] = mapped_column(Text)
    made_by: Mapped[str] = mapped_column(ForeignKey("people.id"))
    made_at: Mapped[datetime]
    edited_at: Mapped[datetime | None]
    """When it was last corrected; by whom, the audit log says."""
    withdrawn_at: Mapped[datetime | None]
    """Since when nobody but organisers sees it; None: it is shown."""

    author: Mapped[Person] = relationship(lazy="raise", foreign_keys=[made_by])
