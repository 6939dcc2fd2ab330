"""The client's half of the code flow with PKCE: three requests, which OAuth 2.0 has as well."""

import asyncio
from dataclasses import dataclass
from typing import Any

import httpx2
from authlib.integrations.base_client import OAuthError
from authlib.integrations.httpx_client import AsyncOAuth2Client
from authlib.oauth2 import OAuth2Error

from portal.web.login.failures import LoginError


@dataclass(frozen=True, slots=True, kw_only=True)
class Client:
    """What the provider knows the portal as. ``timeout`` is in seconds, for each answer."""

    client_id: str
    client_secret: str
    redirect_uri: str
    scope: str
    timeout: float

    def authorization_url(self, endpoint: str, *, state: str, verifier: str, **wishes: str) -> str:
        """Return where the browser begins to log in."""
        asked = wishes | ({"scope": self.scope} if self.scope else {})
        address, _ = self._session().create_authorization_url(
            endpoint, state=state, code_verifier=verifier, **asked
        )
        return str(address)

    async def exchange_code(
        self, endpoint: str, *, code: str, verifier: str, in_form: bool
    ) -> dict[str, Any]:
        """Return the token for a code; ``in_form`` says how the client's secret is sent."""
        way = "client_secret_post" if in_form else "client_secret_basic"
        try:
            async with asyncio.timeout(self.timeout), self._session(way) as session:
                token = await session.fetch_token(
                    endpoint,
                    grant_type="authorization_code",
                    code=code,
                    code_verifier=verifier,
                    redirect_uri=self.redirect_uri,
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
            async with (
                asyncio.timeout(self.timeout),
                httpx2.AsyncClient(timeout=self.timeout) as session,
            ):
                answer = await session.get(
                    endpoint,
                    headers={
                        "authorization": f"Bearer {access_token}",
                        "accept": "application/json, application/jwt;q=0.9",
                    },
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

    def _session(self, way: str = "client_secret_basic") -> Any:  # noqa: ANN401 - it has no types
        return AsyncOAuth2Client(
            self.client_id,
            self.client_secret,
            token_endpoint_auth_method=way,
            redirect_uri=self.redirect_uri,
            code_challenge_method="S256",
            timeout=self.timeout,
        )


def _kind(answer: httpx2.Response) -> str:
    return str(answer.headers.get("content-type", "")).partition(";")[0].strip().lower()


def _refused(error: OAuthError | OAuth2Error) -> LoginError:
    # Glewlwyd says it in its own way. The description could say anything: it goes to the log only.
    if error.error in {"invalid_grant", "invalid_code"}:
        return LoginError("code_refused")
    return LoginError("token_refused", error=str(error.error)[:80])
