"""Images, jobs and attempts: what should run, and what the cluster said of it."""

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, ForeignKey, Index, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from portal.db.tables.base import Base, Key
from portal.domain.evaluations.jobs import ImageKind, JobKind
from portal.domain.evaluations.states import AttemptState, ImageState


class Image(Base):
    """A SIF on a cluster: made or checked once there, known by what it was made of."""

    __tablename__ = "images"
    __table_args__ = (UniqueConstraint("recipe", "cluster"), Index("ix_images_state", "state"))

    id: Mapped[Key]
    recipe: Mapped[str] = mapped_column(String(160))
    """Kind and digests of all that goes in: a cluster builds the same recipe once."""
    cluster: Mapped[str] = mapped_column(String(60))
    """Where it lies, and where it is built."""
    kind: Mapped[ImageKind]
    source_sha256: Mapped[str] = mapped_column(ForeignKey("blobs.sha256"))
    base_image_id: Mapped[str | None] = mapped_column(ForeignKey("images.id"))
    state: Mapped[ImageState]
    sif_sha256: Mapped[str | None] = mapped_column(String(64))
    size: Mapped[int | None] = mapped_column(BigInteger)
    lock: Mapped[str | None] = mapped_column(Text)
    """What was installed from ``requirements.txt``: versions and digests, as pip takes them."""
    reason: Mapped[str] = mapped_column(String(24), default="")
    message: Mapped[str] = mapped_column(Text, default="")
    detail: Mapped[str] = mapped_column(Text, default="")
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]
    deleted_at: Mapped[datetime | None]
    """When the SIF was deleted by policy; what needs it again builds it again."""
    scored_at: Mapped[datetime | None]
    """Of a scorer: when it first gave a score."""


class Job(Base):
    """Something to run on the cluster: for an evaluation, an image, or a measurement of data."""

    __tablename__ = "jobs"
    __table_args__ = (
        UniqueConstraint("evaluation_id", "kind"),
        # An image that failed can be tried again as another job, hence no unique image.
        Index("ix_jobs_image_id", "image_id"),
        Index("ix_jobs_snapshot_id", "snapshot_id"),
    )

    id: Mapped[Key]
    kind: Mapped[JobKind]
    evaluation_id: Mapped[str | None] = mapped_column(ForeignKey("evaluations.id"))
    image_id: Mapped[str | None] = mapped_column(ForeignKey("images.id"))
    snapshot_id: Mapped[str | None] = mapped_column(ForeignKey("data_snapshots.id"))
    cluster: Mapped[str] = mapped_column(String(60))
    profile: Mapped[str] = mapped_column(String(60))
    is_open: Mapped[bool] = mapped_column(default=True, index=True)
    """Whether something is still to be done for it."""
    created_at: Mapped[datetime]

    attempts: Mapped[list["Attempt"]] = relationship(
        lazy="raise", order_by="Attempt.number", back_populates="job"
    )


class Attempt(Base):
    """One try at a job. Its token is written here before the cluster hears of it."""

    __tablename__ = "attempts"
    __table_args__ = (
        UniqueConstraint("job_id", "number"),
        Index("ix_attempts_state", "state"),
    )

    token: Mapped[str] = mapped_column(String(60), primary_key=True)
    job_id: Mapped[str] = mapped_column(ForeignKey("jobs.id"))
    number: Mapped[int]
    state: Mapped[AttemptState]
    cluster_job_id: Mapped[str | None] = mapped_column(String(60))
    slurm_cluster: Mapped[str | None] = mapped_column(String(60))
    created_at: Mapped[datetime]
    submitted_at: Mapped[datetime | None]
    queued_at: Mapped[datetime | None]
    expected_at: Mapped[datetime | None]
    """When the cluster last expected it to start."""
    started_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]
    confirmed_at: Mapped[datetime | None]
    """When the cluster last said something of it."""
    absent_since: Mapped[datetime | None]
    """Since when complete answers have not had it."""
    outcome: Mapped[str | None] = mapped_column(String(24))
    exit_code: Mapped[int | None]
    raw_state: Mapped[str] = mapped_column(String(120), default="")
    raw_reason: Mapped[str] = mapped_column(String(200), default="")
    nodes: Mapped[str] = mapped_column(String(200), default="")
    problem: Mapped[str] = mapped_column(Text, default="")
    record: Mapped[dict[str, Any] | None]
    """What its run directory held when it was collected."""

    job: Mapped[Job] = relationship(lazy="raise", back_populates="attempts")


class RunLog(Base):
    """The end of what a run wrote. It can hold anything that the run saw: teams see it only once it is released."""

    __tablename__ = "run_logs"

    attempt_token: Mapped[str] = mapped_column(ForeignKey("attempts.token"), primary_key=True)
    stream: Mapped[str] = mapped_column(String(10), primary_key=True)
    """``stdout`` or ``stderr``."""
    text: Mapped[str] = mapped_column(Text)
    truncated: Mapped[bool]
    """Whether there was more of it."""


class LogRelease(Base):
    """That organisers let a team see the log of an attempt; it is never taken back."""

    __tablename__ = "log_releases"

    attempt_token: Mapped[str] = mapped_column(ForeignKey("attempts.token"), primary_key=True)
    released_by: Mapped[str] = mapped_column(ForeignKey("people.id"))
    released_at: Mapped[datetime]
    reason: Mapped[str] = mapped_column(String(500))
    """The team reads it."""


class Lease(Base):
    """Who may drive a cluster now; whoever finds it expired takes it over."""

    __tablename__ = "leases"

    name: Mapped[str] = mapped_column(String(60), primary_key=True)
    holder: Mapped[str] = mapped_column(String(120))
    expires_at: Mapped[datetime]
