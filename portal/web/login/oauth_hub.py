"""Logging in with a JupyterHub, which speaks OAuth 2.0 and no OpenID Connect.

There is no document to discover, no signed token and no nonce. What stands for them: the hub's
addresses follow from its own, everything is asked of the hub itself through TLS, and ``state`` and
PKCE tie the answer to the browser that began. A name is all that tells people apart there: whoever is
given a name that somebody else had before is that person here, too.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from portal.web.context import Provider
from portal.web.login.attempts import Attempt
from portal.web.login.failures import LoginError
from portal.web.login.oidc import AuthenticatedUser, check_sender, code_of, identity_of
from portal.web.login.oidc_client import Client
from portal.web.login.oidc_tokens import LogoutOrder, is_name

SAID = frozenset({"name", "groups", "admin", "roles"})
"""What a hub says of a person; the rest is about the token."""


class HubLogin:
    """One hub of the site; its address is the issuer of the accounts."""

    def __init__(self, provider: Provider, *, site_url: str, timeout: float) -> None:
        self._provider = provider
        self._api = f"{provider.issuer.rstrip('/')}/hub/api"
        self._client = Client(
            provider, site_url=site_url, timeout=timeout, metadata=self._endpoints
        )

    async def authorization_url(
        self, attempt: Attempt, *, state: str, acr: Iterable[str], force_reauthentication: bool
    ) -> str:
        """Return where the browser logs in; a hub cannot be asked how to make sure of it."""
        del acr, force_reauthentication
        return await self._client.begin(state=state, verifier=attempt.verifier)

    async def complete(self, answer: Mapping[str, str], attempt: Attempt) -> AuthenticatedUser:
        """Return who has logged in; raise ``LoginError``."""
        check_sender(answer, self._provider.issuer, names_itself=False)
        token = await self._client.exchange_code(code_of(answer), attempt.verifier)
        said = await self._client.ask(f"{self._api}/user", token["access_token"])
        name = said.get("name")
        if said.get("kind") != "user" or not is_name(name):
            raise LoginError("token_about_nobody")
        known = {key: value for key, value in said.items() if key in SAID}
        return AuthenticatedUser(identity=identity_of(self._provider, str(name), known))

    async def _endpoints(self) -> dict[str, Any]:
        return {
            "authorization_endpoint": f"{self._api}/oauth2/authorize",
            "token_endpoint": f"{self._api}/oauth2/token",
            "token_endpoint_auth_method": "client_secret_post",
        }

    async def logout_address(self, id_token: str, *, back: str, state: str) -> str | None:
        """Return None: a hub sends nobody back."""
        del id_token, back, state
        return None

    async def logout_order(self, token: str) -> LogoutOrder:
        """Refuse: a hub sends no logout tokens."""
        del token
        raise LoginError("logout_not_spoken")
