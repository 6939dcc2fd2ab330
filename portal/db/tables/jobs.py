"""Images, jobs and attempts: what should run, and what the cluster said of it."""

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, ForeignKey, Index, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from portal.db.tables.base import Base, Key
from portal.domain.jobs import ImageKind, JobKind
from portal.domain.states import AttemptState, ImageState


class Image(Base):
    """A SIF: made or checked once, known by what it was made of."""

    __tablename__ = "images"
    __table_args__ = (Index("ix_images_state", "state"),)

    id: Mapped[Key]
    recipe: Mapped[str] = mapped_column(String(160), unique=True)
    """Kind and digests of all that goes in: the same recipe is never built twice."""
    kind: Mapped[ImageKind]
    source_sha256: Mapped[str] = mapped_column(ForeignKey("blobs.sha256"))
    base_image_id: Mapped[str | None] = mapped_column(ForeignKey("images.id"))
    state: Mapped[ImageState]
    sif_sha256: Mapped[str | None] = mapped_column(String(64))
    size: Mapped[int | None] = mapped_column(BigInteger)
    reason: Mapped[str] = mapped_column(String(24), default="")
    sentence: Mapped[str] = mapped_column(Text, default="")
    detail: Mapped[str] = mapped_column(Text, default="")
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]


class Job(Base):
    """Something to run on the cluster, for an evaluation or for an image."""

    __tablename__ = "jobs"
    __table_args__ = (
        UniqueConstraint("evaluation_id", "kind"),
        # An image that failed can be tried again as another job, hence no unique image.
        Index("ix_jobs_image_id", "image_id"),
    )

    id: Mapped[Key]
    kind: Mapped[JobKind]
    evaluation_id: Mapped[str | None] = mapped_column(ForeignKey("evaluations.id"))
    image_id: Mapped[str | None] = mapped_column(ForeignKey("images.id"))
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


class Lease(Base):
    """Who may drive a cluster now; whoever finds it expired takes it over."""

    __tablename__ = "leases"

    name: Mapped[str] = mapped_column(String(60), primary_key=True)
    holder: Mapped[str] = mapped_column(String(120))
    expires_at: Mapped[datetime]
