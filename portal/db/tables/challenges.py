"""Challenges as their bundle describes them."""

from datetime import datetime

from sqlalchemy import ForeignKey, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from portal.db.tables.base import Base, Key
from portal.domain.permissions import Audience
from portal.domain.scores import Rule, Sort


class Challenge(Base):
    """One competition."""

    __tablename__ = "challenges"

    id: Mapped[Key]
    slug: Mapped[str] = mapped_column(String(60), unique=True)
    title: Mapped[str] = mapped_column(String(200))
    published: Mapped[bool] = mapped_column(default=True)
    terms: Mapped[str] = mapped_column(Text, default="")
    join_policy: Mapped[str] = mapped_column(String(20))
    team_size: Mapped[int]
    rule: Mapped[Rule]
    reveal_at: Mapped[datetime | None]
    """When private columns are shown to everybody; never without it."""
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]

    pages: Mapped[list["Page"]] = relationship(lazy="raise", order_by="Page.position")
    phases: Mapped[list["Phase"]] = relationship(
        lazy="raise", order_by="Phase.position", back_populates="challenge"
    )
    tasks: Mapped[list["Task"]] = relationship(lazy="raise", order_by="Task.position")
    columns: Mapped[list["Column"]] = relationship(lazy="raise", order_by="Column.position")


class Organiser(Base):
    """Who owns a challenge."""

    __tablename__ = "organisers"

    challenge_id: Mapped[str] = mapped_column(ForeignKey("challenges.id"), primary_key=True)
    person_id: Mapped[str] = mapped_column(ForeignKey("people.id"), primary_key=True)


class Page(Base):
    """A page that the organisers wrote, in Markdown."""

    __tablename__ = "pages"
    __table_args__ = (UniqueConstraint("challenge_id", "slug"),)

    id: Mapped[Key]
    challenge_id: Mapped[str] = mapped_column(ForeignKey("challenges.id"))
    slug: Mapped[str] = mapped_column(String(60))
    position: Mapped[int]
    title: Mapped[str] = mapped_column(String(200))
    markdown: Mapped[str] = mapped_column(Text)


class Task(Base):
    """Private input, truth and scorer, and the profiles to run them with."""

    __tablename__ = "tasks"
    __table_args__ = (UniqueConstraint("challenge_id", "slug"),)

    id: Mapped[Key]
    challenge_id: Mapped[str] = mapped_column(ForeignKey("challenges.id"))
    slug: Mapped[str] = mapped_column(String(60))
    position: Mapped[int]
    input_data: Mapped[str] = mapped_column(String(60))
    """A name from the site's settings, never a path."""
    truth_data: Mapped[str] = mapped_column(String(60))
    scorer_image_id: Mapped[str] = mapped_column(ForeignKey("images.id"))
    base_image_id: Mapped[str | None] = mapped_column(ForeignKey("images.id"))
    predict_profile: Mapped[str] = mapped_column(String(60))
    predict_argv: Mapped[list[str]]
    score_profile: Mapped[str] = mapped_column(String(60))
    score_argv: Mapped[list[str]]
    required_outputs: Mapped[list[str]]
    output_limit: Mapped[int]
    output_files: Mapped[int]


class Phase(Base):
    """A time window with its own limits and visibility."""

    __tablename__ = "phases"
    __table_args__ = (UniqueConstraint("challenge_id", "slug"),)

    id: Mapped[Key]
    challenge_id: Mapped[str] = mapped_column(ForeignKey("challenges.id"))
    slug: Mapped[str] = mapped_column(String(60))
    title: Mapped[str] = mapped_column(String(200))
    position: Mapped[int]
    starts_at: Mapped[datetime]
    ends_at: Mapped[datetime]
    kinds: Mapped[list[str]]
    per_day: Mapped[int | None]
    total: Mapped[int | None]
    running: Mapped[int | None]
    leaderboard: Mapped[Audience]
    feedback: Mapped[str] = mapped_column(String(20))
    logs: Mapped[str] = mapped_column(String(20))

    challenge: Mapped[Challenge] = relationship(lazy="raise", back_populates="phases")


class PhaseTask(Base):
    """Which tasks a submission to a phase is evaluated on."""

    __tablename__ = "phase_tasks"

    phase_id: Mapped[str] = mapped_column(ForeignKey("phases.id"), primary_key=True)
    task_id: Mapped[str] = mapped_column(ForeignKey("tasks.id"), primary_key=True)


class Column(Base):
    """A column of the leaderboard."""

    __tablename__ = "columns"
    __table_args__ = (UniqueConstraint("challenge_id", "key"),)

    id: Mapped[Key]
    challenge_id: Mapped[str] = mapped_column(ForeignKey("challenges.id"))
    position: Mapped[int]
    key: Mapped[str] = mapped_column(String(60))
    title: Mapped[str] = mapped_column(String(100))
    sort: Mapped[Sort]
    precision: Mapped[int]
    minimum: Mapped[float | None]
    maximum: Mapped[float | None]
    is_primary: Mapped[bool]
    private: Mapped[bool]
    """Shown from the challenge's ``reveal_at`` on."""
