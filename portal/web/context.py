"""What the web portal is given: bootstrap fills it, nothing else does."""

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from urllib.parse import urlsplit

from portal.db.engine import Database
from portal.domain.accounts.claims import Rule
from portal.domain.accounts.gates import Gate
from portal.domain.accounts.provider_defaults import LoginProfile
from portal.domain.accounts.sessions import SessionLimits
from portal.domain.challenges.profiles import Resources
from portal.files.audit_heads import LogState
from portal.files.seals import PublicKey
from portal.files.store import Store

LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Provider:
    """An institution's login."""

    id: str
    """Part of the redirect address."""
    title: str
    issuer: str
    client_id: str
    client_secret: str = field(repr=False)
    profile: LoginProfile = LoginProfile.OIDC
    scopes: tuple[str, ...] = ()
    """What to ask for besides what the profile does."""
    claims: Mapping[str, str] = field(default_factory=dict)
    """Where it keeps what the portal has names of its own for, if not where all others do."""
    clock_skew: timedelta = timedelta(seconds=60)
    """How far its clock may be from ours."""
    logout: bool = True
    """Whether logging out here goes on to its own logout."""
    require: tuple[Gate, ...] = ()
    """What a login here has to say of somebody."""
    staff: Rule = field(default_factory=dict)
    """Claims that make somebody staff; without any, a login changes nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SiteTerms:
    """What everybody accepts before they do anything on the site; once for each version."""

    version: str = ""
    """Empty: the site has no terms."""
    markdown: str = ""


NO_TERMS = SiteTerms()


@dataclass(frozen=True, slots=True, kw_only=True)
class Rates:
    """How often somebody may try: each a number per second, minute, hour or day."""

    login: str = "60/minute"
    token: str = "30/minute"  # noqa: S105 - how often one may be wrong
    token_made: str = "20/hour"  # noqa: S105
    invitation: str = "30/hour"
    invitation_tried: str = "30/minute"
    upload: str = "60/hour"

    def by_name(self) -> Mapping[str, str]:
        """Return the rates by the names that routes give."""
        return asdict(self)


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
    audit_state: Callable[[], LogState | None] = lambda: None
    """What the worker found when it looked at the audit log last."""
    gates: tuple[Gate, ...] = ()
    """What every login has to say of somebody, whichever provider it comes from."""
    terms: SiteTerms = NO_TERMS
    session_limits: SessionLimits = SessionLimits()  # noqa: RUF009 - it is frozen
    rates: Rates = Rates()
    sends_mail: bool = False
    """Whether the worker sends mails: without that none is queued."""
    settings_version: str = ""
    """Tells the settings that pages are served with from others."""
    seal_keys: tuple[PublicKey, ...] = ()
    """With which anybody can check what the site has signed."""
    everybody_creates: bool = False
    """Whether everybody who is logged in may make a new challenge, or staff only."""

    def __post_init__(self) -> None:
        """Refuse an address under which the cookie of the login would travel in the clear."""
        address = urlsplit(self.site_url)
        is_loopback = address.scheme == "http" and address.hostname in LOOPBACK
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
