"""The client's half of the code flow with PKCE: Authlib's client for Starlette, which knows only what was checked."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import httpx2
from authlib.integrations.starlette_client import OAuthError, StarletteOAuth2App
from authlib.oauth2 import OAuth2Error

from portal.domain.accounts.provider_defaults import scopes_of
from portal.web.context import Provider
from portal.web.login.failures import LoginError

Metadata = Callable[[], Coroutine[Any, Any, dict[str, Any]]]


class Client(StarletteOAuth2App):  # type: ignore[misc] # Authlib has no types
    """What one provider knows the portal as.

    ``metadata`` gives the provider's addresses under the names of a discovery document, and may raise ``LoginError``.
    Authlib would take every word of the document itself as an option of its HTTP client, ``verify`` and ``proxy``
    among them. ``timeout`` is in seconds, for each answer.
    """

    def __init__(
        self, provider: Provider, *, site_url: str, timeout: float, metadata: Metadata
    ) -> None:
        super().__init__(
            framework=None,
            name=provider.id,
            client_id=provider.client_id,
            client_secret=provider.client_secret,
            client_kwargs={
                "scope": scopes_of(provider.profile, provider.scopes) or None,
                "code_challenge_method": "S256",
                "timeout": timeout,
            },
            user_agent="Sealrun",
        )
        # One address per provider: a code of one cannot be slipped in as an answer of another.
        self.redirect_uri = f"{site_url}/login/{provider.id}/callback"
        self._timeout = timeout
        self._metadata = metadata

    async def load_server_metadata(self) -> dict[str, Any]:
        """Return what Authlib may know of the provider."""
        return await self._metadata()

    async def begin(self, *, state: str, verifier: str, **wishes: str) -> str:
        """Return where the browser begins to log in."""
        begun = await self.create_authorization_url(
            self.redirect_uri, state=state, code_verifier=verifier, **wishes
        )
        return str(begun["url"])

    async def exchange_code(self, code: str, verifier: str) -> dict[str, Any]:
        """Return the token for a code."""
        try:
            async with asyncio.timeout(self._timeout):
                token = await self.fetch_access_token(
                    self.redirect_uri, code=code, code_verifier=verifier
                )
        except (OAuthError, OAuth2Error) as error:
            raise _refused(error) from error
        except (httpx2.HTTPError, TimeoutError) as error:
            raise LoginError("token_unreachable", error=repr(error)) from error
        except (ValueError, TypeError, KeyError, RecursionError) as error:
            raise LoginError("token_answer_unreadable", error=repr(error)) from error
        if not isinstance(token.get("access_token"), str):
            raise LoginError("token_answer_unreadable", error="no access token")
        return dict(token)

    async def ask(self, endpoint: str, access_token: str) -> dict[str, Any]:
        """Return what the provider says of whoever owns the token, which has to be plain JSON."""
        said = await self.ask_either(endpoint, access_token)
        if isinstance(said, str):
            raise LoginError("userinfo_unreadable", error="a JWT")
        return said

    async def ask_either(self, endpoint: str, access_token: str) -> dict[str, Any] | str:
        """Return the same; a text is a JWT, which is still to be checked."""
        try:
            async with asyncio.timeout(self._timeout):
                answer = await self.get(
                    endpoint,
                    # Without when it ends: one that is about to is not renewed, it is used now.
                    token={"access_token": access_token, "token_type": "Bearer"},
                    headers={"accept": "application/json, application/jwt;q=0.9"},
                )
            if _kind(answer.raise_for_status()) == "application/jwt":
                return str(answer.text).strip()
            said = answer.json()
        except (httpx2.HTTPError, TimeoutError) as error:
            raise LoginError("userinfo_unreachable", error=repr(error)) from error
        except (ValueError, RecursionError) as error:
            raise LoginError("userinfo_unreadable", error=repr(error)) from error
        if not isinstance(said, dict):
            raise LoginError("userinfo_unreadable", error="no object")
        return said


def _kind(answer: httpx2.Response) -> str:
    return str(answer.headers.get("content-type", "")).partition(";")[0].strip().lower()


def _refused(error: OAuthError | OAuth2Error) -> LoginError:
    # Glewlwyd says it in its own way. The description could say anything: it goes to the log only.
    if error.error in {"invalid_grant", "invalid_code"}:
        return LoginError("code_refused")
    return LoginError("token_refused", error=str(error.error)[:80])
