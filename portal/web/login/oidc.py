"""Logging in with OpenID Connect: code flow with PKCE, state and nonce."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from portal.domain.accounts.claim_aliases import normalize_claims
from portal.domain.accounts.claims import Identity
from portal.domain.accounts.provider_defaults import PROVIDER_DEFAULTS
from portal.web.context import Provider
from portal.web.login.attempts import Attempt
from portal.web.login.failures import LoginError
from portal.web.login.oidc_client import Client
from portal.web.login.oidc_discovery import Discovery
from portal.web.login.oidc_tokens import LogoutOrder, Verifier, is_name

OF_THE_LOGIN = frozenset({"iss", "acr", "amr", "auth_time"})
"""What only the signed token says; user info is about the person, not about this login."""

MAX_HINT_CHARS = 6000
"""Letters of an ID token that still fits into an address."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AuthenticatedUser:
    """Who a provider says has logged in, and what it calls this login."""

    identity: Identity
    sid: str | None = None
    id_token: str = ""


class OpenIdLogin:
    """One provider of the site. Its addresses and keys are fetched when they are first needed."""

    def __init__(
        self, provider: Provider, *, site_url: str, discovery: Discovery, timeout: float
    ) -> None:
        self._provider = provider
        self._discovery = discovery
        self._client = Client(
            provider, site_url=site_url, timeout=timeout, metadata=self._endpoints
        )
        self._verifier = Verifier(
            issuer=provider.issuer,
            client_id=provider.client_id,
            leeway=int(provider.clock_skew.total_seconds()),
            discovery=self._discovery,
        )

    async def authorization_url(
        self, attempt: Attempt, *, state: str, acr: Iterable[str], force_reauthentication: bool
    ) -> str:
        """Return where the browser logs in: with ``acr``, if any, and ``force_reauthentication`` if asked for."""
        document = await self._discovery.metadata()
        wishes = _strength_params(tuple(acr), is_heard=document.hears_claims)
        if force_reauthentication:
            wishes["prompt"] = "login"
        return await self._client.begin(
            state=state, verifier=attempt.verifier, nonce=attempt.nonce, **wishes
        )

    async def complete(self, answer: Mapping[str, str], attempt: Attempt) -> AuthenticatedUser:
        """Return who has logged in; raise ``LoginError``."""
        try:
            return await self._complete(answer, attempt)
        except LoginError as failure:
            if failure.reason.endswith(("_unreachable", "_unreadable")):
                # The provider's addresses may have changed: look again next time.
                self._discovery.forget()
            raise

    async def logout_address(self, id_token: str, *, back: str, state: str) -> str | None:
        """Return where the browser logs out at the provider; None: it has no such place."""
        document = await self._discovery.metadata()
        if "end_session_endpoint" not in document.addresses:
            return None
        made = await self._client.create_logout_url(
            post_logout_redirect_uri=back,
            id_token_hint=id_token if len(id_token) <= MAX_HINT_CHARS else None,
            state=state,
            client_id=self._provider.client_id,
        )
        return str(made["url"])

    async def logout_order(self, token: str) -> LogoutOrder:
        """Return whom the provider's logout token logs out; raise ``LoginError``."""
        return await self._verifier.logout_token(token)

    async def _endpoints(self) -> dict[str, Any]:
        """Return what the client is to know of the document."""
        document = await self._discovery.metadata()
        way = "client_secret_basic" if document.takes_basic else "client_secret_post"
        return {**document.addresses, "token_endpoint_auth_method": way}

    async def _complete(self, answer: Mapping[str, str], attempt: Attempt) -> AuthenticatedUser:
        document = await self._discovery.metadata()
        check_sender(answer, self._provider.issuer, names_itself=document.names_itself)
        token = await self._client.exchange_code(code_of(answer), attempt.verifier)
        id_token, access_token = token.get("id_token"), token["access_token"]
        if not isinstance(id_token, str):
            raise LoginError("token_answer_without_id_token")
        claims = await self._verifier.id_token(
            id_token, nonce=attempt.nonce, access_token=access_token
        )
        more = await self._more(document.addresses.get("userinfo_endpoint"), access_token, claims)
        sid = claims.get("sid")
        return AuthenticatedUser(
            identity=identity_of(self._provider, claims["sub"], more | claims),
            sid=sid if is_name(sid) else None,
            id_token=id_token,
        )

    async def _more(
        self, endpoint: str | None, access_token: str, claims: Mapping[str, Any]
    ) -> dict[str, Any]:
        """Return what user info adds: many providers put affiliation and entitlements only here."""
        if endpoint is None:
            if PROVIDER_DEFAULTS[self._provider.profile].needs_userinfo:
                raise LoginError("userinfo_missing")
            return {}
        said = await self._client.ask_either(endpoint, access_token)
        if isinstance(said, str):
            said = await self._verifier.user_info(said)
        if said.get("sub") != claims["sub"]:
            raise LoginError("userinfo_of_another")
        return {name: value for name, value in said.items() if name not in OF_THE_LOGIN}


def _strength_params(acr: tuple[str, ...], *, is_heard: bool) -> dict[str, str]:
    """Return how to ask for a login that is made sure of in one of these ways."""
    if not acr:
        return {}
    essential = {"id_token": {"acr": {"essential": True, "values": list(acr)}}}
    return {"acr_values": " ".join(acr)} | ({"claims": json.dumps(essential)} if is_heard else {})


def identity_of(provider: Provider, subject: str, claims: Mapping[str, Any]) -> Identity:
    """Return who a provider's claims are about, with the portal's own names in them."""
    # NaN and its kind are no JSON: a database may refuse them.
    try:
        clean = json.loads(json.dumps(dict(claims)), parse_constant=lambda _: None)
    except RecursionError as error:
        raise LoginError("token_unreadable", error="claims inside each other") from error
    return Identity(
        issuer=provider.issuer, subject=subject, claims=normalize_claims(clean, provider.claims)
    )


def code_of(answer: Mapping[str, str]) -> str:
    """Return the code of an answer, or raise what the provider refused with."""
    if error := answer.get("error"):
        # The description comes with the address and could say anything: it is not shown.
        declined = {"access_denied", "login_required", "consent_required", "interaction_required"}
        unmet = error == "unmet_authentication_requirements"
        reason = "declined" if error in declined else "acr_missing" if unmet else "refused"
        raise LoginError(reason, error=error[:80])
    if not (code := answer.get("code")):
        raise LoginError("answer_without_code")
    return code


def check_sender(answer: Mapping[str, str], issuer: str, *, names_itself: bool) -> None:
    """Refuse the answer of another provider, where they say whose it is (RFC 9207)."""
    sender = answer.get("iss")
    if sender is None and names_itself:
        raise LoginError("answer_without_issuer")
    if sender is not None and sender != issuer:
        raise LoginError("answer_of_another_issuer")
