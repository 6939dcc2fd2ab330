"""What the site's data directories held, each time they were measured."""

from datetime import datetime

from sqlalchemy import BigInteger, Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from portal.db.tables.base import Base, Key
from portal.domain.evaluations.states import SnapshotState


class DataSnapshot(Base):
    """A measurement of a data directory on a cluster; the last one that is ready is what results refer to."""

    __tablename__ = "data_snapshots"
    __table_args__ = (
        Index("ix_data_snapshots_name_cluster", "name", "cluster"),
        Index("ix_data_snapshots_state", "state"),
    )

    id: Mapped[Key]
    name: Mapped[str] = mapped_column(String(60))
    """The name that the site gives the directory."""
    cluster: Mapped[str] = mapped_column(String(60))
    path: Mapped[str] = mapped_column(Text)
    """Where it lay; at another place it is measured anew."""
    state: Mapped[SnapshotState]
    root: Mapped[str | None] = mapped_column(String(64))
    """The root of the Merkle tree of all that is in it."""
    fingerprint: Mapped[str | None] = mapped_column(String(64))
    """A digest of names, kinds, sizes and times, with which each run can see a change."""
    files: Mapped[int | None] = mapped_column(BigInteger)
    size: Mapped[int | None] = mapped_column(BigInteger)
    detail: Mapped[str] = mapped_column(Text, default="")
    """Why it failed, for operators."""
    created_at: Mapped[datetime]
    measured_at: Mapped[datetime | None]
