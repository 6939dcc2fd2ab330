"""What is kept until when, and what has gone: for staff, and for the organisers of a challenge."""

from starlette.responses import Response

from portal.services.site import retention_views
from portal.web.request_context import PageRequest


def of_site(request: PageRequest) -> Response:
    """Show staff what goes next and what has gone."""
    view = request.read(
        retention_views.staff_page,
        actor=request.actor,
        policy=request.context.resources.retention,
        page=request.page_number(),
    )
    return request.page("site/retention.html", view=view)


def of_challenge(request: PageRequest) -> Response:
    """Show organisers the same of their challenge."""
    view = request.read(
        retention_views.challenge_page,
        actor=request.actor,
        slug=request.path_param("slug"),
        policy=request.context.resources.retention,
        page=request.page_number(),
        now=request.now,
    )
    return request.page("challenges/retention.html", view=view, frame=view.frame)
