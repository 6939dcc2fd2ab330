"""The revisions of a challenge: what its bundle was, and what each changed."""

from starlette.responses import Response

from portal.domain.errors import NotFoundError
from portal.services.challenges import revisions
from portal.web.request_context import PageRequest

MAX_NUMBER_DIGITS = 6


def show(request: PageRequest) -> Response:
    """List the revisions, the newest first."""
    view = request.read(
        revisions.revision_list,
        actor=request.actor,
        slug=request.path_param("slug"),
        page=request.page_number(),
        now=request.now,
    )
    return request.page("challenges/revisions.html", view=view, frame=view.frame)


def one(request: PageRequest) -> Response:
    """Show one revision, and how it differs from the one before."""
    number = request.path_param("number")
    if not (number.isascii() and number.isdecimal() and len(number) <= MAX_NUMBER_DIGITS):
        raise NotFoundError
    view = request.read(
        revisions.revision_page,
        actor=request.actor,
        slug=request.path_param("slug"),
        number=int(number),
        now=request.now,
    )
    return request.page("challenges/revision.html", view=view, frame=view.frame)
