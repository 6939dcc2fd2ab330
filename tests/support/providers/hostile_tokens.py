"""The tokens of the hostile provider: what is right in them, and what each fault makes of it.

All functions are pure; ``now`` is in seconds since the epoch.
"""

import base64
import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum, auto
from functools import cache

from joserfc import jwt
from joserfc.jwk import OctKey, RSAKey

from tests.support.providers.people import ORDINARY

LIFETIME = 300
"""Seconds for which a token is good."""

BEYOND_SKEW = 3600
"""Seconds by which a wrong time is wrong: more than anybody's clock is allowed to be."""

LONG_AGO = 30 * 24 * 3600

ELSEWHERE = "https://elsewhere.example.org"
LOGOUT_EVENT = "http://schemas.openid.net/event/backchannel-logout"

Claims = dict[str, object]


class Fault(StrEnum):
    """What the provider does wrong while somebody logs in; everything else stays right."""

    WRONG_NONCE = auto()
    MISSING_NONCE = auto()
    WRONG_ISSUER = auto()
    """In the ID token."""
    WRONG_ISS_PARAMETER = auto()
    """In the answer that the browser brings (RFC 9207)."""
    MISSING_ISS_PARAMETER = auto()
    """Although discovery promises it."""
    EXPIRED = auto()
    ISSUED_IN_THE_FUTURE = auto()
    NOT_YET_VALID = auto()
    UNSIGNED = auto()
    """``alg`` is ``none``, which discovery offers, as it may."""
    UNKNOWN_KEY = auto()
    """Signed by a key that is not published, under the name of the one that is."""
    SIGNED_WITH_THE_CLIENT_SECRET = auto()
    """HS256, which discovery offers, as it may."""
    WRONG_AUDIENCE = auto()
    FOREIGN_AZP = auto()
    """Two audiences, of which we are one, but the token was made for the other."""
    MISSING_ACR = auto()
    WEAKER_ACR = auto()
    """One factor, whatever was asked for."""
    MISSING_AUTH_TIME = auto()
    STALE_AUTH_TIME = auto()
    """The login was long ago, whatever ``max_age`` or ``prompt`` asked for."""
    USERINFO_OF_ANOTHER = auto()
    USERINFO_FAILS = auto()
    """Status 500."""
    TOKEN_FAILS = auto()
    """Status 500."""
    TOKEN_HANGS = auto()
    """No answer until the provider behaves again or ends."""
    TOKEN_IS_NO_JSON = auto()
    KEYS_FAIL = auto()
    """Status 500."""
    DISCOVERY_NAMES_ANOTHER_ISSUER = auto()
    ENDPOINTS_MOVED = auto()
    """Authorization, token and user info are elsewhere below the issuer, and gone from before."""
    TOKEN_ENDPOINT_ON_ANOTHER_HOST = auto()
    """Discovery names the same server by another host name, where it works."""


class LogoutFault(StrEnum):
    """What is wrong with a logout token. Replays and unknown sessions need no fault: see ``jti``, ``sid``."""

    WRONG_ISSUER = auto()
    WRONG_AUDIENCE = auto()
    NO_EVENTS = auto()
    OTHER_EVENT = auto()
    WITH_NONCE = auto()
    EXPIRED = auto()
    ISSUED_IN_THE_FUTURE = auto()
    NO_JTI = auto()
    NOBODY = auto()
    """Neither ``sub`` nor ``sid``."""
    UNSIGNED = auto()
    UNKNOWN_KEY = auto()
    SIGNED_WITH_THE_CLIENT_SECRET = auto()


def _new_key() -> RSAKey:
    parameters = {"kid": secrets.token_hex(8), "use": "sig", "alg": "RS256"}
    return RSAKey.generate_key(2048, parameters)


# A key takes a while to make, and a new provider starts for every test.
_first_key = cache(_new_key)
_unknown_key = cache(_new_key)


