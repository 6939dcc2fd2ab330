"""Submitting: the form, and what becomes of it."""

import secrets

from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from portal.domain.errors import NotAllowedError
from portal.services.submissions import form as submit_form
from portal.web.local_paths import with_query
from portal.web.request_context import PageRequest
from portal.web.uploads.submit import SubmissionRejectedError, receive_submission
from portal.web.uploads.submit_form import Filled


def form(request: PageRequest) -> Response:
    """Show the form with what is left of the limits; who has to join first is sent there."""
    try:
        return _page(request, Filled(), 200)
    except NotAllowedError as refusal:
        if refusal.reason != "join":
            raise
        here = request.http.url.path
        return request.redirect(with_query(here.removesuffix("submit") + "join", next=here))


async def submit(request: PageRequest) -> Response:
    """Take the file and make a submission of it, or show the form again with what is wrong."""
    if (elsewhere := request.login_redirect()) is not None:
        return elsewhere
    try:
        made = await receive_submission(request, request.path_param("slug"))
    except SubmissionRejectedError as refusal:
        filled = Filled(values=refusal.values, errors=refusal.errors)
        return await run_in_threadpool(_page, request, filled, refusal.status)
    address = f"/submissions/{made.id}"
    return request.redirect(with_query(address, again="yes") if made.is_again else address)


def _page(request: PageRequest, filled: Filled, status: int) -> Response:
    view = request.read(
        submit_form.submit_form,
        actor=request.actor,
        slug=request.path_param("slug"),
        resources=request.context.resources,
        now=request.now,
    )
    return request.page(
        "submissions/submit.html",
        status=status,
        view=view,
        frame=view.frame,
        filled=filled,
        once=secrets.token_urlsafe(16),
        upload_limit=request.context.resources.upload_limit,
    )
