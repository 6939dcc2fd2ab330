"""The logins of the site, by the part of their address."""

import time
from collections.abc import Callable, Mapping
from typing import Protocol

from portal.web.context import Provider, WebContext
from portal.web.login.attempts import Attempt
from portal.web.login.oauth_hub import HubLogin
from portal.web.login.oidc import AuthenticatedUser, OpenIdLogin
from portal.web.login.oidc_discovery import Discovery
from portal.web.login.oidc_tokens import LogoutOrder

TIMEOUT_SECONDS = 10.0
"""Seconds that a provider has for each answer."""


class ProviderLogin(Protocol):
    """How the portal speaks with one provider. Every method may raise ``LoginError``."""

    async def authorization_url(
        self, attempt: Attempt, *, state: str, acr: tuple[str, ...], force_reauthentication: bool
    ) -> str:
        """Return the address at which the browser logs in."""

    async def complete(self, answer: Mapping[str, str], attempt: Attempt) -> AuthenticatedUser:
        """Return who has logged in, by what the browser brought back."""

    async def logout_address(self, id_token: str, *, back: str, state: str) -> str | None:
        """Return the address at which the browser logs out there; None if there is none."""

    async def logout_order(self, token: str) -> LogoutOrder:
        """Return whom a logout token of the provider is about."""


def logins_of(
    context: WebContext,
    *,
    timeout: float = TIMEOUT_SECONDS,
    clock: Callable[[], float] = time.monotonic,
) -> Mapping[str, ProviderLogin]:
    """Return a login for each provider of the site; ``clock`` is in seconds."""

    def login_of(provider: Provider) -> ProviderLogin:
        if not provider.profile.is_openid:
            return HubLogin(provider, site_url=context.site_url, timeout=timeout)
        discovery = Discovery(provider.issuer, timeout=timeout, clock=clock)
        return OpenIdLogin(
            provider, site_url=context.site_url, discovery=discovery, timeout=timeout
        )

    return {provider.id: login_of(provider) for provider in context.providers}
