"""People, the accounts they log in with, and their sessions."""

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, String, Text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from portal.db.tables.base import Base, Digest, Key


class Person(Base):
    """Somebody, whichever accounts they log in with."""

    __tablename__ = "people"

    id: Mapped[Key]
    name: Mapped[str] = mapped_column(String(200))
    is_staff: Mapped[bool] = mapped_column(default=False)
    created_at: Mapped[datetime]


class Account(Base):
    """An identity at a provider: issuer and subject, never an e-mail address."""

    __tablename__ = "accounts"

    issuer: Mapped[str] = mapped_column(String(500), primary_key=True)
    subject: Mapped[str] = mapped_column(String(255), primary_key=True)
    person_id: Mapped[str] = mapped_column(ForeignKey("people.id"), index=True)
    claims: Mapped[dict[str, Any]]
    """What the provider said at the last login, for the rules of the site."""
    created_at: Mapped[datetime]
    last_login_at: Mapped[datetime]

    person: Mapped[Person] = relationship(lazy="raise")


class LoginSession(Base):
    """One browser. The cookie holds a random secret; only its digest is stored."""

    __tablename__ = "login_sessions"

    secret_sha256: Mapped[Digest] = mapped_column(primary_key=True)
    person_id: Mapped[str | None] = mapped_column(ForeignKey("people.id"), index=True)
    data: Mapped[dict[str, Any]]
    """What the login needs between two requests: state, nonce, verifier, where to go next."""
    created_at: Mapped[datetime]
    seen_at: Mapped[datetime]
    expires_at: Mapped[datetime] = mapped_column(index=True)
    agent: Mapped[str] = mapped_column(Text, default="")
