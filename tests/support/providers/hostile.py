"""An OpenID provider of our own that keeps to the standard until it is set to commit a fault.

It has no login page: the authorization endpoint sends the browser back at once as ``subject``::

    def test_...(hostile, ...):
        hostile.register(redirect_uris=[...])
        hostile.fault = Fault.WRONG_NONCE

        location = hostile.answer(authorization_address)   # or a browser just follows it

        assert hostile.asked("authorization")["acr_values"] == MFA

PKCE with S256 is required and checked, codes work once, ``iss`` is in the answers (RFC 9207), ID tokens
are RS256 and have ``acr`` (what was asked for, or one factor), ``auth_time`` and ``sid``. Discovery also
offers HS256 and unsigned ID tokens, which the standard allows and a careful client does not take.
"""

import secrets
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

import httpx2
from playwright.sync_api import Page

from tests.support import patient_http
from tests.support.providers import CLIENT_ID, CLIENT_SECRET, hostile_endpoints
from tests.support.providers.hostile_tokens import (
    LIFETIME,
    LOGOUT_EVENT,
    Claims,
    Fault,
    Keys,
    LogoutFault,
    id_token_claims,
    logout_token_claims,
    signed,
)
from tests.support.providers.people import ORDINARY, USERS
from tests.support.servers.portal import free_port, serving

