"""Handing in: the form, and what becomes of it."""

import secrets

from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from portal.domain.errors import NotAllowedError
from portal.web.local_paths import with_query
from portal.web.request_context import Visit
from portal.web.uploads.submit import SubmissionRejectedError, open_form
from portal.web.uploads.submit import hand_in as take
from portal.web.uploads.submit_form import Filled


def form(visit: Visit) -> Response:
    """Show the form with what is left of the limits; who has to join first is sent there."""
    try:
        return _page(visit, Filled(), 200)
    except NotAllowedError as refusal:
        if refusal.reason != "join":
            raise
        here = visit.request.url.path
        return visit.to(with_query(here.removesuffix("submit") + "join", next=here))


async def hand_in(visit: Visit) -> Response:
    """Take the file and make a submission of it, or show the form again with what is wrong."""
    if (elsewhere := visit.admission()) is not None:
        return elsewhere
    try:
        made = await take(visit)
    except SubmissionRejectedError as refusal:
        filled = Filled(values=refusal.values, errors=refusal.errors)
        return await run_in_threadpool(_page, visit, filled, refusal.status)
    address = f"/submissions/{made.id}"
    return visit.to(with_query(address, again="yes") if made.is_again else address)


def _page(visit: Visit, filled: Filled, status: int) -> Response:
    view = open_form(visit)
    return visit.page(
        "submissions/submit.html",
        status=status,
        view=view,
        frame=view.frame,
        filled=filled,
        once=secrets.token_urlsafe(16),
        upload_limit=visit.context.resources.upload_limit,
    )
