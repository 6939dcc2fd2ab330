"""Puts the web portal together."""

from starlette.applications import Starlette
from starlette.middleware import Middleware

from portal.web.api.app import create_api
from portal.web.context import WebContext
from portal.web.errors import HANDLERS, BrokenPages, foreign_request
from portal.web.login.identity_providers import logins_of
from portal.web.middleware.bodies import BodyLimit
from portal.web.middleware.csrf import SameOriginOnly
from portal.web.middleware.headers import SecurityHeaders
from portal.web.middleware.in_flight import InFlightLimit
from portal.web.middleware.page_cache import PageCache
from portal.web.middleware.rate_limits import Counting, RateLimits
from portal.web.middleware.request_log import RequestLog
from portal.web.middleware.sessions import Sessions
from portal.web.rendering.renderer import Renderer
from portal.web.rendering.static_files import StaticFiles
from portal.web.routes import routes


def create_app(context: WebContext, counting: Counting | None = None) -> Starlette:
    """Return the portal as an ASGI application; without ``counting``, it counts tries in its own memory."""
    static = StaticFiles()
    api = create_api(context.site_url)
    app = Starlette(
        routes=routes(static, api),
        middleware=_middleware(context),
        exception_handlers=HANDLERS,
    )
    app.state.context = context
    app.state.logins = logins_of(context)
    app.state.page_cache = PageCache()
    app.state.rates = RateLimits(context.rates, counting)
    app.state.renderer = Renderer(
        static,
        {
            "name": context.site_name,
            "url": context.site_url,
            "support": context.support,
            "has_terms": bool(context.terms.version),
        },
    )
    api.state = app.state
    return app


def _middleware(context: WebContext) -> list[Middleware]:
    # From the outside in. A request of another site is turned away before its cookie is looked at.
    return [
        Middleware(RequestLog),
        Middleware(InFlightLimit),
        Middleware(SecurityHeaders, is_secure=context.is_secure),
        Middleware(BrokenPages),
        Middleware(SameOriginOnly, site_origin=context.origin, refuse=foreign_request),
        Middleware(BodyLimit, upload_limit=context.resources.upload_limit),
        Middleware(Sessions, context=context),
    ]
