"""How the tests set Glewlwyd up: its configuration file, and what is sent to its administration API.

The names are Glewlwyd's own; /usr/share/doc/glewlwyd describes them.
"""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from joserfc.jwk import RSAKey

from tests.support.providers import CLIENT_ID, CLIENT_SECRET
from tests.support.providers.people import PASSWORD, User

SCOPES = ("openid", "profile", "email")
LISTS = ("eduperson_entitlement", "eduperson_scoped_affiliation")

_MIME_TYPES = {
    ".html": "text/html",
    ".css": "text/css",
    ".js": "application/javascript",
    ".json": "application/json",
    ".png": "image/png",
    ".ico": "image/x-icon",
    ".woff2": "font/woff2",
}


def configuration(*, port: int, address: str, web: Path, database: Path) -> str:
    """Return the configuration file of a Glewlwyd on loopback."""
    modules = Path("/usr/lib/glewlwyd")
    types = ", ".join(
        f'{{extension="{extension}", mime_type="{mime_type}"}}'
        for extension, mime_type in _MIME_TYPES.items()
    )
    # It does not start without the names of certificates, although it needs none.
    return f"""\
port={port}
bind_address="127.0.0.1"
external_url="{address}"
login_url="login.html"
api_prefix="api"
static_files_path="{web}"
static_files_mime_types=({types})
log_mode="console"
log_level="WARNING"
cookie_secure=0
cookie_same_site="lax"
session_key="GLEWLWYD2_SESSION_ID"
admin_scope="g_admin"
profile_scope="g_profile"
user_module_path="{modules}/user"
client_module_path="{modules}/client"
user_auth_scheme_module_path="{modules}/scheme"
plugin_module_path="{modules}/plugin"
use_secure_connection=false
secure_connection_key_file="/nowhere"
secure_connection_pem_file="/nowhere"
secure_connection_ca_file="/nowhere"
hash_algorithm="SHA512"
database={{type="sqlite3", path="{database}"}}
"""


def user_properties() -> dict[str, Any]:
    """Return which properties users have besides Glewlwyd's own."""
    access = dict.fromkeys(("read", "write", "profile-read", "profile-write"), True)
    names = (*LISTS, "eduperson_unique_id", "email_verified")
    return {name: {"multiple": name in LISTS, **access} for name in names}


def client_properties() -> dict[str, Any]:
    """Return which properties clients have besides those that Debian sets up."""
    return {"post_logout_redirect_uris": {"multiple": True, "read": True, "write": True}}


def user(name: str, who: User) -> dict[str, Any]:
    """Return a user; properties are text."""
    claims = dict(who.claims)
    claims.pop("preferred_username", None)
    if "email_verified" in claims:
        claims["email_verified"] = "yes" if claims["email_verified"] else "no"
    return {
        "username": name,
        "password": PASSWORD,
        "enabled": True,
        "scope": list(SCOPES),
        **claims,
    }


def scope(name: str) -> dict[str, Any]:
    """Return a scope for which a password has to be given once in a session."""
    return {
        "name": name,
        "display_name": name,
        "password_required": True,
        "password_max_age": 0,
        "scheme": {},
    }


def client(
    redirect_uris: Sequence[str],
    post_logout_redirect_uris: Sequence[str],
    back_channel_logout_uri: str | None,
) -> dict[str, Any]:
    """Return the client; what is empty is absent."""
    logout = {
        "backchannel_logout_uri": back_channel_logout_uri,
        "backchannel_logout_session_required": "yes",
    }
    return {
        "client_id": CLIENT_ID,
        "name": "Sealrun",
        "enabled": True,
        "confidential": True,
        "client_secret": CLIENT_SECRET,
        "token_endpoint_auth_method": ["client_secret_basic"],
        "authorization_type": ["code"],
        "redirect_uri": list(redirect_uris),
        "post_logout_redirect_uris": list(post_logout_redirect_uris),
        "scope": list(SCOPES),
        **(logout if back_channel_logout_uri else {}),
    }


def plugin(issuer: str, keys: Sequence[RSAKey]) -> dict[str, Any]:
    """Return the OpenID Connect plugin: code flow with PKCE only, the first key signs."""
    return {
        "module": "oidc",
        "name": "oidc",
        "display_name": "OpenID Connect",
        "parameters": {
            "iss": issuer,
            "oauth-as-iss-id": True,
            "jwt-type": "rsa",
            "jwt-key-size": "256",
            "jwks-private": json.dumps({"keys": [key.as_dict(private=True) for key in keys]}),
            "jwks-show": True,
            "access-token-duration": 3600,
            "refresh-token-duration": 3600,
            "code-duration": 600,
            "refresh-token-rolling": False,
            "allow-non-oidc": False,
            "auth-type-code-enabled": True,
            "auth-type-code-revoke-replayed": True,
            **_switched_off("token", "id-token", "none", "password", "client", "device", "refresh"),
            "request-parameter-allow": False,
            "secret-type": "public",
            "subject-type": "public",
            "address-claim": {"type": "no"},
            "name-claim": "on-demand",
            "name-claim-scope": ["profile"],
            "email-claim": "on-demand",
            "email-claim-scope": ["email"],
            "scope-claim": "no",
            "claims": _claims(),
            "allowed-scope": list(SCOPES),
            "pkce-allowed": True,
            "pkce-required": True,
            "pkce-method-plain-allowed": False,
            "session-management-allowed": True,
            "session-cookie-name": "GLEWLWYD2_OIDC_SID",
            "session-cookie-expiration": 3600,
            # The page that ends a session fails without the front channel.
            "front-channel-logout-allowed": True,
            "back-channel-logout-allowed": True,
        },
    }


def _switched_off(*flows: str) -> Mapping[str, bool]:
    return {f"auth-type-{flow}-enabled": False for flow in flows}


def _claims() -> list[dict[str, Any]]:
    common = {"mandatory": False, "on-demand": True}
    names = (*LISTS, "eduperson_unique_id")
    claims = [
        {"name": name, "user-property": name, "type": "string", "scope": ["profile"], **common}
        for name in names
    ]
    verified = {
        "name": "email_verified",
        "user-property": "email_verified",
        "type": "boolean",
        "boolean-value-true": "yes",
        "boolean-value-false": "no",
        "scope": ["email"],
        **common,
    }
    return [*claims, verified]
