"""Dry runs of challenges: what was submitted to try them, and what each has to come to."""

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from portal.db.tables.accounts import Person
from portal.db.tables.base import Base, Digest, Key
from portal.db.tables.submissions import Submission
from portal.domain.challenges.dry_runs import TrialRole


class DryRun(Base):
    """That somebody tried a challenge as it was at a time; what came of it is read from its submissions."""

    __tablename__ = "dry_runs"
    __table_args__ = (UniqueConstraint("challenge_id", "number"),)

    id: Mapped[Key]
    challenge_id: Mapped[str] = mapped_column(ForeignKey("challenges.id"))
    number: Mapped[int]
    """From 1 on, in the order in which they were made."""
    revision_number: Mapped[int]
    """The revision that held."""
    sha256: Mapped[Digest]
    """Of what ran and was submitted: where that is otherwise by now, this says nothing of the challenge."""
    started_by: Mapped[str] = mapped_column(ForeignKey("people.id"))
    started_at: Mapped[datetime]
    notes: Mapped[list[str]] = mapped_column(default=list)
    """What was left out, in sentences."""
    reason: Mapped[str] = mapped_column(String(500), default="")
    """Why an owner accepts what its cheats gain; empty: nobody did."""
    accepted_by: Mapped[str | None] = mapped_column(ForeignKey("people.id"))
    accepted_at: Mapped[datetime | None]

    person: Mapped[Person] = relationship(lazy="raise", foreign_keys=[started_by])


class DryRunTrial(Base):
    """A submission of a dry run, and what it has to come to."""

    __tablename__ = "dry_run_trials"

    dry_run_id: Mapped[str] = mapped_column(ForeignKey("dry_runs.id"), primary_key=True)
    position: Mapped[int] = mapped_column(primary_key=True)
    submission_id: Mapped[str] = mapped_column(ForeignKey("submissions.id"), unique=True)
    role: Mapped[TrialRole]
    name: Mapped[str] = mapped_column(String(200))
    about: Mapped[str] = mapped_column(Text, default="")
    """What a cheat tries, in a sentence."""
    expected: Mapped[dict[str, Any]]
    """``outcome``, ``bounds`` by column, ``may_score``."""
    board: Mapped[bool] = mapped_column(default=False)
    """Whether the board shows it, as a baseline without a rank, once the challenge is published."""
    stands: Mapped[bool] = mapped_column(default=False)
    """Whether it does."""

    submission: Mapped[Submission] = relationship(lazy="raise")
