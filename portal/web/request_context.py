"""One request for a page: what a handler needs of the request, the portal and the person."""

import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Concatenate, ParamSpec, TypeVar

from sqlalchemy.orm import Session
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from portal.domain.accounts.people import VISITOR, Actor
from portal.domain.errors import NotFoundError
from portal.web.context import WebContext
from portal.web.local_paths import with_query
from portal.web.middleware.page_cache import PageCache
from portal.web.middleware.sessions import Browser, browser_of
from portal.web.rendering.renderer import Renderer

_PAGE_NUMBER = re.compile(r"[1-9][0-9]{0,5}")

P = ParamSpec("P")
R = TypeVar("R")


@dataclass(frozen=True, slots=True, kw_only=True)
class PageRequest:
    """Handlers are functions of this."""

    http: Request
    context: WebContext
    renderer: Renderer
    page_cache: PageCache

    @property
    def actor(self) -> Actor:
        """Return who is looking."""
        browser: Browser | None = getattr(self.http.state, "browser", None)
        return browser.actor if browser else VISITOR

    @property
    def browser(self) -> Browser:
        """Return the browser, to log somebody in or out."""
        return browser_of(self.http)

    @property
    def now(self) -> datetime:
        """Return the moment of the request."""
        return self.context.clock()

    def path_param(self, name: str) -> str:
        """Return a named part of the address; raise ``NotFoundError`` for what no database can hold."""
        part = str(self.http.path_params[name])
        if "\0" in part:
            raise NotFoundError
        return part

    def page_number(self) -> int:
        """Return which page of a list is asked for; raise ``NotFoundError`` for what is no number."""
        raw = self.http.query_params.get("page", "1")
        if not _PAGE_NUMBER.fullmatch(raw):
            raise NotFoundError
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
        values |= {"actor": self.actor, "here": self.http.url.path, "now": self.now}
        return HTMLResponse(self.renderer.html(template, values), status)

    def login_redirect(self, *, accepted: bool = True) -> Response | None:
        """Return where to go first: to the login, or to the site's terms; None for a member."""
        if not self.actor.is_known:
            return RedirectResponse(with_query("/login", next=self._back), 303)
        if accepted and not self.actor.has_accepted:
            return RedirectResponse(with_query("/welcome", next=self._back), 303)
        return None

    @property
    def _back(self) -> str:
        """Return the way back to this page; a form that was sent is not sent again."""
        if self.http.method != "GET":
            return "/"
        query = self.http.url.query
        return f"{self.http.url.path}?{query}" if query else self.http.url.path

    def redirect(self, address: str) -> Response:
        """Send the browser to a page after a form has done its work."""
        return RedirectResponse(address, 303)


Handler = Callable[[PageRequest], Response]
AsyncHandler = Callable[[PageRequest], Awaitable[Response]]
Fields = Mapping[str, str]
FormHandler = Callable[[PageRequest, Fields], Response]


def page_request_of(request: Request) -> PageRequest:
    """Return the page request that an HTTP request makes."""
    state = request.app.state
    return PageRequest(
        http=request,
        context=state.context,
        renderer=state.renderer,
        page_cache=state.page_cache,
    )


def page(handler: Handler) -> Callable[[Request], Response]:
    """Make a handler an endpoint; it runs in the thread pool because it waits for the database."""

    def endpoint(request: Request) -> Response:
        return handler(page_request_of(request))

    return endpoint


def async_page(handler: AsyncHandler) -> Callable[[Request], Awaitable[Response]]:
    """Make a handler an endpoint that waits for the network itself."""

    async def endpoint(request: Request) -> Response:
        return await handler(page_request_of(request))

    return endpoint


def form_page(
    handler: FormHandler, *, accepted: bool = True
) -> Callable[[Request], Awaitable[Response]]:
    """Make a handler of a small form's fields an endpoint for members; it runs in the thread pool.

    Of fields with the same name the last counts; files are passed over. With ``accepted=False`` it is
    also for those who have not accepted the site's terms.
    """

    async def endpoint(request: Request) -> Response:
        page_request = page_request_of(request)
        if (elsewhere := page_request.login_redirect(accepted=accepted)) is not None:
            return elsewhere
        form = await request.form()
        # A database may refuse NUL, and no field means anything by it.
        fields = {n: value.replace("\0", "") for n, value in form.items() if isinstance(value, str)}
        return await run_in_threadpool(handler, page_request, fields)

    return endpoint


def login_required(handler: Handler) -> Handler:
    """Send visitors to the login first, whether what they asked for exists or not.

    Whoever has not accepted the site's terms as they are now goes to them first.
    """

    def only(page_request: PageRequest) -> Response:
        return page_request.login_redirect() or handler(page_request)

    return only
