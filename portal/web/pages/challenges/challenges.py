"""The list of challenges, and the pages of one."""

from starlette.responses import Response

from portal.services.challenges import views as challenge_views
from portal.web.request_context import Visit


def home(visit: Visit) -> Response:
    """Show all challenges that are open to the person."""
    view = visit.read(challenge_views.home, actor=visit.actor, now=visit.now)
    return visit.page("home.html", view=view)


def overview(visit: Visit) -> Response:
    """Show a challenge's first page and its facts."""
    view = visit.read(
        challenge_views.overview,
        actor=visit.actor,
        slug=visit.part("slug"),
        resources=visit.context.resources,
        now=visit.now,
    )
    return visit.page("challenges/overview.html", view=view, frame=view.frame)


def text_page(visit: Visit) -> Response:
    """Show a page that the organisers wrote."""
    view = visit.read(
        challenge_views.page,
        actor=visit.actor,
        slug=visit.part("slug"),
        page_slug=visit.part("page"),
        now=visit.now,
    )
    return visit.page("challenges/text.html", view=view, frame=view.frame)


def terms(visit: Visit) -> Response:
    """Show the terms of a challenge."""
    view = visit.read(
        challenge_views.terms, actor=visit.actor, slug=visit.part("slug"), now=visit.now
    )
    return visit.page("challenges/text.html", view=view, frame=view.frame)
