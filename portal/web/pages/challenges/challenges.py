"""The list of challenges, and the pages of one."""

from starlette.responses import Response

from portal.domain import permissions
from portal.services.challenges import views as challenge_views
from portal.web.request_context import PageRequest


def home(request: PageRequest) -> Response:
    """Show all challenges that are open to the person."""
    view = request.read(challenge_views.home, actor=request.actor, now=request.now)
    may_create = permissions.may_create_challenge(
        request.actor, everybody=request.context.everybody_creates
    )
    return request.page("home.html", view=view, may_create=may_create)


def overview(request: PageRequest) -> Response:
    """Show a challenge's first page and its facts."""
    view = request.read(
        challenge_views.overview,
        actor=request.actor,
        slug=request.path_param("slug"),
        resources=request.context.resources,
        now=request.now,
    )
    return request.page("challenges/overview.html", view=view, frame=view.frame)


def text_page(request: PageRequest) -> Response:
    """Show a page that the organisers wrote."""
    view = request.read(
        challenge_views.page,
        actor=request.actor,
        slug=request.path_param("slug"),
        page_slug=request.path_param("page"),
        now=request.now,
    )
    return request.page("challenges/text.html", view=view, frame=view.frame)


def terms(request: PageRequest) -> Response:
    """Show the terms of a challenge."""
    view = request.read(
        challenge_views.terms, actor=request.actor, slug=request.path_param("slug"), now=request.now
    )
    return request.page("challenges/text.html", view=view, frame=view.frame)
