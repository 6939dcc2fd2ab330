"""Handing in: the form, and the upload that it sends."""

from starlette.concurrency import run_in_threadpool
from starlette.responses import RedirectResponse, Response

from portal.domain.errors import NotFound, ParticipantError
from portal.files.store import Stored, TooLarge
from portal.services import submissions, submit_forms
from portal.services.submissions import Upload
from portal.web.errors import status_of
from portal.web.filters import file_size
from portal.web.forms import SENTENCES, Filled, SubmitInput, read_input
from portal.web.multipart import BadForm
from portal.web.uploads import ReceivedForm, receive
from portal.web.visit import Visit

UNUSABLE = 422


def form(visit: Visit) -> Response:
    """Show the form with what is left of the limits."""
    return _page(visit, Filled(), 200)


async def hand_in(visit: Visit) -> Response:
    """Take the file and make a submission of it, or show the form again with what is wrong."""
    if not visit.actor.is_known:
        return visit.to_login()
    # Nothing is read from somebody who may not hand in here.
    await run_in_threadpool(_form_view, visit)
    limit = visit.context.resources.upload_limit
    try:
        received = await receive(
            visit.request.stream(),
            visit.request.headers.get("content-type", ""),
            store=visit.context.store,
            limit=limit,
        )
    except TooLarge:
        sentence = f"The file is larger than {file_size(limit)}, which is the limit of this site."
        return await _again(visit, Filled(errors={"file": sentence}), 413)
    except BadForm as bad:
        return await _again(visit, Filled(errors={"": str(bad)}), 400)
    return await _decide(visit, received)


async def _decide(visit: Visit, received: ReceivedForm) -> Response:
    values = received.fields
    wanted = read_input(values)
    errors = {} if isinstance(wanted, SubmitInput) else dict(wanted)
    if not received.has_file:
        errors["file"] = SENTENCES["file"]
    if errors or not isinstance(wanted, SubmitInput):
        await received.drop()
        return await _again(visit, Filled(values=values, errors=errors), UNUSABLE)
    stored = await received.keep()
    try:
        submission_id = await run_in_threadpool(
            _submit, visit, wanted, stored, received.filename or "upload"
        )
    except NotFound:
        raise
    except ParticipantError as error:
        filled = Filled(values=values, errors={_field(error): error.sentence})
        return await _again(visit, filled, status_of(error))
    return RedirectResponse(f"/submissions/{submission_id}", 303)


def _submit(visit: Visit, wanted: SubmitInput, stored: Stored, filename: str) -> str:
    return visit.write(
        submissions.submit,
        actor=visit.actor,
        challenge_slug=visit.part("slug"),
        phase_slug=wanted.phase,
        kind=wanted.kind,
        upload=Upload(sha256=stored.sha256, size=stored.size),
        filename=filename,
        note=wanted.note,
        now=visit.now,
    )


def _field(error: ParticipantError) -> str:
    return error.reason if error.reason in SENTENCES else ""


def _form_view(visit: Visit) -> submit_forms.SubmitForm:
    return visit.read(
        submit_forms.submit_form, actor=visit.actor, slug=visit.part("slug"), now=visit.now
    )


async def _again(visit: Visit, filled: Filled, status: int) -> Response:
    return await run_in_threadpool(_page, visit, filled, status)


def _page(visit: Visit, filled: Filled, status: int) -> Response:
    view = _form_view(visit)
    return visit.page(
        "challenges/submit.html",
        status=status,
        view=view,
        frame=view.frame,
        filled=filled,
        upload_limit=visit.context.resources.upload_limit,
    )
