"""Who is looking: finds the session of the cookie, and writes what a request changed of it."""

from dataclasses import dataclass, field
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from portal.domain.people import VISITOR, Actor
from portal.domain.sessions import BEGUN, LONGEST
from portal.services import sessions
from portal.web.context import WebContext
from portal.web.cookies import LoginCookie, digest, new_secret

LONGEST_AGENT = 300


@dataclass(slots=True, kw_only=True)
class Browser:
    """The browser of a request. Handlers change it; the middleware writes the changes."""

    actor: Actor = VISITOR
    secret: str | None = None
    """Of the session that was found; what a browser brings and nobody knows is never taken up."""
    agent: str = ""
    data: dict[str, Any] = field(default_factory=dict)
    found: dict[str, Any] = field(default_factory=dict)
    """The data as they were found."""
    to_note: bool = False
    person_id: str | None = None
    """Whoever has just logged in."""
    is_leaving: bool = False

    def sign_in(self, person_id: str) -> None:
        """Log a person in: under a new secret, without what the login needed."""
        self.person_id = person_id
        self.data.clear()

    def sign_out(self) -> None:
        """Log out."""
        self.is_leaving = True

    @property
    def is_changed(self) -> bool:
        """Whether there is something to write."""
        return self.to_note or self.data != self.found


def browser_of(request: Request) -> Browser:
    """Return the browser that the middleware found."""
    browser: Browser = request.state.browser
    return browser


class Sessions:
    """Put the browser and its data where handlers and the login find them."""

    def __init__(self, app: ASGIApp, *, context: WebContext) -> None:
        self._app = app
        self._context = context
        self._cookie = LoginCookie(is_secure=context.is_secure)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Look the session up, pass the request on, and save before the answer starts."""
        if scope["type"] != "http" or scope["path"].startswith("/static/"):
            await self._app(scope, receive, send)
            return
        browser = await self._find(Headers(scope=scope))
        scope.setdefault("state", {})["browser"] = browser
        scope["session"] = browser.data

        async def send_saved(message: Message) -> None:
            if message["type"] == "http.response.start":
                header = await self._save(browser)
                if header is not None:
                    MutableHeaders(scope=message).append("set-cookie", header)
            await send(message)

        await self._app(scope, receive, send_saved)

    async def _find(self, headers: Headers) -> Browser:
        agent = headers.get("user-agent", "")[:LONGEST_AGENT]
        secret = self._cookie.read(headers.get("cookie", ""))
        login = await run_in_threadpool(self._look_up, secret) if secret else None
        if login is None:
            return Browser(agent=agent)
        return Browser(
            actor=login.actor,
            secret=secret,
            agent=agent,
            data=dict(login.data),
            found=dict(login.data),
            to_note=login.to_note,
        )

    def _look_up(self, secret: str) -> sessions.Login | None:
        with self._context.database.reading() as session:
            return sessions.find(session, secret_sha256=digest(secret), now=self._context.clock())

    async def _save(self, browser: Browser) -> str | None:
        if browser.is_leaving:
            await run_in_threadpool(self._end, browser)
            return self._cookie.deleted()
        if browser.person_id is not None or (browser.data and browser.secret is None):
            return await run_in_threadpool(self._start, browser)
        if browser.secret is not None and browser.is_changed:
            await run_in_threadpool(self._keep, browser)
        return None

    def _start(self, browser: Browser) -> str:
        secret = new_secret()
        with self._context.database.writing() as session:
            sessions.start(
                session,
                secret_sha256=digest(secret),
                replaces=digest(browser.secret) if browser.secret else None,
                person_id=browser.person_id,
                data=browser.data,
                agent=browser.agent,
                now=self._context.clock(),
            )
        return self._cookie.written(secret, LONGEST if browser.person_id else BEGUN)

    def _keep(self, browser: Browser) -> None:
        with self._context.database.writing() as session:
            sessions.keep(
                session,
                secret_sha256=digest(str(browser.secret)),
                data=browser.data,
                now=self._context.clock(),
            )

    def _end(self, browser: Browser) -> None:
        if browser.secret is not None:
            with self._context.database.writing() as session:
                sessions.end(session, secret_sha256=digest(browser.secret))
