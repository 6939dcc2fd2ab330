"""Who takes part in a challenge, and the teams they are in."""

from datetime import datetime

from sqlalchemy import ForeignKey, Index, String, Text, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column, relationship, validates

from portal.db.look_alikes import skeleton_of
from portal.db.tables.accounts import Person
from portal.db.tables.base import Base, Key
from portal.domain.teams.expulsion import MAX_CONTACT_CHARS, MAX_REASON_CHARS
from portal.domain.teams.membership_rules import MergeState, ParticipationState


class Participation(Base):
    """Whether a person takes part in a challenge: asked, admitted or declined."""

    __tablename__ = "participations"
    __table_args__ = (
        Index("ix_participations_challenge_id_state", "challenge_id", "state", "asked_at"),
    )

    challenge_id: Mapped[str] = mapped_column(ForeignKey("challenges.id"), primary_key=True)
    person_id: Mapped[str] = mapped_column(ForeignKey("people.id"), primary_key=True, index=True)
    state: Mapped[ParticipationState]
    note: Mapped[str] = mapped_column(String(500), default="")
    """What the person wrote to the organisers when asking."""
    terms_sha256: Mapped[str] = mapped_column(String(64), default="")
    """The text of the challenge's terms that was accepted; empty: there were none."""
    asked_at: Mapped[datetime]
    decided_at: Mapped[datetime | None]
    decided_by: Mapped[str | None] = mapped_column(ForeignKey("people.id"))
    """The organiser; None where the policy itself decided."""
    reason: Mapped[str] = mapped_column(
        String(MAX_REASON_CHARS), default="", server_default=text("''")
    )
    """Why the person was removed or banned: they read it."""
    contact: Mapped[str] = mapped_column(
        String(MAX_CONTACT_CHARS), default="", server_default=text("''")
    )
    """Whom they can ask about it; empty: the support of the site."""
    before_ban: Mapped[ParticipationState | None]
    """How far they were when they were banned: what lifting the ban leads back to."""

    person: Mapped[Person] = relationship(lazy="raise", foreign_keys=[person_id])


class Team(Base):
    """Who competes; a person alone is a team of one."""

    __tablename__ = "teams"
    __table_args__ = (
        UniqueConstraint("challenge_id", "name"),
        Index("ix_teams_skeleton", "challenge_id", "skeleton", unique=True),
    )

    id: Mapped[Key]
    challenge_id: Mapped[str] = mapped_column(ForeignKey("challenges.id"))
    name: Mapped[str] = mapped_column(String(200))
    skeleton: Mapped[str] = mapped_column(Text, server_default="")
    """What the name looks like: no two teams of a challenge have names that are taken for each other."""
    named_after: Mapped[str | None] = mapped_column(ForeignKey("people.id"))
    """Whose public name it has; it follows that name until somebody renames the team."""
    merged_into_id: Mapped[str | None] = mapped_column(ForeignKey("teams.id"))
    """The team that took over its members and submissions; such a team no longer competes."""
    is_dry_run: Mapped[bool] = mapped_column(default=False)
    """Whether it is the portal's own, without members, for what dry runs submit: it never competes."""
    created_at: Mapped[datetime]

    @validates("name")
    def _note_skeleton(self, _key: str, name: str) -> str:
        # Whoever gives a name gives its skeleton: nobody has to think of it.
        self.skeleton = skeleton_of(name)
        return name


class Membership(Base):
    """A person is in at most one team of a challenge."""

    __tablename__ = "memberships"
    __table_args__ = (UniqueConstraint("challenge_id", "person_id"),)

    team_id: Mapped[str] = mapped_column(ForeignKey("teams.id"), primary_key=True)
    person_id: Mapped[str] = mapped_column(ForeignKey("people.id"), primary_key=True)
    challenge_id: Mapped[str] = mapped_column(ForeignKey("challenges.id"))
    joined_at: Mapped[datetime]

    person: Mapped[Person] = relationship(lazy="raise")


class PastMembership(Base):
    """That somebody was in a team and left it."""

    __tablename__ = "past_memberships"

    id: Mapped[Key]
    team_id: Mapped[str] = mapped_column(ForeignKey("teams.id"))
    challenge_id: Mapped[str] = mapped_column(ForeignKey("challenges.id"), index=True)
    person_id: Mapped[str] = mapped_column(ForeignKey("people.id"), index=True)
    joined_at: Mapped[datetime]
    left_at: Mapped[datetime]


class Invitation(Base):
    """A link that lets people into a team. Only the digest of its secret is stored."""

    __tablename__ = "invitations"

    id: Mapped[Key]
    team_id: Mapped[str] = mapped_column(ForeignKey("teams.id"), index=True)
    secret_sha256: Mapped[str] = mapped_column(String(64), unique=True)
    created_by: Mapped[str] = mapped_column(ForeignKey("people.id"))
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    withdrawn_at: Mapped[datetime | None]

    team: Mapped[Team] = relationship(lazy="raise")
    author: Mapped[Person] = relationship(lazy="raise", foreign_keys=[created_by])


class MergeRequest(Base):
    """That one team asks to become part of another."""

    __tablename__ = "merge_requests"

    id: Mapped[Key]
    from_team_id: Mapped[str] = mapped_column(ForeignKey("teams.id"), index=True)
    to_team_id: Mapped[str] = mapped_column(ForeignKey("teams.id"), index=True)
    state: Mapped[MergeState]
    asked_by: Mapped[str] = mapped_column(ForeignKey("people.id"))
    asked_at: Mapped[datetime]
    decided_by: Mapped[str | None] = mapped_column(ForeignKey("people.id"))
    decided_at: Mapped[datetime | None]

    from_team: Mapped[Team] = relationship(lazy="raise", foreign_keys=[from_team_id])
    to_team: Mapped[Team] = relationship(lazy="raise", foreign_keys=[to_team_id])
