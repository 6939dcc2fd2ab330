"""What a check is handed: bootstrap fills it in."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from portal.db.engine import Database
from portal.domain.accounts.people import Actor
from portal.domain.audit import Head
from portal.domain.challenges.profiles import Profile
from scheduler.files import Files
from scheduler.interface import Scheduler
from scheduler.transport import Transport
from site_config.site import Cluster, Site


class ExaminedLog(Protocol):
    """How far the audit log is whole, and all that is wrong."""

    @property
    def head(self) -> Head:
        """The last entry up to which it is whole."""

    @property
    def problems(self) -> tuple[str, ...]:
        """What is wrong, as sentences."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SiteAdapters:
    """How a check reads the settings and reaches clusters: as portal and worker do."""

    read_settings: Callable[[Path], Site]
    profile_of: Callable[[Site, str], Profile]
    operator: Callable[[], Actor]
    transport_of: Callable[[Cluster], Transport]
    scheduler_of: Callable[[Cluster, Transport], Scheduler]
    files_of: Callable[[Cluster, Transport], Files]
    examine_audit_log: Callable[[Database, Site], ExaminedLog]
    greet_mail_server: Callable[[Site], None]
    """Raises ``OSError`` where the server cannot be used, and ``OperatorError`` without the password."""
