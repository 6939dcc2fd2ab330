"""What is kept until when, and what has gone: for staff, and for the organisers of a challenge."""

from starlette.responses import Response

from portal.services.site import retention_views
from portal.web.request_context import Visit


def of_site(visit: Visit) -> Response:
    """Show staff what goes next and what has gone."""
    view = visit.read(
        retention_views.staff_page,
        actor=visit.actor,
        policy=visit.context.resources.retention,
        page=visit.page_number(),
    )
    return visit.page("site/retention.html", view=view)


def of_challenge(visit: Visit) -> Response:
    """Show organisers the same of their challenge."""
    view = visit.read(
        retention_views.challenge_page,
        actor=visit.actor,
        slug=visit.part("slug"),
        policy=visit.context.resources.retention,
        page=visit.page_number(),
        now=visit.now,
    )
    return visit.page("challenges/retention.html", view=view, frame=view.frame)
