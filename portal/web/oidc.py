"""Logging in with OpenID Connect: code flow with PKCE, state and nonce. The only user of Authlib."""

from collections.abc import Mapping
from typing import Any

import httpx2
from authlib.integrations.starlette_client import OAuth, OAuthError
from joserfc.errors import JoseError
from starlette.requests import Request
from starlette.responses import Response

from portal.domain.claims import Identity
from portal.web.context import Provider, WebContext

SCOPE = "openid profile"
PATIENCE = 10.0
"""Seconds that the provider has for each answer."""

SAFE_ALGORITHMS = frozenset({"RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA", "Ed25519"})  # fmt: skip
"""Signatures that only the provider can make: none, and nothing made with a shared secret."""


class LoginFailed(Exception):  # noqa: N818 - named for what happened
    """The login did not work; ``sentence`` says so to the person, ``reason`` to the log."""

    def __init__(self, sentence: str, *, reason: str, status: int = 400) -> None:
        super().__init__(reason)
        self.sentence = sentence
        self.reason = reason
        self.status = status


UNREACHABLE = "The login service of your institution does not answer. Try again in a few minutes."
EXPIRED = (
    "This login was begun in another window, took too long, or has already been used. "
    "Please start again."
)
DENIED = "The login was not completed: your institution's login service or you yourself declined."
UNTRUSTED = "The answer of the login service could not be trusted, so nobody was logged in."


class Logins:
    """The providers of the site. Their addresses and keys are fetched at the first login."""

    def __init__(self, context: WebContext) -> None:
        self._site_url = context.site_url
        self._oauth = OAuth()
        for provider in context.providers:
            self._oauth.register(
                provider.id,
                client_id=provider.client_id,
                client_secret=provider.client_secret,
                server_metadata_url=f"{provider.issuer.rstrip('/')}/.well-known/openid-configuration",
                client_kwargs={
                    "scope": SCOPE,
                    "code_challenge_method": "S256",
                    "timeout": PATIENCE,
                },
            )

    async def begin(self, request: Request, provider: Provider) -> Response:
        """Send the browser to the provider; state, nonce and verifier stay in the session."""
        try:
            await self._metadata(provider)
            response: Response = await self._client(provider).authorize_redirect(
                request, self._redirect_uri(provider), **_wishes(provider)
            )
        except (httpx2.HTTPError, ValueError, RuntimeError, TypeError) as error:
            raise LoginFailed(UNREACHABLE, reason=f"discovery: {error!r}", status=503) from error
        return response

    async def finish(self, request: Request, provider: Provider) -> Identity:
        """Take the provider's answer and return who it says has logged in."""
        try:
            metadata = await self._metadata(provider)
            _check_sender(request, provider, metadata)
            token = await self._client(provider).authorize_access_token(
                request, claims_options=_expected(provider)
            )
            claims = await self._claims(provider, metadata, token)
        except OAuthError as error:
            raise _explained(error) from error
        except httpx2.HTTPError as error:
            raise LoginFailed(UNREACHABLE, reason=f"token: {error!r}", status=503) from error
        except (JoseError, ValueError, RuntimeError, KeyError, TypeError) as error:
            raise LoginFailed(UNTRUSTED, reason=f"token: {error!r}") from error
        return Identity(issuer=provider.issuer, subject=str(claims["sub"]), claims=claims)

    async def _metadata(self, provider: Provider) -> Mapping[str, Any]:
        metadata: dict[str, Any] = await self._client(provider).load_server_metadata()
        if metadata.get("issuer") != provider.issuer:
            # To be fetched again next time: it may only have been a bad moment.
            metadata.clear()
            raise ValueError("the provider calls itself by another name than the settings do")
        offered = metadata.get("id_token_signing_alg_values_supported", ["RS256"])
        metadata["id_token_signing_alg_values_supported"] = [
            name for name in offered if name in SAFE_ALGORITHMS
        ] or ["RS256"]
        return metadata

    async def _claims(
        self, provider: Provider, metadata: Mapping[str, Any], token: Mapping[str, Any]
    ) -> dict[str, Any]:
        claims = dict(token["userinfo"])
        if "userinfo_endpoint" in metadata:
            # Many providers put affiliation and entitlements only here.
            more = dict(await self._client(provider).userinfo(token=token))
            if more.get("sub") != claims["sub"]:
                raise ValueError("the user info is about somebody else")
            claims = more | claims
        return claims

    def _client(self, provider: Provider) -> Any:  # noqa: ANN401 - Authlib has no types
        return self._oauth.create_client(provider.id)

    def _redirect_uri(self, provider: Provider) -> str:
        # One address per provider: a code of one cannot be slipped in as an answer of another.
        return f"{self._site_url}/login/{provider.id}/callback"


def _wishes(provider: Provider) -> dict[str, str]:
    acr = provider.require.get("acr")
    return {"acr_values": " ".join(acr)} if acr else {}


def _expected(provider: Provider) -> dict[str, dict[str, object]]:
    return {
        "iss": {"essential": True, "values": [provider.issuer]},
        "sub": {"essential": True},
        "exp": {"essential": True},
    }


def _check_sender(request: Request, provider: Provider, metadata: Mapping[str, Any]) -> None:
    # RFC 9207: where the provider names itself in its answer, it has to be the right one.
    sender = request.query_params.get("iss")
    promised = metadata.get("authorization_response_iss_parameter_supported", False)
    if (sender is None and promised) or (sender is not None and sender != provider.issuer):
        raise LoginFailed(UNTRUSTED, reason="answer from another issuer")


def _explained(error: OAuthError) -> LoginFailed:
    # The description comes with the address and could say anything: it is not shown.
    if error.error == "mismatching_state":
        return LoginFailed(EXPIRED, reason="state")
    if error.error in {"access_denied", "login_required", "consent_required"}:
        return LoginFailed(DENIED, reason=str(error.error), status=403)
    if error.error == "invalid_grant":
        return LoginFailed(EXPIRED, reason="code refused")
    return LoginFailed(UNTRUSTED, reason=str(error.error)[:80])
