"""Challenges as their bundle describes them."""

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, ForeignKey, String, Text, UniqueConstraint, text
from sqlalchemy.orm import Mapped, foreign, mapped_column, relationship

from portal.db.tables.accounts import Person
from portal.db.tables.base import Base, Digest, Key
from portal.domain.challenges.life import ChallengeState
from portal.domain.challenges.questions import Asking
from portal.domain.challenges.revisions import Origin, RevisionState
from portal.domain.leaderboards.scores import Rule, Sort
from portal.domain.permissions import Audience, Readers, Role
from portal.domain.submissions.admission import Needs
from portal.domain.submissions.disclosure import DEFAULT_STEP, Failures


class Challenge(Base):
    """One competition."""

    __tablename__ = "challenges"

    id: Mapped[Key]
    slug: Mapped[str] = mapped_column(String(60), unique=True)
    title: Mapped[str] = mapped_column(String(200))
    state: Mapped[ChallengeState] = mapped_column(default=ChallengeState.DRAFT)
    approved_at: Mapped[datetime | None]
    """When the site last approved what it runs; the worker believes a file of its own instead."""
    timezone: Mapped[str] = mapped_column(String(64), default="")
    """In which dates are shown beside UTC; empty: in none."""
    terms: Mapped[str] = mapped_column(Text, default="")
    terms_folder: Mapped[str] = mapped_column(String(1000), default="")
    """Where their file lies in the bundle."""
    summary: Mapped[str] = mapped_column(String(200), default="")
    logo: Mapped[str] = mapped_column(String(1000), default="")
    """The path of a picture; empty without."""
    join_policy: Mapped[str] = mapped_column(String(20))
    join_gate: Mapped[dict[str, Any]] = mapped_column(default=dict)
    """For the policy ``claims``: title, claims and whom to ask, as ``portal.domain.accounts.gates`` reads it."""
    team_size: Mapped[int]
    rosters_freeze_at: Mapped[datetime | None]
    """From when on nobody joins, leaves or merges teams; never without it."""
    rule: Mapped[Rule]
    """Of the boards that say nothing else."""
    reveal_at: Mapped[datetime | None]
    """When private columns without a time of their own are shown to everybody; never without it."""
    ladder_eta: Mapped[float | None]
    """The Ladder's step on all boards, in the primary column; None: each board says whether it has one."""
    q_and_a: Mapped[Asking] = mapped_column(default=Asking.NOBODY, server_default=text("'nobody'"))
    """Whether questions are asked, and who reads the answers."""
    retention: Mapped[dict[str, Any]] = mapped_column(default=dict)
    """How many seconds each kind is kept, as ``portal.domain.retention`` reads it."""
    questions: Mapped[list[dict[str, Any]]] = mapped_column(default=list)
    """The form of a submission, as ``portal.domain.submissions.questions`` reads it."""
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]

    pages: Mapped[list["Page"]] = relationship(lazy="raise", order_by="Page.position")
    phases: Mapped[list["Phase"]] = relationship(
        lazy="raise", order_by="Phase.position", back_populates="challenge"
    )
    tasks: Mapped[list["Task"]] = relationship(lazy="raise", order_by="Task.position")
    columns: Mapped[list["Column"]] = relationship(lazy="raise", order_by="Column.position")
    boards: Mapped[list["Board"]] = relationship(lazy="raise", order_by="Board.position")


class Organiser(Base):
    """Who works for a challenge, and as what."""

    __tablename__ = "organisers"

    challenge_id: Mapped[str] = mapped_column(ForeignKey("challenges.id"), primary_key=True)
    person_id: Mapped[str] = mapped_column(ForeignKey("people.id"), primary_key=True, index=True)
    role: Mapped[Role] = mapped_column(default=Role.OWNER)
    added_at: Mapped[datetime | None]
    added_by: Mapped[str | None] = mapped_column(ForeignKey("people.id"))
    """None: an operator did."""

    person: Mapped[Person] = relationship(lazy="raise", foreign_keys=[person_id])


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
    folder: Mapped[str] = mapped_column(String(1000), default="")
    """Where its file lies in the bundle: what it names is relative to that."""
    readers: Mapped[Readers] = mapped_column(default=Readers.EVERYBODY)


class Picture(Base):
    """A picture of the bundle that pages show."""

    __tablename__ = "pictures"
    __table_args__ = (UniqueConstraint("challenge_id", "path"),)

    id: Mapped[Key]
    challenge_id: Mapped[str] = mapped_column(ForeignKey("challenges.id"))
    path: Mapped[str] = mapped_column(String(1000))
    """In the bundle, and in its address."""
    blob_sha256: Mapped[str] = mapped_column(ForeignKey("blobs.sha256"))
    readers: Mapped[Readers]
    """The widest of the pages that show it."""


