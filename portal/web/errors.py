"""Failures as answers: what went wrong in a sentence, and what to do about it.

People get a page; programs, at addresses of the API, the same sentence as JSON.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import format_datetime
from urllib.parse import urlsplit

import structlog
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from portal.domain.errors import (
    NotAllowedError,
    NotFoundError,
    ParticipantError,
    QuotaExceededError,
)
from portal.web.local_paths import is_api, local_path
from portal.web.middleware.bodies import MAX_FORM_BYTES
from portal.web.rendering.filters import file_size
from portal.web.request_context import page_request_of

log = structlog.get_logger("sealrun.web")


@dataclass(frozen=True, slots=True)
class Explanation:
    """What a status means for the person."""

    title: str
    message: str
    reason: str
    """A short code for programs."""


EXPLANATIONS: Mapping[int, Explanation] = {
    400: Explanation("That did not work", "The request could not be understood.", "not_understood"),
    403: Explanation(
        "This is not open to you", "You may not do this with your account.", "not_allowed"
    ),
    404: Explanation(
        "There is nothing here", "There is no such page, or it is not open to you.", "not_found"
    ),
    405: Explanation(
        "That did not work", "This page cannot be used in this way.", "method_not_allowed"
    ),
    408: Explanation(
        "That took too long",
        "The upload came too slowly and was broken off. Try again on a better connection.",
        "too_slow",
    ),
    413: Explanation(
        "That is too large",
        f"What was sent is longer than {file_size(MAX_FORM_BYTES)}, which is the limit of this form. Nothing was kept.",
        "too_large",
    ),
    422: Explanation(
        "Something is missing", "The form could not be used as it was sent.", "incomplete"
    ),
    429: Explanation("Too many", "A limit is reached. Wait, and try again later.", "too_often"),
    500: Explanation(
        "Something broke here",
        "This is a fault of the portal, not yours. It has been written to the log.",
        "broken",
    ),
    503: Explanation(
        "Not available", "The portal cannot answer at the moment. Try again soon.", "unavailable"
    ),
    507: Explanation("No room", "This site has no room for uploads at the moment.", "storage_full"),
}

FOREIGN = "This request came from another site. Open the page here and try again."


class RefusalError(HTTPException):
    """An answer that says no: a status, a sentence for people and a reason for programs."""

    def __init__(
        self, status: int, message: str, reason: str, headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(status, message, headers)
        self.message = message
        self.reason = reason


def error_answer(
    request: Request, status: int, message: str = "", reason: str = "", *, is_broken: bool = False
) -> Response:
    """Return the answer for a status; a sentence or reason, if given, replaces the general one.

    Whoever meets what ``is_broken`` is given the reference under which it is in the log.
    """
    known = EXPLANATIONS.get(status, EXPLANATIONS[400])
    message = message or known.message
    request_id = request.state.request_id
    if is_api(request.url.path):
        body = {"reason": reason or known.reason, "message": message, "request_id": request_id}
        return JSONResponse({"error": body}, status)
    return page_request_of(request).page(
        "error.html",
        status=status,
        code=status,
        title=known.title,
        message=message,
        request_id=request_id if is_broken else "",
        back=_sent_from(request),
    )


def _sent_from(request: Request) -> str:
    """Return the page whose form was sent, or nothing: browsers name it to the same site."""
    if request.method != "POST":
        return ""
    page = urlsplit(request.headers.get("referer", ""))
    is_own = f"{page.scheme}://{page.netloc}" == request.app.state.context.origin
    return local_path(page.path, otherwise="") if is_own else ""


def foreign_request(request: Request) -> Response:
    """Return the answer for a request that another site made the browser send."""
    return error_answer(request, 403, FOREIGN, "foreign")


def http_error(request: Request, error: Exception) -> Response:
    """Answer for an address or a method that does not exist, or a body that is too long."""
    status = error.status_code if isinstance(error, HTTPException) else 500
    words = (error.message, error.reason) if isinstance(error, RefusalError) else ("", "")
    response = error_answer(request, status, *words)
    if isinstance(error, HTTPException) and error.headers:
        response.headers.update(error.headers)
    return response


def participant_error(request: Request, error: Exception) -> Response:
    """Answer for what the person can do something about."""
    message = error.message if isinstance(error, ParticipantError) else ""
    answer = error_answer(request, status_of(error), message, reason_of(error))
    answer.headers.update(retry_after(next_at_of(error)))
    return answer


def next_at_of(error: Exception) -> datetime | None:
    """Return from when on it can be tried again, where a limit has been reached that will have room again."""
    return error.next_at if isinstance(error, QuotaExceededError) else None


def retry_after(moment: datetime | None) -> Mapping[str, str]:
    """Return the head of an answer that says when to try again (RFC 9110, 10.2.3)."""
    if moment is None:
        return {}
    return {"retry-after": format_datetime(moment.astimezone(UTC), usegmt=True)}


def reason_of(error: Exception) -> str:
    """Return the short code of a refusal."""
    return error.reason if isinstance(error, ParticipantError) else ""


def status_of(error: Exception) -> int:
    """Return the status that says best what kind of refusal this is."""
    if isinstance(error, NotFoundError):
        return 404
    if isinstance(error, NotAllowedError):
        return 403
    return 429 if isinstance(error, QuotaExceededError) else 422


Handlers = Mapping[type[Exception], Callable[[Request, Exception], Response | Awaitable[Response]]]

HANDLERS: Handlers = {HTTPException: http_error, ParticipantError: participant_error}


class BrokenPages:
    """Catch what nothing else caught: log it under the reference that the person is shown."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on; answer 500 if it fails before the answer has begun."""
        begun = False

        async def send_noted(message: Message) -> None:
            nonlocal begun
            begun = True
            await send(message)

        try:
            await self._app(scope, receive, send_noted)
        except ClientDisconnect:
            # Nobody is left to be answered, and nothing here is broken.
            log.info("client_disconnected", path=scope["path"])
        except Exception:
            if scope["type"] != "http":
                raise
            log.exception("request_failed", path=scope["path"])
            if begun:
                # Half an answer cannot be taken back; breaking off tells the browser so.
                raise
            await error_answer(Request(scope), 500, is_broken=True)(scope, receive, send)
