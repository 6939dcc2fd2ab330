"""Taking a file of weights: one way, for the page and for the API."""

from starlette.concurrency import run_in_threadpool

from portal.domain.errors import NotFoundError, ParticipantError
from portal.files.archives.weights import check_weights
from portal.files.errors import BadArchiveError
from portal.files.store import StorageFullError
from portal.services.submissions import weights
from portal.services.submissions.submit import Upload
from portal.services.submissions.weights import WeightsPage
from portal.web.errors import reason_of, status_of
from portal.web.request_context import PageRequest
from portal.web.uploads.received_form import ReceivedForm
from portal.web.uploads.submit import (
    HTTP_422,
    SubmissionRejectedError,
    check_may_submit,
    inspections,
    keep,
    no_room,
    receive_file,
)


def open_page(request: PageRequest, slug: str) -> WeightsPage:
    """Return what the team has; raise ``NotFoundError`` or ``NotAllowedError`` for whoever cannot have any."""
    return request.read(
        weights.weights_page,
        actor=request.actor,
        slug=slug,
        limit=request.context.resources.weights_limit,
        now=request.now,
    )


async def take(request: PageRequest, slug: str) -> str:
    """Keep the file in the request's body; return the id of the weights. Raises ``SubmissionRejectedError``.

    Nothing is read from somebody who may not upload here.
    """
    await run_in_threadpool(check_may_submit, request, slug, "upload weights")
    received = await receive_file(request)
    if not received.has_file:
        await received.drop()
        raise SubmissionRejectedError(
            HTTP_422, "incomplete", {"file": "Choose a file. It must not be empty."}
        )
    try:
        await run_in_threadpool(_check_first, request, slug, received.size)
        filename = received.filename or "weights"
        async with inspections(request):
            unpacked = await run_in_threadpool(_look_through, request, received, filename)
        stored = await keep(received)
        upload = Upload(sha256=stored.sha256, size=stored.size)
        return await run_in_threadpool(_keep, request, slug, upload, filename, unpacked)
    except NotFoundError:
        raise
    except ParticipantError as error:
        wrong = {"file" if error.reason == "file" else "": error.message}
        raise SubmissionRejectedError(status_of(error), reason_of(error), wrong) from error
    finally:
        # Without effect on what was kept.
        await received.drop()


def _check_first(request: PageRequest, slug: str, size: int) -> None:
    request.read(
        weights.check_first,
        actor=request.actor,
        slug=slug,
        size=size,
        limit=request.context.resources.weights_limit,
        now=request.now,
    )


def _look_through(request: PageRequest, received: ReceivedForm, filename: str) -> bool:
    """Return whether runs find the files in an upload. Raises ``SubmissionRejectedError`` for what they could not use."""
    try:
        return check_weights(
            received.written(), filename, max_bytes=request.context.resources.weights_limit
        )
    except StorageFullError as error:
        raise no_room(error) from error
    except BadArchiveError as error:
        raise SubmissionRejectedError(HTTP_422, error.reason, {"file": error.message}) from error


def _keep(request: PageRequest, slug: str, upload: Upload, filename: str, unpacked: bool) -> str:
    return request.write(
        weights.keep,
        actor=request.actor,
        slug=slug,
        upload=upload,
        filename=filename,
        unpacked=unpacked,
        limit=request.context.resources.weights_limit,
        now=request.now,
    )
