"""Mails of organisers to participants: written, looked at with the number of people, sent, and stopped."""

from starlette.responses import Response

from portal.domain.challenges.announcements import MAX_TEXT_BYTES, MAX_TITLE_CHARS
from portal.domain.challenges.circulars import MAX_A_DAY, Recipients
from portal.domain.errors import NotAllowedError, NotFoundError, ParticipantError
from portal.domain.mail.kinds import MailState
from portal.services.challenges import circulars
from portal.services.challenges.circulars import Preview
from portal.web.errors import status_of
from portal.web.rendering.labels import word
from portal.web.request_context import Fields, PageRequest
from portal.web.uploads.submit_form import Filled

FIELDS = ("title", "text", "to", "phase")


def show(request: PageRequest) -> Response:
    """Show the form, and what was sent."""
    return _page(request, Filled())


def send(request: PageRequest, fields: Fields) -> Response:
    """Show to how many people it would go, or send it."""
    filled = Filled(values={name: fields.get(name, "") for name in FIELDS})
    if filled.value("to") not in set(Recipients):
        wrong = Filled(values=filled.values, errors={"to": "Choose whom it is for."})
        return _page(request, wrong, status=422)
    wanted = {
        "actor": request.actor,
        "slug": request.path_param("slug"),
        "title": filled.value("title"),
        "text": filled.value("text"),
        "recipients": Recipients(filled.value("to")),
        "phase": filled.value("phase"),
    }
    try:
        if fields.get("do") != "send":
            found = request.read(circulars.preview, **wanted)  # type: ignore[arg-type]
            return _page(request, filled, preview=found)
        shown = fields.get("shown", "")
        request.write(
            circulars.send,
            shown=int(shown) if shown.isascii() and shown.isdigit() else -1,
            now=request.now,
            by_mail=request.context.sends_mail,
            **wanted,  # type: ignore[arg-type]
        )
    except (NotFoundError, NotAllowedError):
        raise
    except ParticipantError as refusal:
        return _page(request, filled.refused(refusal), status=status_of(refusal))
    return request.redirect(_root(request))


def stop(request: PageRequest, fields: Fields) -> Response:
    """Send nothing further of one."""
    del fields
    request.write(
        circulars.stop,
        actor=request.actor,
        slug=request.path_param("slug"),
        circular_id=request.path_param("id"),
        now=request.now,
    )
    return request.redirect(_root(request))


def _page(
    request: PageRequest, filled: Filled, *, preview: Preview | None = None, status: int = 200
) -> Response:
    view = request.read(
        circulars.circulars_page,
        actor=request.actor,
        slug=request.path_param("slug"),
        page=request.page_number(),
        now=request.now,
    )
    return request.page(
        "challenges/circulars.html",
        status=status,
        view=view,
        frame=view.frame,
        filled=filled,
        preview=preview,
        by_mail=request.context.sends_mail,
        recipients=[(one, word(one)) for one in Recipients],
        phases=[("", "Whichever phase"), *((one.slug, one.title) for one in view.frame.phases)],
        states=tuple(MailState),
        max_title_chars=MAX_TITLE_CHARS,
        max_text_bytes=MAX_TEXT_BYTES,
        most=MAX_A_DAY,
    )


def _root(request: PageRequest) -> str:
    return f"/challenges/{request.path_param('slug')}/mail"
