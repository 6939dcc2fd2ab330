"""A team's weights: what there is, and uploading more."""

from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from portal.services.submissions import weights
from portal.web.request_context import Fields, Visit
from portal.web.uploads.submit import SubmissionRejectedError
from portal.web.uploads.submit_form import Filled
from portal.web.uploads.weights import open_page, take


def show(visit: Visit) -> Response:
    """Show the team's weights and the form for another file."""
    return _page(visit, Filled(), 200)


async def upload(visit: Visit) -> Response:
    """Keep a file, or show the page again with what is wrong."""
    if (elsewhere := visit.admission()) is not None:
        return elsewhere
    try:
        await take(visit)
    except SubmissionRejectedError as refusal:
        filled = Filled(values=refusal.values, errors=refusal.errors)
        return await run_in_threadpool(_page, visit, filled, refusal.status)
    return visit.to(f"/challenges/{visit.part('slug')}/weights")


def remove(visit: Visit, _fields: Fields) -> Response:
    """Offer a file no more."""
    visit.write(
        weights.remove,
        actor=visit.actor,
        slug=visit.part("slug"),
        weights_id=visit.part("id"),
        now=visit.now,
    )
    return visit.to(f"/challenges/{visit.part('slug')}/weights")


def _page(visit: Visit, filled: Filled, status: int) -> Response:
    view = open_page(visit)
    return visit.page(
        "submissions/weights.html",
        status=status,
        view=view,
        frame=view.frame,
        filled=filled,
        upload_limit=visit.context.resources.upload_limit,
    )