class Download(Base):
    """A file that people can download, or the address of one elsewhere."""

    __tablename__ = "downloads"
    __table_args__ = (UniqueConstraint("challenge_id", "name"),)

    id: Mapped[Key]
    challenge_id: Mapped[str] = mapped_column(ForeignKey("challenges.id"))
    name: Mapped[str] = mapped_column(String(1000))
    """In its address: the file's own name, with its folders where several have that; or the address elsewhere."""
    position: Mapped[int]
    title: Mapped[str] = mapped_column(String(200))
    readers: Mapped[Readers]
    blob_sha256: Mapped[str | None] = mapped_column(ForeignKey("blobs.sha256"))
    size: Mapped[int | None] = mapped_column(BigInteger)
    """Bytes; None for a file elsewhere."""
    url: Mapped[str | None] = mapped_column(String(2000))
    url_sha256: Mapped[Digest | None]
    """What the organisers say its digest is."""
    fetched: Mapped[int] = mapped_column(default=0)
    """How often somebody has begun to download it here."""


class Task(Base):
    """Private input, truth and scorer, and the profiles to run them with."""

    __tablename__ = "tasks"
    __table_args__ = (UniqueConstraint("challenge_id", "slug"),)

    id: Mapped[Key]
    challenge_id: Mapped[str] = mapped_column(ForeignKey("challenges.id"))
    slug: Mapped[str] = mapped_column(String(60))
    position: Mapped[int]
    cluster: Mapped[str] = mapped_column(String(60))
    """Where all of it runs, and where its images are."""
    input_data: Mapped[str] = mapped_column(String(60))
    """A name from the site's settings, never a path."""
    truth_data: Mapped[str] = mapped_column(String(60))
    sample_sha256: Mapped[str | None] = mapped_column(ForeignKey("blobs.sha256"))
    """Public data for smoke runs: the digest of a plain tar of it."""
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
    per_week: Mapped[int | None]
    total: Mapped[int | None]
    running: Mapped[int | None]
    failed_per_day: Mapped[int | None]
    """Of those that failed by the team's own doing, which then count in no other limit; None: they do."""
    after_slug: Mapped[str | None] = mapped_column(String(60))
    """The phase in which a team needs something before it can submit to this one."""
    after_needs: Mapped[Needs | None]
    after_rank: Mapped[int | None]
    takes_late: Mapped[bool] = mapped_column(default=False)
    """Whether submissions after the end are evaluated; they stand without a rank."""
    late_until: Mapped[datetime | None]
    """Until when; None: until the challenge is closed."""
    leaderboard: Mapped[Audience]
    feedback: Mapped[str] = mapped_column(String(20))
    logs: Mapped[str] = mapped_column(String(20))
    failures: Mapped[Failures] = mapped_column(default=Failures.SEALED)
    time_step: Mapped[int] = mapped_column(default=int(DEFAULT_STEP.total_seconds()))
    """Seconds: how coarsely a team is shown when a run on private data ended."""
    hold_results: Mapped[bool] = mapped_column(default=False)
    """Whether a run's end is ingested only after a whole number of those steps."""

    @property
    def is_sealed(self) -> bool:
        """Whether failures, their steps and their times are shown as if they were all one."""
        return self.failures is Failures.SEALED

    def is_late(self, now: datetime) -> bool:
        """Whether it is over, and submissions are evaluated all the same."""
        return (
            self.takes_late
            and now >= self.ends_at
            and (self.late_until is None or now < self.late_until)
        )

    challenge: Mapped[Challenge] = relationship(lazy="raise", back_populates="phases")


class PhaseTask(Base):
    """Which tasks a submission to a phase is evaluated on."""

    __tablename__ = "phase_tasks"

    phase_id: Mapped[str] = mapped_column(ForeignKey("phases.id"), primary_key=True)
    task_id: Mapped[str] = mapped_column(ForeignKey("tasks.id"), primary_key=True)


class Column(Base):
    """A score that people see, written by a scorer or worked out from others."""

    __tablename__ = "columns"
    __table_args__ = (UniqueConstraint("challenge_id", "key"),)

    id: Mapped[Key]
    challenge_id: Mapped[str] = mapped_column(ForeignKey("challenges.id"))
    position: Mapped[int]
    key: Mapped[str] = mapped_column(String(60))
    title: Mapped[str] = mapped_column(String(200))
    sort: Mapped[Sort]
    precision: Mapped[int]
    unit: Mapped[str] = mapped_column(String(200), default="")
    minimum: Mapped[float | None]
    maximum: Mapped[float | None]
    is_primary: Mapped[bool]
    """Whether it ranks on boards that say nothing else."""
    private: Mapped[bool]
    """Shown from ``reveal_at`` on, or the challenge's; so is what is worked out from a private one."""
    reveal_at: Mapped[datetime | None]
    task_id: Mapped[str | None] = mapped_column(ForeignKey("tasks.id"))
    """The task that gives it; None: any that does."""
    source: Mapped[str] = mapped_column(String(60), default="")
    """Its key in ``scores.json``; empty: its own."""
    formula: Mapped[dict[str, Any]] = mapped_column(default=dict)
    """How it is worked out, as ``portal.domain.leaderboards.formulas`` reads it; empty: a scorer writes it."""


