"""Mails that are to be sent, and what people want to get."""

from datetime import datetime

from sqlalchemy import ForeignKey, Index, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from portal.db.tables.base import Base, Key
from portal.domain.mail.kinds import MailKind, MailState


class Mail(Base):
    """One mail to one person on one occasion. It holds no address: that is looked up when it is sent."""

    __tablename__ = "mails"
    __table_args__ = (
        UniqueConstraint("kind", "occasion", "person_id"),
        Index("ix_mails_state_next_at", "state", "next_at"),
    )

    id: Mapped[Key]
    kind: Mapped[MailKind]
    occasion: Mapped[str] = mapped_column(String(64))
    """What it is about: the id of an announcement, or challenge and moment of a decision."""
    person_id: Mapped[str] = mapped_column(ForeignKey("people.id"), index=True)
    challenge_id: Mapped[str] = mapped_column(ForeignKey("challenges.id"))
    state: Mapped[MailState] = mapped_column(default=MailState.QUEUED)
    tries: Mapped[int] = mapped_column(default=0)
    problem: Mapped[str] = mapped_column(Text, default="")
    """For staff: what the server said, without the address."""
    queued_at: Mapped[datetime]
    next_at: Mapped[datetime]
    """When it is tried next; while it is being sent, when it is tried again if its worker is killed."""
    done_at: Mapped[datetime | None]
    """When it was sent, dropped or given up."""


class MailChoice(Base):
    """What a person wants to get by mail; without a row, everything."""

    __tablename__ = "mail_choices"

    person_id: Mapped[str] = mapped_column(ForeignKey("people.id"), primary_key=True)
    token: Mapped[str] = mapped_column(String(64), unique=True)
    """Part of the links in mails. Each mail has it, so it is kept as it is; all that it opens is to get fewer."""
    refused: Mapped[list[str]]
    """Topics of which the person wants no mails."""
    changed_at: Mapped[datetime]
