"""What an OpenID provider says of itself: where its addresses are, and its keys.

The document is fetched again after an hour, and after anything went wrong. It has to name the issuer
of the settings, and an address on a host that was not in it before is not used until the portal is
started again: the client's secret and people's codes go nowhere that nobody has looked at.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import httpx2
import structlog
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from portal.web.context import LOOPBACK
from portal.web.login.failures import LoginError

log = structlog.get_logger("sealrun.login")

METADATA_TTL_SECONDS = 3600.0
"""Seconds for which a document and its keys are taken to be right."""

MAX_FORCED_PER_MINUTE = 10
"""How often in a minute keys may be fetched early: whoever sends us tokens could have it done."""

SAFE_ALGORITHMS = frozenset({"RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA", "Ed25519"})  # fmt: skip
"""Signatures that only the provider can make: none, and nothing made with a shared secret."""

REQUIRED = ("authorization_endpoint", "token_endpoint", "jwks_uri")
OPTIONAL = ("userinfo_endpoint", "end_session_endpoint")


@dataclass(frozen=True, slots=True, kw_only=True)
class ProviderMetadata:
    """The document of a provider, checked."""

    addresses: Mapping[str, str]
    """By their names in the document; those that are optional may be absent."""
    algorithms: frozenset[str]
    """With which ID tokens may be signed."""
    names_itself: bool
    """Whether its answers always say whose they are (RFC 9207)."""
    takes_basic: bool
    """Whether it takes the client's secret in a header; otherwise in the form."""
    hears_claims: bool
    """Whether a claim can be asked for as essential: ``acr_values`` alone is only a wish."""

    @property
    def hosts(self) -> frozenset[str]:
        """Return the hosts of its addresses, each with its port."""
        return frozenset(urlsplit(address).netloc for address in self.addresses.values())


class Discovery:
    """One provider's document and keys, kept in memory."""

    def __init__(self, issuer: str, *, timeout: float, clock: Callable[[], float]) -> None:
        self._issuer = issuer
        self._timeout = timeout
        self._clock = clock
        self._last: ProviderMetadata | None = None
        self._fetched_at: float | None = None
        self._keys: KeySet | None = None
        self._keys_at = 0.0
        self._forced: deque[float] = deque(maxlen=MAX_FORCED_PER_MINUTE)

    async def metadata(self) -> ProviderMetadata:
        """Return what the provider says of itself; raise ``LoginError`` if it is not to be used."""
        now = self._clock()
        if (
            self._last
            and self._fetched_at is not None
            and now - self._fetched_at < METADATA_TTL_SECONDS
        ):
            return self._last
        document = await self._fetch(
            f"{self._issuer.rstrip('/')}/.well-known/openid-configuration", "discovery"
        )
        fresh = parse_metadata(document, self._issuer)
        self._compare(fresh)
        self._last, self._fetched_at = fresh, now
        return fresh

    def forget(self) -> None:
        """Have everything fetched again next time."""
        self._fetched_at = None
        self._keys = None

    async def keys(self, *, early: bool = False) -> KeySet:
        """Return the provider's keys: ``early``, because one is unknown, fetched now."""
        now = self._clock()
        is_fresh = self._keys is not None and now - self._keys_at < METADATA_TTL_SECONDS
        if self._keys is not None and is_fresh and not (early and self._may_force(now)):
            return self._keys
        place = (await self.metadata()).addresses["jwks_uri"]
        document = await self._fetch(place, "keys")
        try:
            self._keys = KeySet.import_key_set(document)  # type: ignore[arg-type]
        except (JoseError, ValueError, KeyError, TypeError, RecursionError) as error:
            raise LoginError("keys_unreadable", error=repr(error)) from error
        self._keys_at = now
        return self._keys

    def _may_force(self, now: float) -> bool:
        if len(self._forced) == MAX_FORCED_PER_MINUTE and now - self._forced[0] < 60:  # noqa: PLR2004 - a minute
            return False
        self._forced.append(now)
        return True

    def _compare(self, fresh: ProviderMetadata) -> None:
        before = self._last
        if before is None or fresh == before:
            return
        changes = {
            name: (before.addresses.get(name), fresh.addresses.get(name))
            for name in (*REQUIRED, *OPTIONAL)
            if before.addresses.get(name) != fresh.addresses.get(name)
        }
        known = before.hosts | {urlsplit(self._issuer).netloc}
        if foreign := sorted(fresh.hosts - known):
            raise LoginError("discovery_moved", issuer=self._issuer, hosts=foreign, changes=changes)
        log.warning("provider_metadata_changed", issuer=self._issuer, changes=changes)

    async def _fetch(self, address: str, what: str) -> dict[str, Any]:
        try:
            async with (
                asyncio.timeout(self._timeout),
                httpx2.AsyncClient(timeout=self._timeout) as client,
            ):
                # A redirect is not followed: the addresses are the provider's own.
                answer = (await client.get(address)).raise_for_status()
                document = answer.json()
        except (
            httpx2.HTTPError,
            httpx2.InvalidURL,
            TimeoutError,
            ValueError,
            RecursionError,
        ) as error:
            self.forget()
            raise LoginError(f"{what}_unreachable", error=repr(error)) from error
        return document if isinstance(document, dict) else {}


def parse_metadata(document: Mapping[str, Any], issuer: str) -> ProviderMetadata:
    """Return a document, checked; raise ``LoginError`` for one that must not be used."""
    if document.get("issuer") != issuer:
        raise LoginError("discovery_misnamed", issuer=issuer, named=str(document.get("issuer")))
    addresses = dict(_addresses(document, issuer))
    offered = document.get("id_token_signing_alg_values_supported", ["RS256"])
    algorithms = SAFE_ALGORITHMS.intersection(_texts(offered))
    if not algorithms:
        raise LoginError("discovery_unsafe", issuer=issuer, algorithms=_texts(offered))
    ways = document.get("token_endpoint_auth_methods_supported", ["client_secret_basic"])
    return ProviderMetadata(
        addresses=addresses,
        algorithms=algorithms,
        names_itself=document.get("authorization_response_iss_parameter_supported") is True,
        takes_basic="client_secret_basic" in _texts(ways),
        hears_claims=document.get("claims_parameter_supported") is True,
    )


def _addresses(document: Mapping[str, Any], issuer: str) -> Iterator[tuple[str, str]]:
    for name in (*REQUIRED, *OPTIONAL):
        address = document.get(name)
        if address is None and name in OPTIONAL:
            continue
        if not isinstance(address, str) or not is_safe(address, issuer):
            raise LoginError("discovery_unsafe", issuer=issuer, name=name, address=str(address))
        yield name, address


def is_safe(address: str, issuer: str) -> bool:
    """Whether an address is reached through TLS, or stays on this machine as the issuer does."""
    try:
        parts, own = urlsplit(address), urlsplit(issuer)
    except ValueError:
        return False
    if not parts.hostname or parts.username is not None or parts.fragment:
        return False
    if parts.scheme == "http":
        return own.scheme == "http" and {parts.hostname, own.hostname} <= LOOPBACK
    return parts.scheme == "https"


def _texts(found: object) -> list[str]:
    return [one for one in found if isinstance(one, str)] if isinstance(found, list) else []