class Board(Base):
    """A ranking of one or several phases."""

    __tablename__ = "boards"
    __table_args__ = (UniqueConstraint("challenge_id", "slug"),)

    id: Mapped[Key]
    challenge_id: Mapped[str] = mapped_column(ForeignKey("challenges.id"))
    slug: Mapped[str] = mapped_column(String(60))
    title: Mapped[str] = mapped_column(String(200))
    position: Mapped[int]
    phases: Mapped[list[str]]
    """Slugs of the challenge's phases."""
    ranking: Mapped[dict[str, Any]] = mapped_column(default=dict)
    """What it ranks by, as ``portal.domain.leaderboards.ranking`` reads it; empty: by the primary column."""
    shown: Mapped[list[str]] = mapped_column(default=list)
    """Keys of the columns that it shows; empty: all."""
    rule: Mapped[Rule | None]
    """None: the challenge's."""
    number: Mapped[int] = mapped_column(default=1)
    """How many a team can choose, or of how many of the last the best counts, where the rule has such a number."""
    audience: Mapped[Audience | None]
    """None: the narrowest of its phases."""
    ranks_organisers: Mapped[bool] = mapped_column(default=True)
    """Whether teams of those who work for the challenge have a rank."""
    reveal_at: Mapped[datetime | None]
    """From when on others than organisers see it."""
    freeze_at: Mapped[datetime | None]
    """From when on others than organisers see it as it was then: as the board whose ``frozen_of`` it is."""
    frozen_of: Mapped[str | None] = mapped_column(ForeignKey("boards.id"))
    """The board that this one keeps as of its ``freeze_at``; no page names this one."""
    anonymous_until: Mapped[datetime | None]
    compare: Mapped[str] = mapped_column(String(60), default="")
    """Slug of another board whose ranks are shown beside; empty: none."""
    ladder_eta: Mapped[float | None]
    """The Ladder's step in the column that ranks, where the challenge has none."""

    columns: Mapped[list[Column]] = relationship(
        lazy="raise",
        order_by=Column.position,
        primaryjoin=lambda: foreign(Column.challenge_id) == Board.challenge_id,
        viewonly=True,
    )
    """All columns of the challenge."""


class ChallengeRevision(Base):
    """What the bundle of a challenge was at a time."""

    __tablename__ = "challenge_revisions"
    __table_args__ = (UniqueConstraint("challenge_id", "number"),)

    id: Mapped[Key]
    challenge_id: Mapped[str] = mapped_column(ForeignKey("challenges.id"))
    number: Mapped[int]
    """From 1 on, in the order in which they were made."""
    settings: Mapped[str] = mapped_column(Text)
    """The text of ``challenge.yaml``."""
    changes: Mapped[list[str]]
    """What it changes, in the words of ``challenge.yaml``; empty for the first one."""
    origin: Mapped[Origin]
    made_by: Mapped[str | None] = mapped_column(ForeignKey("people.id"))
    """None: an operator."""
    made_at: Mapped[datetime]
    state: Mapped[RevisionState] = mapped_column(default=RevisionState.APPLIED)
    message: Mapped[str] = mapped_column(String(500), default="")
    """What whoever made it says of it."""
    base_number: Mapped[int | None]
    """The revision that it was made of: it can be applied as long as that one holds."""
    needs: Mapped[list[str]] = mapped_column(default=list)
    """What of it the site has to approve, for those who read it: it is found out again when it is applied."""
    applied_at: Mapped[datetime | None]


class RevisionFile(Base):
    """A file of a bundle; a directory is a plain tar of its files."""

    __tablename__ = "revision_files"

    revision_id: Mapped[str] = mapped_column(ForeignKey("challenge_revisions.id"), primary_key=True)
    path: Mapped[str] = mapped_column(String(1000), primary_key=True)
    blob_sha256: Mapped[str] = mapped_column(ForeignKey("blobs.sha256"), index=True)
    size: Mapped[int] = mapped_column(BigInteger)
    is_directory: Mapped[bool] = mapped_column(default=False)
