"""Where organisers announce something, correct it, take it down and put it back."""

from collections.abc import Callable
from datetime import datetime

from sqlalchemy.orm import Session
from starlette.responses import Response

from portal.domain.challenges.announcements import MAX_TEXT_BYTES, MAX_TITLE_CHARS
from portal.domain.errors import NotAllowedError, NotFoundError, ParticipantError
from portal.services.challenges import announcements, news
from portal.services.challenges.bundles import announced_dates
from portal.web.errors import status_of
from portal.web.request_context import Fields, PageRequest
from portal.web.uploads.submit_form import Filled

MAX_NUMBER_DIGITS = 6
FIELDS = frozenset({"title", "text"})


def write(request: PageRequest) -> Response:
    """Show the form that announces something; with the number of a revision, filled in with the dates that it changed."""
    return _page(request, None, Filled(values=_drafted(request)))


def announce(request: PageRequest, fields: Fields) -> Response:
    """Announce something, or show how it would look."""

    def publish(session: Session, *, title: str, text: str, now: datetime) -> None:
        announcements.announce(
            session,
            actor=request.actor,
            slug=request.path_param("slug"),
            title=title,
            text=text,
            now=now,
            by_mail=request.context.sends_mail,
        )

    return _publish(request, fields, None, publish)


def ask_to_correct(request: PageRequest) -> Response:
    """Show an announcement in the form that changes it."""
    return _page(request, request.path_param("id"), None)


def correct(request: PageRequest, fields: Fields) -> Response:
    """Correct an announcement, or show how it would look."""
    announcement_id = request.path_param("id")

    def publish(session: Session, *, title: str, text: str, now: datetime) -> None:
        announcements.correct(
            session,
            actor=request.actor,
            slug=request.path_param("slug"),
            announcement_id=announcement_id,
            title=title,
            text=text,
            now=now,
        )

    return _publish(request, fields, announcement_id, publish)


def take_down(request: PageRequest, fields: Fields) -> Response:
    """Show an announcement to organisers only."""
    del fields
    return _move(request, announcements.take_down)


def put_back(request: PageRequest, fields: Fields) -> Response:
    """Show an announcement to everybody again."""
    del fields
    return _move(request, announcements.put_back)


def _move(request: PageRequest, command: Callable[..., None]) -> Response:
    request.write(
        command,
        actor=request.actor,
        slug=request.path_param("slug"),
        announcement_id=request.path_param("id"),
        now=request.now,
    )
    return request.redirect(_news(request))


def _drafted(request: PageRequest) -> dict[str, str]:
    number = request.http.query_params.get("revision", "")
    if not (number.isascii() and number.isdecimal() and len(number) <= MAX_NUMBER_DIGITS):
        return {}
    found = request.read(
        announced_dates.draft,
        actor=request.actor,
        slug=request.path_param("slug"),
        number=int(number),
        now=request.now,
    )
    return {"title": found.title, "text": found.text} if found else {}


def _publish(
    request: PageRequest, fields: Fields, announcement_id: str | None, publish: Callable[..., None]
) -> Response:
    filled = Filled(values={name: fields.get(name, "") for name in FIELDS})
    title, text = filled.value("title"), filled.value("text")
    try:
        if fields.get("do") != "publish":
            preview = announcements.checked(title, text)
            return _page(request, announcement_id, filled, preview=preview)
        request.write(publish, title=title, text=text, now=request.now)
    except (NotFoundError, NotAllowedError):
        raise
    except ParticipantError as refusal:
        wrong = filled.refused(refusal)
        return _page(request, announcement_id, wrong, status=status_of(refusal))
    return request.redirect(_news(request))


def _page(
    request: PageRequest,
    announcement_id: str | None,
    filled: Filled | None,
    *,
    preview: tuple[str, str] | None = None,
    status: int = 200,
) -> Response:
    view = request.read(
        news.form,
        actor=request.actor,
        slug=request.path_param("slug"),
        announcement_id=announcement_id,
        now=request.now,
    )
    if filled is None:
        was = {"title": view.item.title, "text": view.item.text} if view.item else {}
        filled = Filled(values=was)
    return request.page(
        "challenges/announce.html",
        status=status,
        view=view,
        frame=view.frame,
        filled=filled,
        preview=preview,
        max_title_chars=MAX_TITLE_CHARS,
        max_text_bytes=MAX_TEXT_BYTES,
        by_mail=request.context.sends_mail and announcement_id is None,
    )


def _news(request: PageRequest) -> str:
    return f"/challenges/{request.path_param('slug')}/news"
