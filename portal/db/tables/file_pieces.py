"""What is being done with files of a cluster's storage, as its worker says every few seconds."""

from datetime import datetime

from sqlalchemy import BigInteger, String
from sqlalchemy.orm import Mapped, mapped_column

from portal.db.tables.base import Base
from portal.domain.evaluations.file_parts import Part


class FilePiece(Base):
    """A piece of such work that takes longer than a moment; gone when it has come to an end."""

    __tablename__ = "file_pieces"

    cluster: Mapped[str] = mapped_column(String(60), primary_key=True)
    subject: Mapped[str] = mapped_column(String(80), primary_key=True)
    """Mostly the token of an attempt."""
    part: Mapped[Part] = mapped_column(primary_key=True)
    is_begun: Mapped[bool]
    """Whether it is worked on; otherwise it waits for its turn."""
    size: Mapped[int] = mapped_column(BigInteger)
    """Bytes gone through so far."""
    since: Mapped[datetime]
    said_at: Mapped[datetime]
