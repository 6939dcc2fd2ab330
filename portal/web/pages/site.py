"""Pages about the person and the site itself."""

from sqlalchemy.exc import SQLAlchemyError
from starlette.responses import JSONResponse, Response

from portal.domain import permissions
from portal.domain.errors import NotFound
from portal.services import health, people
from portal.web.patterns import samples
from portal.web.visit import Visit


def account(visit: Visit) -> Response:
    """Show the person what the portal knows of them."""
    view = visit.read(people.account_page, actor=visit.actor)
    return visit.page("account.html", view=view)


def is_healthy(visit: Visit) -> Response:
    """Tell a monitor whether the portal can answer."""
    try:
        visit.read(health.check)
    except SQLAlchemyError:
        return JSONResponse({"status": "failing", "database": "unreachable"}, 503)
    return JSONResponse({"status": "ok", "database": "reachable"})


def patterns(visit: Visit) -> Response:
    """Show staff every control that pages are made of."""
    if not permissions.may_see_staff_pages(visit.actor):
        raise NotFound
    return visit.page("patterns.html", samples=samples(visit.now))
