"""What was deleted by policy: the rows stay when the files are gone."""

from datetime import datetime

from sqlalchemy import BigInteger, ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from portal.db.tables.base import Base, Digest, Key
from portal.domain.retention import ArtifactKind


class Deletion(Base):
    """One thing that was deleted, or is about to be while ``done_at`` is empty."""

    __tablename__ = "deletions"
    __table_args__ = (Index("ix_deletions_kind_subject", "kind", "subject"),)

    id: Mapped[Key]
    kind: Mapped[ArtifactKind]
    subject: Mapped[str] = mapped_column(String(64))
    """The digest of an upload, the id of an image, the token of an attempt."""
    cluster: Mapped[str] = mapped_column(String(60), default="")
    """Where it lies; empty for an upload, which the portal itself keeps."""
    challenge_id: Mapped[str | None] = mapped_column(ForeignKey("challenges.id"), index=True)
    """None: of no challenge, as an upload that was refused."""
    sha256: Mapped[Digest]
    """Of the file; of a directory, over the names, sizes and digests of all its files."""
    size: Mapped[int] = mapped_column(BigInteger)
    policy: Mapped[str] = mapped_column(String(200))
    """In words, as it was when this was decided."""
    intended_at: Mapped[datetime]
    done_at: Mapped[datetime | None] = mapped_column(index=True)
