"""Checks what a provider has signed: ID tokens, and logout tokens."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from authlib.oidc.core import CodeIDToken
from joserfc import jwt
from joserfc.errors import (
    BadSignatureError,
    ClaimError,
    ConflictAlgorithmError,
    ExpiredTokenError,
    InvalidKeyIdError,
    JoseError,
    MissingClaimError,
    UnsupportedAlgorithmError,
)
from joserfc.jwk import KeySet
from joserfc.jws import JWSRegistry, extract_compact

from portal.web.login.failures import LoginError
from portal.web.login.oidc_discovery import Discovery, ProviderMetadata

LOGOUT_EVENT = "http://schemas.openid.net/event/backchannel-logout"
LOGOUT_TOKEN_SECONDS = 600
"""Seconds for which a logout token is good that does not say it itself."""
MAX_LOGOUT_TOKEN_SECONDS = 24 * 3600
"""It is remembered until then, so that it cannot be sent again."""
MAX_NAME_CHARS = 255
"""Letters of a name that a provider gives to a person, a session or a token."""

UNUSED = frozenset({"amr", "auth_time"})
"""Claims of an ID token that nothing is decided by: whatever their form, they stop no login."""

REASONS: Mapping[str, str] = {
    "iss": "token_of_another_issuer",
    "aud": "token_for_another_client",
    "azp": "token_for_another_party",
    "nonce": "token_of_another_login",
    "nbf": "token_too_early",
    "iat": "token_too_early",
    "at_hash": "token_with_another_access_token",
    "sub": "token_about_nobody",
    "jti": "logout_without_name",
}
"""What is wrong with a token, by its claim."""

KINDS: tuple[tuple[type[JoseError], str], ...] = (
    (ExpiredTokenError, "token_expired"),
    (InvalidKeyIdError, "token_of_an_unknown_key"),
    (BadSignatureError, "token_signature"),
    (UnsupportedAlgorithmError, "token_algorithm"),
    (ConflictAlgorithmError, "token_algorithm"),
)
"""What is wrong with it as a whole."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LogoutOrder:
    """Whom a provider has logged out: a session of its own, a person, or one session of theirs."""

    subject: str | None
    sid: str | None
    jti: str
    expires_at: float
    """In seconds since 1970; before, the same order may not come again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Verifier:
    """Checks tokens of one provider for one client; ``leeway`` is in seconds."""

    issuer: str
    client_id: str
    leeway: int
    discovery: Discovery
    clock: Callable[[], float] = time.time

    async def id_token(self, token: str, *, nonce: str, access_token: str) -> dict[str, Any]:
        """Return the claims of an ID token; raise ``LoginError`` if any of it is wrong."""
        header, claims = await self._signed(token, "JWT")
        if isinstance(claims.get("amr"), str):
            # CILogon and ORCID send the one method alone.
            claims["amr"] = [claims["amr"]]
        expected = {"nonce": nonce, "client_id": self.client_id, "access_token": access_token}
        used = {name: value for name, value in claims.items() if name not in UNUSED}
        checked = CodeIDToken(used, header, self._expected(), expected)
        _validated(checked, now=int(self.clock()), leeway=self.leeway)
        if not is_name(claims.get("sub")):
            raise LoginError("token_about_nobody")
        return claims

    async def user_info(self, token: str) -> dict[str, Any]:
        """Return the claims of user info that came signed; raise ``LoginError`` if any of it is wrong.

        https://openid.net/specs/openid-connect-core-1_0.html, 5.3.2: issuer and audience should be in it.
        """
        _, claims = await self._signed(token, "JWT", "userinfo+jwt")
        expected: dict[str, Any] = {
            name: {**rule, "essential": False} for name, rule in self._expected().items()
        }
        try:
            jwt.JWTClaimsRegistry(int(self.clock()), self.leeway, **expected).validate(claims)
        except JoseError as error:
            raise _wrong(error) from error
        return claims

    async def logout_token(self, token: str) -> LogoutOrder:
        """Return whom a logout token is about; raise ``LoginError`` if any of it is wrong.

        https://openid.net/specs/openid-connect-backchannel-1_0.html, 2.6.
        """
        _, claims = await self._signed(token, "JWT", "logout+jwt")
        now = int(self.clock())
        claims = {"exp": _end(claims), **claims}
        registry = jwt.JWTClaimsRegistry(now, self.leeway, **self._expected(), **_ESSENTIAL)
        try:
            registry.validate(claims)
        except JoseError as error:
            raise _wrong(error) from error
        events, sub, sid = claims.get("events"), claims.get("sub"), claims.get("sid")
        if not isinstance(events, dict) or not isinstance(events.get(LOGOUT_EVENT), dict):
            raise LoginError("logout_without_event")
        if "nonce" in claims:
            raise LoginError("logout_with_nonce")
        if not is_name(claims["jti"]):
            raise LoginError("logout_without_name")
        named = [one for one in (sub, sid) if one is not None]
        if not named or not all(map(is_name, named)):
            raise LoginError("logout_of_nobody")
        if claims["exp"] > now + MAX_LOGOUT_TOKEN_SECONDS:
            raise LoginError("logout_lasts_too_long")
        return LogoutOrder(
            subject=sub, sid=sid, jti=claims["jti"], expires_at=claims["exp"] + self.leeway
        )

    def _expected(self) -> dict[str, Any]:
        return {
            "iss": {"essential": True, "value": self.issuer},
            "aud": {"essential": True, "value": self.client_id},
        }

    async def _signed(self, token: str, *kinds: str) -> tuple[dict[str, Any], dict[str, Any]]:
        """Return header and claims of a token, signed by a key that the provider has now."""
        document = await self.discovery.metadata()
        try:
            header = dict(extract_compact(token.encode()).headers())
        except (JoseError, ValueError, KeyError, TypeError, RecursionError) as error:
            raise LoginError("token_unreadable") from error
        if header.get("alg") not in document.algorithms:
            raise LoginError("token_algorithm", algorithm=str(header.get("alg"))[:20])
        kind = str(header.get("typ", "JWT"))
        if kind.lower() not in {one.lower() for one in kinds}:
            raise LoginError("token_kind", kind=kind[:20])
        try:
            claims = _decoded(token, await self.discovery.keys(), document)
        except InvalidKeyIdError:
            try:
                # The provider may have begun to sign with a new key.
                claims = _decoded(token, await self.discovery.keys(early=True), document)
            except JoseError as error:
                raise _wrong(error) from error
        except JoseError as error:
            raise _wrong(error) from error
        return header, claims


_ESSENTIAL: dict[str, Any] = {name: {"essential": True} for name in ("iat", "exp", "jti")}


def _decoded(token: str, keys: KeySet, document: ProviderMetadata) -> dict[str, Any]:
    registry = JWSRegistry(algorithms=list(document.algorithms), strict_check_header=False)
    try:
        return dict(jwt.decode(token, keys, registry=registry).claims)
    except (ValueError, TypeError, RecursionError) as error:
        raise LoginError("token_unreadable", error=repr(error)) from error


def _validated(token: CodeIDToken, *, now: int, leeway: int) -> None:
    try:
        token.validate(now=now, leeway=leeway)
    except JoseError as error:
        raise _wrong(error) from error
    except (ValueError, TypeError, AttributeError) as error:
        raise LoginError("token_unreadable", error=repr(error)) from error


def _wrong(error: JoseError) -> LoginError:
    for kind, reason in KINDS:
        if isinstance(error, kind):
            return LoginError(reason)
    if not isinstance(error, ClaimError):
        return LoginError("token_unreadable", error=repr(error))
    claim = error.claim.partition(",")[0]
    if isinstance(error, MissingClaimError) and claim in {"iat", "exp"}:
        return LoginError("token_without_time")
    return LoginError(REASONS.get(claim, "token_unreadable"), claim=claim)


def is_name(value: object) -> bool:
    """Whether a value can be kept as the name of a person, session or token."""
    return isinstance(value, str) and 0 < len(value) <= MAX_NAME_CHARS and value.isprintable()


def _end(claims: Mapping[str, Any]) -> object:
    issued = claims.get("iat")
    return issued + LOGOUT_TOKEN_SECONDS if isinstance(issued, int | float) else None
