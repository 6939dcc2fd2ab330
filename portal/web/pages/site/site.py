"""Pages about the site itself."""

from sqlalchemy.exc import SQLAlchemyError
from starlette.responses import JSONResponse, Response

from portal.domain import permissions
from portal.domain.errors import NotFoundError
from portal.services.site import health
from portal.web.rendering.patterns import samples
from portal.web.request_context import Visit


def terms(visit: Visit) -> Response:
    """Show the terms of the site."""
    if not visit.context.terms.version:
        raise NotFoundError
    return visit.page("site/terms.html", terms=visit.context.terms)


def seal_keys(visit: Visit) -> Response:
    """Publish the keys with which anybody can check what the site has signed."""
    keys = [{"keyid": key.id, "pem": key.pem} for key in visit.context.seal_keys]
    return JSONResponse({"keys": keys})


def is_healthy(visit: Visit) -> Response:
    """Tell a monitor whether the portal can answer, and whether what waits for a cluster goes on.

    Anybody may ask: it says how many, and names none.
    """
    clusters = visit.context.resources.build_profiles
    try:
        found = visit.read(health.look, clusters, now=visit.now)
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


def patterns(visit: Visit) -> Response:
    """Show staff every control that pages are made of."""
    if not permissions.may_see_staff_pages(visit.actor):
        raise NotFoundError
    return visit.page("patterns.html", samples=samples(visit.now))
