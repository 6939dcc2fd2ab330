"""Who is looking: finds the session of the cookie, and writes what a request changed of it."""

from dataclasses import dataclass, field
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from portal.domain.accounts.people import VISITOR, Actor
from portal.domain.accounts.sessions import LOGIN_STATE_TTL
from portal.services.accounts import sessions
from portal.services.accounts.sessions import SignedIn
from portal.web.context import WebContext
from portal.web.local_paths import is_api
from portal.web.middleware.cookies import LoginCookie, digest, new_secret

MAX_AGENT_CHARS = 300


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
    origin: str = ""
    """The network address that the request came from."""
    signed_in: SignedIn | None = None
    """Whoever has just logged in."""
    is_leaving: bool = False
    is_renewed: bool = False

    def sign_in(self, signed_in: SignedIn) -> None:
        """Log a person in: under a new secret, without what the login needed."""
        self.signed_in = signed_in
        self.data.clear()

    def sign_out(self, **kept: str) -> None:
        """Log out; what is ``kept`` goes into a new session in which nobody is logged in."""
        self.is_leaving = True
        self.data.clear()
        self.data.update(kept)

    def renew(self) -> None:
        """Go on under a new secret: whoever else has the old one is not to gain by what changed."""
        self.is_renewed = True

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
        # A cookie opens nothing of the API: a foreign page could have a browser send it.
        if scope["type"] != "http" or scope["path"].startswith("/static/") or is_api(scope["path"]):
            await self._app(scope, receive, send)
            return
        origin = scope["client"][0] if scope.get("client") else ""
        browser = await self._find(Headers(scope=scope), origin)
        scope.setdefault("state", {})["browser"] = browser
        scope["session"] = browser.data

        async def send_saved(message: Message) -> None:
            if message["type"] == "http.response.start":
                header = await self._save(browser)
                if header is not None:
                    MutableHeaders(scope=message).append("set-cookie", header)
            await send(message)

        await self._app(scope, receive, send_saved)

    async def _find(self, headers: Headers, origin: str) -> Browser:
        agent = headers.get("user-agent", "")[:MAX_AGENT_CHARS]
        secret = self._cookie.read(headers.get("cookie", ""))
        login = await run_in_threadpool(self._look_up, secret, origin) if secret else None
        if login is None:
            return Browser(agent=agent, origin=origin)
        return Browser(
            actor=login.actor,
            secret=secret,
            agent=agent,
            origin=origin,
            data=dict(login.data),
            found=dict(login.data),
            to_note=login.to_note,
        )

    def _look_up(self, secret: str, origin: str) -> sessions.Login | None:
        with self._context.database.reading() as session:
            return sessions.find(
                session,
                secret_sha256=digest(secret),
                limits=self._context.session_limits,
                terms_version=self._context.terms.version,
                origin=origin,
                now=self._context.clock(),
            )

    async def _save(self, browser: Browser) -> str | None:
        if browser.is_leaving and not browser.data:
            await run_in_threadpool(self._end, browser)
            return self._cookie.deleted()
        is_new = browser.is_leaving or (browser.data and browser.secret is None)
        if browser.signed_in is not None or is_new:
            return await run_in_threadpool(self._start, browser)
        if browser.secret is not None and browser.is_renewed:
            return await run_in_threadpool(self._renew, browser)
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
                signed_in=browser.signed_in,
                data=browser.data,
                agent=browser.agent,
                origin=browser.origin,
                limits=self._context.session_limits,
                now=self._context.clock(),
            )
        lasts = self._context.session_limits.longest if browser.signed_in else LOGIN_STATE_TTL
        return self._cookie.written(secret, lasts)

    def _renew(self, browser: Browser) -> str:
        secret = new_secret()
        self._keep(browser, becomes=digest(secret))
        return self._cookie.written(secret, self._context.session_limits.longest)

    def _keep(self, browser: Browser, becomes: str | None = None) -> None:
        with self._context.database.writing() as session:
            sessions.keep(
                session,
                secret_sha256=digest(str(browser.secret)),
                data=browser.data,
                now=self._context.clock(),
                becomes=becomes,
            )

    def _end(self, browser: Browser) -> None:
        if browser.secret is not None:
            with self._context.database.writing() as session:
                sessions.end(session, secret_sha256=digest(browser.secret))
