"""One visit to a page: what a handler needs of the request, the portal and the person."""

import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Concatenate, ParamSpec, TypeVar

from sqlalchemy.orm import Session
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from portal.domain.errors import NotFound
from portal.domain.people import VISITOR, Actor
from portal.web.context import WebContext
from portal.web.local_paths import with_query
from portal.web.rendering import Renderer
from portal.web.sessions import Browser, browser_of

_PAGE_NUMBER = re.compile(r"[1-9][0-9]{0,5}")

P = ParamSpec("P")
R = TypeVar("R")


@dataclass(frozen=True, slots=True, kw_only=True)
class Visit:
    """Handlers are functions of this."""

    request: Request
    context: WebContext
    renderer: Renderer

    @property
    def actor(self) -> Actor:
        """Return who is looking."""
        browser: Browser | None = getattr(self.request.state, "browser", None)
        return browser.actor if browser else VISITOR

    @property
    def browser(self) -> Browser:
        """Return the browser, to log somebody in or out."""
        return browser_of(self.request)

    @property
    def now(self) -> datetime:
        """Return the moment of the request."""
        return self.context.clock()

    def part(self, name: str) -> str:
        """Return a named part of the address."""
        return str(self.request.path_params[name])

    def page_number(self) -> int:
        """Return which page of a list is asked for; raise ``NotFound`` for what is no number."""
        raw = self.request.query_params.get("page", "1")
        if not _PAGE_NUMBER.fullmatch(raw):
            raise NotFound
        return int(raw)

    def read(
        self,
        service: Callable[Concatenate[Session, P], R],
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> R:
        """Call a service that only reads."""
        with self.context.database.reading() as session:
            return service(session, *args, **kwargs)

    def write(
        self,
        service: Callable[Concatenate[Session, P], R],
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> R:
        """Call a service that writes, in one transaction."""
        with self.context.database.writing() as session:
            return service(session, *args, **kwargs)

    def page(self, template: str, *, status: int = 200, **values: object) -> Response:
        """Answer with a page."""
        values |= {"actor": self.actor, "here": self.request.url.path, "now": self.now}
        return HTMLResponse(self.renderer.html(template, values), status)

    def to_login(self) -> Response:
        """Send a visitor to the login, and from there back to this page."""
        path = self.request.url.path
        query = self.request.url.query
        back = f"{path}?{query}" if query else path
        return RedirectResponse(with_query("/login", next=back), 303)


Handler = Callable[[Visit], Response]
AsyncHandler = Callable[[Visit], Awaitable[Response]]


def visit_of(request: Request) -> Visit:
    """Return the visit of a request."""
    state = request.app.state
    return Visit(request=request, context=state.context, renderer=state.renderer)


def page(handler: Handler) -> Callable[[Request], Response]:
    """Make a handler an endpoint; it runs in the thread pool because it waits for the database."""

    def endpoint(request: Request) -> Response:
        return handler(visit_of(request))

    return endpoint


def async_page(handler: AsyncHandler) -> Callable[[Request], Awaitable[Response]]:
    """Make a handler an endpoint that waits for the network itself."""

    async def endpoint(request: Request) -> Response:
        return await handler(visit_of(request))

    return endpoint


def members_only(handler: Handler) -> Handler:
    """Send visitors to the login first, whether what they asked for exists or not."""

    def only(visit: Visit) -> Response:
        return handler(visit) if visit.actor.is_known else visit.to_login()

    return only
