"""What goes on between organisers and people: invitations to roles, questions and answers, circulars."""

from datetime import datetime

from sqlalchemy import ForeignKey, Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from portal.db.tables.accounts import Person
from portal.db.tables.base import Base, Key
from portal.domain.challenges.announcements import MAX_TITLE_CHARS
from portal.domain.challenges.circulars import Recipients
from portal.domain.challenges.questions import MAX_NOTE_CHARS, QuestionState
from portal.domain.mail.addresses import MAX_ADDRESS_CHARS
from portal.domain.permissions import Role


class RoleInvitation(Base):
    """That an address was invited to work for a challenge; whoever opens its link can accept it, once."""

    __tablename__ = "role_invitations"
    __table_args__ = (Index("ix_role_invitations_invited_by", "invited_by", "made_at"),)

    id: Mapped[Key]
    challenge_id: Mapped[str] = mapped_column(ForeignKey("challenges.id"), index=True)
    role: Mapped[Role]
    address: Mapped[str] = mapped_column(String(MAX_ADDRESS_CHARS))
    """Where the link goes; empty: forgotten, some time after the invitation has ended."""
    invited_by: Mapped[str] = mapped_column(ForeignKey("people.id"))
    made_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    withdrawn_at: Mapped[datetime | None]
    accepted_by: Mapped[str | None] = mapped_column(ForeignKey("people.id"))
    accepted_at: Mapped[datetime | None]

    author: Mapped[Person] = relationship(lazy="raise", foreign_keys=[invited_by])
    guest: Mapped[Person | None] = relationship(lazy="raise", foreign_keys=[accepted_by])


class RoleInvitationLink(Base):
    """A link that was put into a mail. The worker makes a secret each time it sends; only its digest is stored.

    So nobody but the mail has the secret, and a mail that is sent once more, as its worker was killed, has one that
    works whichever of the two arrives.
    """

    __tablename__ = "role_invitation_links"

    secret_sha256: Mapped[str] = mapped_column(String(64), primary_key=True)
    invitation_id: Mapped[str] = mapped_column(ForeignKey("role_invitations.id"), index=True)


class Question(Base):
    """What somebody asked the organisers of a challenge, and their answer."""

    __tablename__ = "questions"
    __table_args__ = (
        Index("ix_questions_challenge_id", "challenge_id", "state", "asked_at"),
        Index("ix_questions_asked_by", "asked_by", "challenge_id", "asked_at"),
    )

    id: Mapped[Key]
    challenge_id: Mapped[str] = mapped_column(ForeignKey("challenges.id"))
    asked_by: Mapped[str] = mapped_column(ForeignKey("people.id"))
    title: Mapped[str] = mapped_column(String(MAX_TITLE_CHARS))
    words: Mapped[str] = mapped_column(Text)
    """Markdown; organisers may change it, as others read it with the answer."""
    state: Mapped[QuestionState]
    asked_at: Mapped[datetime]
    answer: Mapped[str] = mapped_column(Text, default="")
    """Markdown."""
    answered_by: Mapped[str | None] = mapped_column(ForeignKey("people.id"))
    answered_at: Mapped[datetime | None]
    edited_at: Mapped[datetime | None]
    """When organisers changed the answer, or the question, last."""
    note: Mapped[str] = mapped_column(String(MAX_NOTE_CHARS), default="")
    """Why it is hidden or closed; whoever asked reads it."""

    asker: Mapped[Person] = relationship(lazy="raise", foreign_keys=[asked_by])
    author: Mapped[Person | None] = relationship(lazy="raise", foreign_keys=[answered_by])


class Circular(Base):
    """A mail that organisers wrote to participants. Who gets it stands in the queue of mails, by its id."""

    __tablename__ = "circulars"
    __table_args__ = (Index("ix_circulars_challenge_id", "challenge_id", "made_at"),)

    id: Mapped[Key]
    challenge_id: Mapped[str] = mapped_column(ForeignKey("challenges.id"))
    title: Mapped[str] = mapped_column(String(MAX_TITLE_CHARS))
    words: Mapped[str] = mapped_column(Text)
    recipients: Mapped[Recipients]
    phase_id: Mapped[str | None] = mapped_column(ForeignKey("phases.id"))
    """None: whichever phase."""
    number: Mapped[int]
    """Of people for whom it was queued."""
    made_by: Mapped[str] = mapped_column(ForeignKey("people.id"))
    made_at: Mapped[datetime]
    stopped_at: Mapped[datetime | None]
    """Since when nothing further of it is sent."""

    author: Mapped[Person] = relationship(lazy="raise", foreign_keys=[made_by])
