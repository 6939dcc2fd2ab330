"""What people decided about what needs attention, and whether the workers and their clusters are alive."""

from datetime import datetime

from sqlalchemy import String, Text
from sqlalchemy.orm import Mapped, mapped_column

from portal.db.tables.base import Base, Key
from portal.domain.attention.decisions import Choice


class Decision(Base):
    """What somebody wants done with one thing; gone as soon as a worker has done it. The audit log says who."""

    __tablename__ = "decisions"

    id: Mapped[Key]
    subject: Mapped[str] = mapped_column(String(80), unique=True)
    """What the list of what needs attention calls it."""
    choice: Mapped[Choice]
    alike: Mapped[bool]
    """Whether it is about all that failed alike in the same challenge."""
    made_at: Mapped[datetime]


class Heartbeat(Base):
    """That a worker drives a cluster, and how that answers."""

    __tablename__ = "heartbeats"

    cluster: Mapped[str] = mapped_column(String(60), primary_key=True)
    holder: Mapped[str] = mapped_column(String(120))
    """Which worker: host and process."""
    seen_at: Mapped[datetime]
    """When it last finished a round."""
    probe_image_id: Mapped[str] = mapped_column(String(20))
    """The image without which nothing runs on the cluster."""
    settings_version: Mapped[str] = mapped_column(String(16))
    """Tells the settings that it works with from others."""
    answers: Mapped[bool]
    """Whether the cluster answered when it was last asked."""
    since: Mapped[datetime]
    """Since when it does, or does not."""
    problem: Mapped[str] = mapped_column(Text, default="")
    """For staff: what it said instead, or beside its answers."""
