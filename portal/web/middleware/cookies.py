"""The one cookie: a random secret, of which the database knows only the digest."""

import hashlib
import re
import secrets
from dataclasses import dataclass
from datetime import timedelta
from http.cookies import SimpleCookie

_SECRET = re.compile(r"[A-Za-z0-9_-]{43}")


def new_secret() -> str:
    """Return 32 random bytes as text."""
    return secrets.token_urlsafe(32)


def digest(secret: str) -> str:
    """Return what the database keeps of a secret."""
    return hashlib.sha256(secret.encode()).hexdigest()


@dataclass(frozen=True, slots=True, kw_only=True)
class LoginCookie:
    """How the cookie is written and read.

    With TLS its name starts with ``__Host-``: browsers then take it from this host only, for the
    whole host, and never in the clear. Without TLS, on a loopback address, they would refuse that.
    """

    is_secure: bool

    @property
    def name(self) -> str:
        """Return its name."""
        return "__Host-sealrun" if self.is_secure else "sealrun"

    def read(self, header: str) -> str | None:
        """Return the secret from a ``Cookie`` header, if one is there and looks like one."""
        for pair in header.split(";"):
            name, _, value = pair.strip().partition("=")
            if name == self.name and _SECRET.fullmatch(value):
                return value
        return None

    def written(self, secret: str, lasts: timedelta) -> str:
        """Return the ``Set-Cookie`` header that sets the secret."""
        return self._header(secret, int(lasts.total_seconds()))

    def deleted(self) -> str:
        """Return the ``Set-Cookie`` header that removes it."""
        return self._header("", 0)

    def _header(self, value: str, max_age: int) -> str:
        cookie: SimpleCookie = SimpleCookie()
        cookie[self.name] = value
        morsel = cookie[self.name]
        morsel["path"] = "/"
        morsel["max-age"] = str(max_age)
        morsel["httponly"] = True
        # Lax, not Strict: the way back from the identity provider starts on another site.
        morsel["samesite"] = "Lax"
        morsel["secure"] = self.is_secure
        return morsel.OutputString()
