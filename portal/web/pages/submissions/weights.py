"""A team's weights: what there is, and uploading more."""

from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from portal.services.submissions import weights
from portal.web.request_context import Fields, PageRequest
from portal.web.uploads.submit import SubmissionRejectedError
from portal.web.uploads.submit_form import Filled
from portal.web.uploads.weights import open_page, take


def show(request: PageRequest) -> Response:
    """Show the team's weights and the form for another file."""
    return _page(request, Filled(), 200)


async def upload(request: PageRequest) -> Response:
    """Keep a file, or show the page again with what is wrong."""
    if (elsewhere := request.login_redirect()) is not None:
        return elsewhere
    try:
        await take(request, request.path_param("slug"))
    except SubmissionRejectedError as refusal:
        filled = Filled(values=refusal.values, errors=refusal.errors)
        return await run_in_threadpool(_page, request, filled, refusal.status)
    return request.redirect(f"/challenges/{request.path_param('slug')}/weights")


def remove(request: PageRequest, _fields: Fields) -> Response:
    """Stop offering a file."""
    request.write(
        weights.remove,
        actor=request.actor,
        slug=request.path_param("slug"),
        weights_id=request.path_param("id"),
        now=request.now,
    )
    return request.redirect(f"/challenges/{request.path_param('slug')}/weights")


def _page(request: PageRequest, filled: Filled, status: int) -> Response:
    view = open_page(request, request.path_param("slug"))
    return request.page(
        "submissions/weights.html",
        status=status,
        view=view,
        frame=view.frame,
        filled=filled,
        upload_limit=request.context.resources.upload_limit,
    )
