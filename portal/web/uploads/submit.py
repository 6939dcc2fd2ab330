"""Taking what somebody submits: one way, for the form and for the API."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import structlog
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException

from portal.domain.errors import NotFoundError, ParticipantError
from portal.domain.submissions.questions import FIELD, AnswersError
from portal.files.store import StorageFullError, Stored, TooLargeError
from portal.services.submissions import idempotency, submit
from portal.services.submissions.idempotency import Wanted
from portal.services.submissions.submit import Upload
from portal.services.teams import joining
from portal.web.errors import next_at_of, reason_of, status_of
from portal.web.middleware.rate_limits import person, rates_of
from portal.web.rendering.filters import file_size
from portal.web.request_context import PageRequest
from portal.web.uploads.multipart import MalformedFormError
from portal.web.uploads.received_form import ReceivedForm, receive
from portal.web.uploads.submit_form import MESSAGES, SubmitInput, read_input

log = structlog.get_logger("sealrun.web")

HTTP_422 = 422
TOO_LARGE = 413
MAX_INSPECTIONS = 2
"""Uploads that a process inspects at a time: a large archive takes a thread for a minute or more."""
NO_ROOM = (
    "This site has no room for uploads at the moment. Nothing of yours was kept, and nothing counts."
    " Try again later, and tell the people who run the site if it stays so."
)


class SubmissionRejectedError(Exception):
    """Nothing was made of the form: with which status, why, and what is wrong by field.

    The empty name stands for the form as a whole; ``problems`` are what is wrong in the file, each with its place;
    ``next_at`` is when a limit has room again.
    """

    def __init__(
        self,
        status: int,
        reason: str,
        errors: Mapping[str, str],
        values: Mapping[str, str] | None = None,
        problems: Sequence[str] = (),
        next_at: datetime | None = None,
    ) -> None:
        super().__init__(reason)
        self.next_at = next_at
        self.problems = tuple(problems)
        self.status = status
        self.reason = reason
        self.errors = errors
        self.values = values or {}


@dataclass(frozen=True, slots=True, kw_only=True)
class Submitted:
    """The submission that a form or a call made, now or when it was sent before."""

    id: str
    is_again: bool


async def receive_submission(request: PageRequest, slug: str, *, key: str = "") -> Submitted:
    """Take the form in the request's body and make a submission of its file to a challenge.

    ``key`` is a program's own name for it: used again, it makes no other. Nothing is read from somebody who may not
    submit here. Raises ``SubmissionRejectedError``, and what ``check_may_submit`` raises.
    """
    await run_in_threadpool(check_may_submit, request, slug, "submit something")
    return await _decide(request, slug, key, await receive_file(request))


async def receive_file(request: PageRequest) -> ReceivedForm:
    """Read the form in the request's body, with its file. Raises ``SubmissionRejectedError`` and ``RateLimitExceededError``."""
    await rates_of(request.http).count_in_loop("upload", person(request))
    limit = request.context.resources.upload_limit
    form = ReceivedForm()
    try:
        return await receive(
            request.http.stream(),
            request.http.headers.get("content-type", ""),
            store=request.context.store,
            limit=limit,
            form=form,
        )
    except StorageFullError as error:
        raise no_room(error) from error
    except TooLargeError as error:
        raise _too_large(limit, form) from error
    except HTTPException as error:
        # The whole body is bounded, too: by what it announces nothing of it is read.
        if error.status_code != TOO_LARGE:
            raise
        raise _too_large(limit, form) from error
    except MalformedFormError as error:
        raise SubmissionRejectedError(400, "bad_form", {"": str(error)}) from error


def _too_large(limit: int, form: ReceivedForm) -> SubmissionRejectedError:
    message = f"The file is larger than {file_size(limit)}, which is the limit of this site."
    return SubmissionRejectedError(TOO_LARGE, "too_large", {"file": message}, form.fields)


async def keep(received: ReceivedForm) -> Stored:
    """Put the file of a form under its final name. Raises ``SubmissionRejectedError`` where there is no room for it."""
    try:
        return await received.keep()
    except StorageFullError as error:
        raise no_room(error) from error


