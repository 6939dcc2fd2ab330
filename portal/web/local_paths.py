"""Addresses inside this portal."""

from urllib.parse import urlencode, urlsplit

MAX_CHARS = 500

API = "/api/v1"
"""The root of every address of the API."""


def is_api(path: str) -> bool:
    """Whether an address is the API's: no cookie opens it, and it answers in JSON."""
    return path == "/api" or path.startswith("/api/")


def local_path(wish: str | None, *, otherwise: str = "/") -> str:
    """Return ``wish`` if it leads to a page of this portal, or else ``otherwise``.

    Browsers read two slashes, a backslash and line breaks as the start of another site.
    """
    if wish is None or not wish.startswith("/") or len(wish) > MAX_CHARS:
        return otherwise
    if wish.startswith("//") or "\\" in wish or not wish.isprintable():
        return otherwise
    parts = urlsplit(wish)
    return otherwise if parts.scheme or parts.netloc else wish


def with_query(path: str, **values: str) -> str:
    """Return an address with a query string."""
    return f"{path}?{urlencode(values)}"
