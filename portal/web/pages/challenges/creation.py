"""Making a new challenge of a zip."""

from starlette.responses import Response

from portal.services.challenges.bundles import creation
from portal.web.request_context import PageRequest
from portal.web.uploads import bundles
from portal.web.uploads.submit import SubmissionRejectedError
from portal.web.uploads.submit_form import Filled


def show(request: PageRequest) -> Response:
    """Show the form, and what the site offers to challenges."""
    return _page(request, Filled(), ())


async def create(request: PageRequest) -> Response:
    """Make a draft of a zipped bundle, or show what is wrong with that."""
    if (elsewhere := request.login_redirect()) is not None:
        return elsewhere
    try:
        slug = await bundles.take_new(request)
    except SubmissionRejectedError as refusal:
        filled = Filled(values=refusal.values, errors=refusal.errors)
        return _page(request, filled, refusal.problems, status=refusal.status)
    return request.redirect(f"/challenges/{slug}/state")


def _page(
    request: PageRequest, filled: Filled, problems: tuple[str, ...], *, status: int = 200
) -> Response:
    context = request.context
    creation.check_may_create(request.actor, everybody=context.everybody_creates)
    return request.page(
        "challenges/new.html",
        status=status,
        filled=filled,
        problems=problems,
        profiles=sorted(context.resources.profiles),
        support=context.support,
        upload_limit=context.resources.upload_limit,
    )
