"""What the web portal is given: bootstrap fills it, nothing else does."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from urllib.parse import urlsplit

from portal.db.engine import Database
from portal.domain.claims import Rule
from portal.domain.profiles import Resources
from portal.files.store import Store

_LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Provider:
    """An institution's OpenID Connect login."""

    id: str
    """Part of the redirect address."""
    title: str
    issuer: str
    client_id: str
    client_secret: str = field(repr=False)
    require: Rule = field(default_factory=dict)
    """Claims without which nobody logs in here."""
    staff: Rule = field(default_factory=dict)
    """Claims that make somebody staff; without any, a login changes nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WebContext:
    """Everything that pages need and that differs from site to site."""

    database: Database
    store: Store
    resources: Resources
    site_name: str
    site_url: str
    """Without a slash at the end."""
    support: str
    """Where people find help: an e-mail address or a web page."""
    providers: tuple[Provider, ...]
    clock: Callable[[], datetime]

    def __post_init__(self) -> None:
        """Refuse an address under which the cookie of the login would travel in the clear."""
        address = urlsplit(self.site_url)
        is_loopback = address.scheme == "http" and address.hostname in _LOOPBACK
        if address.scheme != "https" and not is_loopback:
            raise ValueError("the site's address must start with https:// or be a loopback address")

    @property
    def is_secure(self) -> bool:
        """Whether browsers reach the portal through TLS."""
        return self.site_url.startswith("https://")

    @property
    def origin(self) -> str:
        """Return scheme, host and port, as browsers send them."""
        address = urlsplit(self.site_url)
        return f"{address.scheme}://{address.netloc}"

    @property
    def providers_by_id(self) -> Mapping[str, Provider]:
        """Return the logins by the part of their address."""
        return {provider.id: provider for provider in self.providers}