@dataclass(kw_only=True)
class Keys:
    """The published keys, the first of which signs, and one that nobody knows."""

    published: list[RSAKey] = field(default_factory=lambda: [_first_key()])
    unknown: RSAKey = field(default_factory=_unknown_key)

    def rotate(self, *, keep_old: bool) -> None:
        """Sign with a new key; the old ones stay published only if they are kept."""
        self.published = [_new_key(), *(self.published if keep_old else [])]

    def as_set(self) -> Mapping[str, object]:
        """Return the JSON Web Key Set."""
        return {"keys": [key.as_dict(private=False) for key in self.published]}


def id_token_claims(claims: Claims, fault: Fault | None, now: int) -> Claims:
    """Return the right claims, spoilt."""
    changes: dict[Fault | None, Claims] = {
        Fault.WRONG_NONCE: {"nonce": "of another login"},
        Fault.MISSING_NONCE: {"nonce": None},
        Fault.WRONG_ISSUER: {"iss": ELSEWHERE},
        Fault.EXPIRED: _times(now - BEYOND_SKEW - LIFETIME),
        Fault.ISSUED_IN_THE_FUTURE: _times(now + BEYOND_SKEW),
        Fault.NOT_YET_VALID: {
            "nbf": now + BEYOND_SKEW,
            "exp": now + BEYOND_SKEW + LIFETIME,
        },
        Fault.WRONG_AUDIENCE: {"aud": "another client"},
        Fault.FOREIGN_AZP: {"aud": [claims["aud"], "another client"], "azp": "another client"},
        Fault.MISSING_ACR: {"acr": None},
        Fault.WEAKER_ACR: {"acr": ORDINARY},
        Fault.MISSING_AUTH_TIME: {"auth_time": None},
        Fault.STALE_AUTH_TIME: {"auth_time": now - LONG_AGO},
    }
    return _changed(claims, changes.get(fault, {}))


def logout_token_claims(claims: Claims, fault: LogoutFault | None, now: int) -> Claims:
    """Return the right claims, spoilt."""
    changes: dict[LogoutFault | None, Claims] = {
        LogoutFault.WRONG_ISSUER: {"iss": ELSEWHERE},
        LogoutFault.WRONG_AUDIENCE: {"aud": "another client"},
        LogoutFault.NO_EVENTS: {"events": None},
        LogoutFault.OTHER_EVENT: {"events": {f"{ELSEWHERE}/event": {}}},
        LogoutFault.WITH_NONCE: {"nonce": "which makes it an ID token"},
        LogoutFault.EXPIRED: _times(now - BEYOND_SKEW - LIFETIME),
        LogoutFault.ISSUED_IN_THE_FUTURE: _times(now + BEYOND_SKEW),
        LogoutFault.NO_JTI: {"jti": None},
        LogoutFault.NOBODY: {"sub": None, "sid": None},
    }
    return _changed(claims, changes.get(fault, {}))


def _times(issued: int) -> Claims:
    return {"iat": issued, "exp": issued + LIFETIME}


def _changed(claims: Claims, changes: Claims) -> Claims:
    """Return the claims with the changes; those that become None are absent."""
    return {name: value for name, value in (claims | changes).items() if value is not None}


def signed(
    claims: Claims, fault: Fault | LogoutFault | None, *, keys: Keys, secret: str, kind: str
) -> str:
    """Return the token; ``kind`` is its ``typ``."""
    name = {"kid": keys.published[0].kid, "typ": kind}
    # By name: the two kinds of faults spell these alike.
    match fault and fault.name:
        case "UNSIGNED":
            return f"{_encoded({'alg': 'none', 'typ': kind})}.{_encoded(claims)}."
        case "SIGNED_WITH_THE_CLIENT_SECRET":
            header = {"alg": "HS256", "typ": kind}
            return jwt.encode(header, claims, OctKey.import_key(secret), algorithms=["HS256"])
        case "UNKNOWN_KEY":
            return jwt.encode({"alg": "RS256", **name}, claims, keys.unknown)
    return jwt.encode({"alg": "RS256", **name}, claims, keys.published[0])


def _encoded(part: Mapping[str, object]) -> str:
    return base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=").decode()
