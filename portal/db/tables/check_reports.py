"""What checks of the whole site found, as the command wrote it."""

from datetime import datetime
from typing import Any

from sqlalchemy.orm import Mapped, mapped_column

from portal.db.tables.base import Base, Key


class CheckReport(Base):
    """One report of ``sealrun check-site``; see ``portal.domain.site.findings``."""

    __tablename__ = "check_reports"

    id: Mapped[Key]
    taken_at: Mapped[datetime] = mapped_column(index=True)
    report: Mapped[dict[str, Any]]
