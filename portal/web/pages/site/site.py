"""Pages about the site itself."""

from sqlalchemy.exc import SQLAlchemyError
from starlette.responses import JSONResponse, Response

from portal.domain import permissions
from portal.domain.errors import NotFoundError
from portal.services.site import health
from portal.web.rendering.patterns import samples
from portal.web.request_context import PageRequest


def terms(request: PageRequest) -> Response:
    """Show the terms of the site."""
    if not request.context.terms.version:
        raise NotFoundError
    return request.page("site/terms.html", terms=request.context.terms)


def seal_keys(request: PageRequest) -> Response:
    """Publish the keys with which anybody can check what the site has signed."""
    keys = [{"keyid": key.id, "pem": key.pem} for key in request.context.seal_keys]
    return JSONResponse({"keys": keys})


def is_healthy(request: PageRequest) -> Response:
    """Tell a monitor whether the portal can answer, and whether what waits for a cluster goes on.

    Anybody may ask: it says how many, and names none.
    """
    clusters = request.context.resources.build_profiles
    try:
        found = request.read(health.look, clusters, now=request.now)
    except SQLAlchemyError:
        return JSONResponse({"status": "failing", "database": "unreachable"}, 503)
    return JSONResponse(
        {
            "status": "ok" if all(one.is_well for one in found) else "degraded",
            "database": "reachable",
            "clusters": len(found),
            "workers_alive": sum(one.worker for one in found),
            "clusters_answering": sum(one.answers for one in found),
        }
    )


def patterns(request: PageRequest) -> Response:
    """Show staff every control that pages are made of."""
    if not permissions.may_see_staff_pages(request.actor):
        raise NotFoundError
    return request.page("patterns.html", samples=samples(request.now))
