"""Refuse state-changing requests that another site made the browser send."""

from collections.abc import Callable

from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.types import ASGIApp, Receive, Scope, Send

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})


class SameOriginOnly:
    """Compare ``Sec-Fetch-Site``, else ``Origin``, with the configured site.

    This stands before the session lookup: a request that another site made must not touch what
    the cookie opens.
    """

    def __init__(
        self, app: ASGIApp, *, site_origin: str, refuse: Callable[[Request], ASGIApp]
    ) -> None:
        self._app = app
        self._site_origin = site_origin
        self._refuse = refuse

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or answer 403."""
        if (
            scope["type"] == "http"
            and scope["method"] not in SAFE_METHODS
            and not self._is_ours(Headers(scope=scope))
        ):
            await self._refuse(Request(scope))(scope, receive, send)
            return
        await self._app(scope, receive, send)

    def _is_ours(self, headers: Headers) -> bool:
        if site := headers.get("sec-fetch-site"):
            return site in {"same-origin", "none"}
        # No fetch metadata: an old browser sends Origin, a script sends neither.
        # A script has no ambient cookie to abuse unless it brought one itself.
        if origin := headers.get("origin"):
            return origin == self._site_origin
        return "cookie" not in headers