__all__ = ["Fault", "HostileProvider", "LogoutFault", "running"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Received:
    """A request that the provider received: where, with which values, under which host name."""

    endpoint: str
    values: Mapping[str, str]
    host: str


@dataclass(kw_only=True)
class Login:
    """One visit to the authorization endpoint."""

    subject: str
    sid: str
    asked: Mapping[str, str]
    code_is_used: bool = False


@dataclass(kw_only=True)
class HostileProvider:
    """The running provider. Tests set ``fault`` and ``subject``, and read ``requests`` and ``logins``."""

    issuer: str
    clock: Callable[[], float] = time.time
    client_id: str = CLIENT_ID
    client_secret: str = CLIENT_SECRET
    subject: str = "ada"
    fault: Fault | None = None
    claims: dict[str, object] = field(default_factory=dict)
    """What user info says besides what ``people.py`` knows of the subject."""
    tells: dict[str, object] = field(default_factory=dict)
    """What the ID token says besides, or instead."""
    signs_user_info: bool = False
    user_info_fault: Fault | None = None
    """What is wrong with the signature of user info."""
    describes: dict[str, object] = field(default_factory=dict)
    """What discovery says besides, or instead."""
    requests: list[Received] = field(default_factory=list)
    logins: dict[str, Login] = field(default_factory=dict)
    """By code, in the order in which they began."""
    tokens: dict[str, Login] = field(default_factory=dict)
    """By access token."""
    keys: Keys = field(default_factory=Keys)
    redirect_uris: tuple[str, ...] = ()
    post_logout_redirect_uris: tuple[str, ...] = ()
    back_channel_logout_uri: str | None = None

    def register(
        self,
        *,
        redirect_uris: Sequence[str],
        post_logout_redirect_uris: Sequence[str] = (),
        back_channel_logout_uri: str | None = None,
    ) -> None:
        """Tell the provider where the client is from now on."""
        self.redirect_uris = tuple(redirect_uris)
        self.post_logout_redirect_uris = tuple(post_logout_redirect_uris)
        self.back_channel_logout_uri = back_channel_logout_uri

    def log_in(self, page: Page, subject: str) -> None:
        """Do nothing, as there is no login page: the browser was sent back as ``subject`` already."""
        assert subject == self.subject, "set provider.subject before the browser goes there"
        page.wait_for_load_state()

    def answer(self, address: str) -> str:
        """Follow the address that begins a login; return the one that the browser is sent to."""
        answer = patient_http.get(address)
        assert answer.status_code == 302, answer.text
        return str(answer.headers["location"])

    def asked(self, endpoint: str) -> Mapping[str, str]:
        """Return the values of the last request at an endpoint (``hostile_endpoints`` names them)."""
        return [one.values for one in self.requests if one.endpoint == endpoint][-1]

    def rotate_keys(self, *, keep_old: bool = False) -> None:
        """Sign with a new key from now on; the old one disappears unless it is kept."""
        self.keys.rotate(keep_old=keep_old)

    def last_login(self) -> Login:
        """Return the login that was begun last."""
        return list(self.logins.values())[-1]

    def note(self, endpoint: str, values: Mapping[str, str], host: str) -> None:
        """Remember a request."""
        self.requests.append(Received(endpoint=endpoint, values=values, host=host))

    def begin(self, asked: Mapping[str, str]) -> str:
        """Log the subject in and return the code for it."""
        code = secrets.token_urlsafe(24)
        self.logins[code] = Login(subject=self.subject, sid=secrets.token_hex(8), asked=asked)
        return code

    def id_token(self, login: Login) -> str:
        """Return the ID token of a login."""
        now = int(self.clock())
        claims: Claims = {
            "iss": self.issuer,
            "aud": self.client_id,
            "sub": login.subject,
            "sid": login.sid,
            "iat": now,
            "exp": now + LIFETIME,
            "auth_time": now,
            "acr": login.asked.get("acr_values", ORDINARY).split()[0],
        }
        if "nonce" in login.asked:
            claims["nonce"] = login.asked["nonce"]
        claims |= self.tells
        return self._signed(id_token_claims(claims, self.fault, now), self.fault, "JWT")

    def user_info(self, login: Login) -> Claims:
        """Return what is said of whoever logged in."""
        sub = "somebody else" if self.fault is Fault.USERINFO_OF_ANOTHER else login.subject
        user = USERS.get(login.subject)
        return {**(user.claims if user else {}), **self.claims, "sub": sub}

    def signed_user_info(self, login: Login) -> str:
        """Return the same as a JWT."""
        sender: Claims = {"iss": self.issuer, "aud": self.client_id}
        return self._signed({**sender, **self.user_info(login)}, self.user_info_fault, "JWT")

    def logout_token(
        self,
        *,
        subject: str | None = None,
        sid: str | None = None,
        jti: str | None = None,
        fault: LogoutFault | None = None,
    ) -> str:
        """Return a logout token about the last login, or about the subject or session that is given."""
        now = int(self.clock())
        claims: Claims = {
            "iss": self.issuer,
            "aud": self.client_id,
            "iat": now,
            "exp": now + LIFETIME,
            "jti": jti or secrets.token_urlsafe(16),
            "events": {LOGOUT_EVENT: {}},
        }
        if subject is None and sid is None:
            subject, sid = self.last_login().subject, self.last_login().sid
        claims |= {"sub": subject} if subject is not None else {}
        claims |= {"sid": sid} if sid is not None else {}
        return self._signed(logout_token_claims(claims, fault, now), fault, "logout+jwt")

    def send_logout(self, token: str) -> httpx2.Response:
        """Post a logout token to the client as a provider does; return its answer."""
        assert self.back_channel_logout_uri is not None
        return patient_http.post(self.back_channel_logout_uri, data={"logout_token": token})

    def _signed(self, claims: Claims, fault: Fault | LogoutFault | None, kind: str) -> str:
        return signed(claims, fault, keys=self.keys, secret=self.client_secret, kind=kind)


@contextmanager
def running(
    redirect_uris: Sequence[str] = (), clock: Callable[[], float] = time.time
) -> Iterator[HostileProvider]:
    """Serve the provider from a thread until the end of the block; ``clock`` is in Unix seconds."""
    port = free_port()
    provider = HostileProvider(issuer=f"http://localhost:{port}", clock=clock)
    provider.register(redirect_uris=redirect_uris)
    with serving(hostile_endpoints.application(provider), port):
        try:
            yield provider
        finally:
            # Whatever hangs is let go: the server waits for it.
            provider.fault = None
