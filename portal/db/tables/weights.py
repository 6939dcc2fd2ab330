"""Weights that teams have uploaded."""

from datetime import datetime

from sqlalchemy import ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column, relationship

from portal.db.tables.base import Base, Key
from portal.db.tables.submissions import Blob


class Weights(Base):
    """A file that a team can name with what it submits; runs find it at ``/weights``."""

    __tablename__ = "weights"
    __table_args__ = (
        Index("ix_weights_challenge_id_team_id", "challenge_id", "team_id"),
        Index("ix_weights_blob_sha256", "blob_sha256"),
    )

    id: Mapped[Key]
    challenge_id: Mapped[str] = mapped_column(ForeignKey("challenges.id"))
    team_id: Mapped[str] = mapped_column(ForeignKey("teams.id"))
    person_id: Mapped[str] = mapped_column(ForeignKey("people.id"))
    blob_sha256: Mapped[str] = mapped_column(ForeignKey("blobs.sha256"))
    filename: Mapped[str] = mapped_column(String(255))
    """As the browser called it."""
    is_unpacked: Mapped[bool] = mapped_column(default=False)
    """Whether runs find the files in it, as its content was when it came; runs look for themselves."""
    created_at: Mapped[datetime]
    removed_at: Mapped[datetime | None]
    """Since when it is not offered any more; submissions that name it keep it."""

    blob: Mapped[Blob] = relationship(lazy="raise")
