"""How often what pages show was changed: what was put together before can be shown again until it is."""

from sqlalchemy import BigInteger, String
from sqlalchemy.orm import Mapped, mapped_column

from portal.db.tables.base import Base


class Revision(Base):
    """A number that grows with each transaction that changes what it is about."""

    __tablename__ = "revisions"

    name: Mapped[str] = mapped_column(String(40), primary_key=True)
    number: Mapped[int] = mapped_column(BigInteger)