def no_room(problem: StorageFullError) -> SubmissionRejectedError:
    """Return the refusal of an upload for which the storage has no room, which goes to the log."""
    log.error("storage_full", problem=str(problem))
    return SubmissionRejectedError(507, "storage_full", {"": NO_ROOM})


def inspections(request: PageRequest) -> asyncio.Semaphore:
    """Return what makes uploads that are looked through wait for each other; each application has one of its own."""
    state = request.http.app.state
    if not hasattr(state, "upload_inspections"):
        state.upload_inspections = asyncio.Semaphore(MAX_INSPECTIONS)
    found: asyncio.Semaphore = state.upload_inspections
    return found


def check_may_submit(request: PageRequest, slug: str, what: str) -> None:
    """Refuse whoever may not upload at all, before anything is read. Raises ``NotFoundError`` and ``NotAllowedError``."""
    request.read(joining.check_may_submit, actor=request.actor, slug=slug, what=what)


async def _decide(request: PageRequest, slug: str, key: str, received: ReceivedForm) -> Submitted:
    values = received.fields
    wanted = read_input(values)
    errors = {} if isinstance(wanted, SubmitInput) else dict(wanted)
    if not received.has_file:
        errors["file"] = MESSAGES["file"]
    if errors or not isinstance(wanted, SubmitInput):
        await received.drop()
        raise SubmissionRejectedError(HTTP_422, "incomplete", errors, values)
    once = _once(wanted, key, received.sha256)
    try:
        before = await run_in_threadpool(_made_before, request, slug, wanted, once, received.sha256)
        if before:
            return Submitted(id=before, is_again=True)
        await run_in_threadpool(_check_first, request, slug, wanted)
        stored = await keep(received)
        made = await run_in_threadpool(
            _submit, request, slug, wanted, once, stored, received.filename or "upload"
        )
        return Submitted(id=made, is_again=False)
    except NotFoundError:
        raise
    except AnswersError as error:
        wrong = {f"{FIELD}{key}": message for key, message in error.errors.items()}
        raise SubmissionRejectedError(HTTP_422, error.reason, wrong, values) from error
    except ParticipantError as error:
        wrong = {_field(error): error.message}
        raise SubmissionRejectedError(
            status_of(error), reason_of(error), wrong, values, next_at=next_at_of(error)
        ) from error
    finally:
        # Without effect on what was kept.
        await received.drop()


def _once(wanted: SubmitInput, key: str, sha256: str) -> str:
    """Return the key of this form or call; empty without one.

    A form whose fields or whose file were changed on the way back is another one, so all of that is part of its
    key. A program's own key stands for one call alone.
    """
    if key:
        return f"call {key}"
    return f"form {sha256} {wanted.model_dump_json()}" if wanted.once else ""


def _made_before(
    request: PageRequest, slug: str, wanted: SubmitInput, once: str, sha256: str
) -> str | None:
    return request.read(
        idempotency.made_with,
        actor=request.actor,
        once=once,
        wanted=Wanted(
            challenge=slug,
            phase=wanted.phase,
            kind=wanted.kind,
            sha256=sha256,
            weights=wanted.weights,
            note=wanted.note,
            is_smoke=wanted.smoke == "yes",
        ),
    )


def _check_first(request: PageRequest, slug: str, wanted: SubmitInput) -> None:
    request.read(
        submit.check_first,
        actor=request.actor,
        challenge_slug=slug,
        phase_slug=wanted.phase,
        kind=wanted.kind,
        smoke=wanted.smoke == "yes",
        answers=wanted.written,
        now=request.now,
    )


def _submit(
    request: PageRequest,
    slug: str,
    wanted: SubmitInput,
    once: str,
    stored: Stored,
    filename: str,
) -> str:
    return request.write(
        submit.submit,
        actor=request.actor,
        challenge_slug=slug,
        phase_slug=wanted.phase,
        kind=wanted.kind,
        upload=Upload(sha256=stored.sha256, size=stored.size),
        filename=filename,
        note=wanted.note,
        weights=wanted.weights,
        smoke=wanted.smoke == "yes",
        answers=wanted.written,
        once=once,
        now=request.now,
    )


def _field(error: ParticipantError) -> str:
    return error.reason if error.reason in MESSAGES else ""
