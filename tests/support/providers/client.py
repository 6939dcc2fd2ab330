"""The client's half of the code flow, as bare as it can be: for tests of the providers themselves."""

import base64
import hashlib
import json
import secrets
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

from joserfc import jwt
from joserfc.jwk import KeySet

from tests.support import patient_http
from tests.support.providers import Provider


class Client:
    """A client that does not check anything but what ``verified`` checks."""

    def __init__(self, provider: Provider, callback: str, scope: str) -> None:
        self.provider = provider
        self.callback = callback
        self.scope = scope
        self.verifier = secrets.token_urlsafe(48)
        answer = patient_http.get(f"{provider.issuer}/.well-known/openid-configuration")
        self.metadata = answer.raise_for_status().json()

    def address(self, **wishes: str) -> str:
        """Return the address that begins a login."""
        asked = {
            "client_id": self.provider.client_id,
            "redirect_uri": self.callback,
            "response_type": "code",
            "scope": self.scope,
            "state": "of the test",
            "nonce": "n-1",
            "code_challenge": challenge(self.verifier),
            "code_challenge_method": "S256",
        }
        return f"{self.metadata['authorization_endpoint']}?{urlencode(asked | wishes)}"

    def token(self, code: str) -> dict[str, Any]:
        """Swap the code."""
        answer = patient_http.post(
            self.metadata["token_endpoint"],
            auth=(self.provider.client_id, self.provider.client_secret),
            data={
                "grant_type": "authorization_code",
                "code": code,
                "redirect_uri": self.callback,
                "code_verifier": self.verifier,
            },
        )
        return answer.raise_for_status().json()

    def user_info(self, token: dict[str, Any]) -> dict[str, Any]:
        """Return what the provider says of whoever logged in."""
        answer = patient_http.get(
            self.metadata["userinfo_endpoint"],
            headers={"authorization": f"Bearer {token['access_token']}"},
        )
        return answer.raise_for_status().json()

    def end_address(self, token: dict[str, Any]) -> str:
        """Return the address that ends the login and leads to the callback with ``state=out``."""
        asked = {
            "id_token_hint": token["id_token"],
            "post_logout_redirect_uri": self.callback,
            "state": "out",
        }
        return f"{self.metadata['end_session_endpoint']}?{urlencode(asked)}"

    def verified(self, token: str) -> dict[str, Any]:
        """Return the claims of a token that one of the provider's published keys has signed."""
        keys = KeySet.import_key_set(patient_http.get(self.metadata["jwks_uri"]).json())
        algorithms = ["RS256", "ES256"]
        return dict(jwt.decode(token, keys, algorithms=algorithms).claims)


def challenge(verifier: str) -> str:
    """Return the S256 challenge of PKCE for a verifier."""
    return (
        base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
    )


def answer_of(address: str) -> dict[str, str]:
    """Return the values that an address carries."""
    return {key: value[0] for key, value in parse_qs(urlsplit(address).query).items()}


def header_of(token: str) -> dict[str, Any]:
    """Return the header of a token, whoever made it."""
    first, _, _ = token.partition(".")
    header: dict[str, Any] = json.loads(base64.urlsafe_b64decode(f"{first}=="))
    return header
