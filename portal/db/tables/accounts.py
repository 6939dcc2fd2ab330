"""People, the accounts they log in with, their sessions and their tokens."""

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, ForeignKeyConstraint, String, Text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from portal.db.tables.base import Base, Digest, Key
from portal.domain.accounts.people import Names, ShownAs, new_pseudonym


class Person(Base):
    """Somebody, whichever accounts they log in with."""

    __tablename__ = "people"

    id: Mapped[Key]
    name: Mapped[str] = mapped_column(String(200))
    """As the provider of the last login gives it."""
    display_name: Mapped[str] = mapped_column(String(60), default="")
    pseudonym: Mapped[str] = mapped_column(String(60), default=new_pseudonym)
    shown_as: Mapped[ShownAs] = mapped_column(default=ShownAs.NAME)
    is_staff: Mapped[bool] = mapped_column(default=False)
    """Named by an operator; those whom a provider names have it with their account."""
    blocked_at: Mapped[datetime | None]
    """Since when this person is blocked."""
    deleted_at: Mapped[datetime | None]
    """When the person had their data deleted; the pseudonym stays, for the leaderboards."""
    created_at: Mapped[datetime]

    @property
    def names(self) -> Names:
        """Return what to call the person, and where."""
        return Names(
            name=self.name,
            display_name=self.display_name,
            pseudonym=self.pseudonym,
            shown_as=self.shown_as,
        )


class Account(Base):
    """An identity at a provider: issuer and subject, never an e-mail address."""

    __tablename__ = "accounts"

    issuer: Mapped[str] = mapped_column(String(500), primary_key=True)
    subject: Mapped[str] = mapped_column(String(255), primary_key=True)
    person_id: Mapped[str] = mapped_column(ForeignKey("people.id"), index=True)
    claims: Mapped[dict[str, Any]]
    """What the provider said at the last login, for the rules of the site."""
    unique_id: Mapped[str | None] = mapped_column(String(300), index=True)
    """What tells people apart across providers (eduperson unique id), for hints to organisers only."""
    grants_staff: Mapped[bool] = mapped_column(default=False)
    """Whether the provider's rule made the last login through this account one of staff."""
    created_at: Mapped[datetime]
    last_login_at: Mapped[datetime]

    person: Mapped[Person] = relationship(lazy="raise")


class LoginSession(Base):
    """One browser. The cookie holds a random secret; only its digest is stored."""

    __tablename__ = "login_sessions"
    __table_args__ = (
        ForeignKeyConstraint(["issuer", "subject"], ["accounts.issuer", "accounts.subject"]),
    )

    secret_sha256: Mapped[Digest] = mapped_column(primary_key=True)
    id: Mapped[str] = mapped_column(String(20), unique=True)
    """What pages call it by; it opens nothing."""
    person_id: Mapped[str | None] = mapped_column(ForeignKey("people.id"), index=True)
    issuer: Mapped[str | None] = mapped_column(String(500))
    subject: Mapped[str | None] = mapped_column(String(255))
    provider_id: Mapped[str] = mapped_column(String(40), default="")
    provider_session: Mapped[str | None] = mapped_column(String(255), index=True)
    """The provider's own name for its session (``sid``), by which it can end ours."""
    id_token: Mapped[str] = mapped_column(Text, default="")
    """Handed back to the provider at logout, so that it knows whom to log out."""
    acr: Mapped[str] = mapped_column(String(200), default="")
    data: Mapped[dict[str, Any]]
    """What the login needs between two requests: state, nonce, verifier, where to go next."""
    created_at: Mapped[datetime]
    seen_at: Mapped[datetime]
    expires_at: Mapped[datetime] = mapped_column(index=True)
    agent: Mapped[str] = mapped_column(Text, default="")
    origin: Mapped[str] = mapped_column(String(60), default="")
    """The network address from which it was begun."""


class TermsAcceptance(Base):
    """Who accepted which version of the site's terms."""

    __tablename__ = "terms_acceptances"

    person_id: Mapped[str] = mapped_column(ForeignKey("people.id"), primary_key=True)
    version: Mapped[str] = mapped_column(String(60), primary_key=True)
    accepted_at: Mapped[datetime]


class ApiToken(Base):
    """Lets a program act for a person. Shown once; only its digest is stored."""

    __tablename__ = "api_tokens"

    id: Mapped[Key]
    person_id: Mapped[str] = mapped_column(ForeignKey("people.id"), index=True)
    name: Mapped[str] = mapped_column(String(60))
    """What its owner calls it."""
    secret_sha256: Mapped[str] = mapped_column(String(64), unique=True)
    scopes: Mapped[list[str]]
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    last_used_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]


class SpentLogoutToken(Base):
    """A back-channel logout token that was obeyed, kept until it expires so that it works once."""

    __tablename__ = "spent_logout_tokens"

    issuer: Mapped[str] = mapped_column(String(500), primary_key=True)
    jti: Mapped[str] = mapped_column(String(255), primary_key=True)
    expires_at: Mapped[datetime] = mapped_column(index=True)
