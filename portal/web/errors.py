"""Failures as pages: what went wrong in a sentence, and what to do about it."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

import structlog
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from portal.domain.errors import NotAllowed, NotFound, ParticipantError, QuotaUsedUp
from portal.web.visit import visit_of

log = structlog.get_logger("sealrun.web")


@dataclass(frozen=True, slots=True)
class Explanation:
    """What a status means for the person."""

    title: str
    sentence: str


EXPLANATIONS: Mapping[int, Explanation] = {
    400: Explanation("That did not work", "The request could not be understood."),
    403: Explanation("This is not open to you", "You may not do this with your account."),
    404: Explanation("There is nothing here", "There is no such page, or it is not open to you."),
    405: Explanation("That did not work", "This page cannot be used in this way."),
    413: Explanation("That is too large", "The upload is larger than this site allows."),
    422: Explanation("Something is missing", "The form could not be used as it was sent."),
    429: Explanation("Too many", "A limit is reached. Wait, and try again later."),
    500: Explanation(
        "Something broke here",
        "This is a fault of the portal, not yours. It has been written to the log.",
    ),
    503: Explanation("Not available", "The portal cannot answer at the moment. Try again soon."),
}

FOREIGN = "This request came from another site. Open the page here and try again."


def error_page(request: Request, status: int, sentence: str = "", reference: str = "") -> Response:
    """Return the page for a status; the sentence, if there is one, replaces the general one."""
    known = EXPLANATIONS.get(status, EXPLANATIONS[400])
    return visit_of(request).page(
        "error.html",
        status=status,
        code=status,
        title=known.title,
        sentence=sentence or known.sentence,
        reference=reference,
    )


def foreign_request(request: Request) -> Response:
    """Return the page for a request that another site made the browser send."""
    return error_page(request, 403, FOREIGN)


def http_error(request: Request, error: Exception) -> Response:
    """Answer for an address or a method that does not exist, or a body that is too long."""
    status = error.status_code if isinstance(error, HTTPException) else 500
    response = error_page(request, status)
    if isinstance(error, HTTPException) and error.headers:
        response.headers.update(error.headers)
    return response


def participant_error(request: Request, error: Exception) -> Response:
    """Answer for what the person can do something about."""
    sentence = error.sentence if isinstance(error, ParticipantError) else ""
    return error_page(request, status_of(error), sentence)


def status_of(error: Exception) -> int:
    """Return the status that says best what kind of refusal this is."""
    if isinstance(error, NotFound):
        return 404
    if isinstance(error, NotAllowed):
        return 403
    return 429 if isinstance(error, QuotaUsedUp) else 422


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
        except Exception:
            if scope["type"] != "http":
                raise
            reference = scope["state"]["reference"]
            log.exception("a page failed", path=scope["path"])
            if begun:
                # Half an answer cannot be taken back; breaking off tells the browser so.
                raise
            await error_page(Request(scope), 500, reference=reference)(scope, receive, send)
