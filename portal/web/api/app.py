"""Puts the API together: an application of its own below the portal's, described by OpenAPI 3.1."""

from importlib.metadata import version
from typing import Any

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.requests import Request
from starlette.responses import Response

from portal.web.api.routes import ROUTER
from portal.web.errors import HANDLERS, BrokenPages, Handlers, error_answer, retry_after
from portal.web.local_paths import API
from portal.web.uploads.submit import SubmissionRejectedError

OPENAPI = "/openapi.json"
"""Where the description is, below the root of the API; it can be read without a token."""

NO_TELEMETRY: Any = dict.fromkeys(
    ("tracing", "metrics", "logs", "operation_spans", "auto_configure"), False
)
"""FastAPI would send requests elsewhere if the environment said so; nothing leaves this site."""


def invalid(request: Request, error: Exception) -> Response:
    """Answer for values that are not what a call takes: each with its place.

    A part of the address that cannot be one names nothing.
    """
    problems = error.errors() if isinstance(error, RequestValidationError) else ()
    if any(problem["loc"][0] == "path" for problem in problems):
        return error_answer(request, 404)
    places = [f"{'.'.join(str(part) for part in one['loc'])}: {one['msg']}." for one in problems]
    return error_answer(request, 422, " ".join(places), "invalid")


def rejected(request: Request, error: Exception) -> Response:
    """Answer for a form of which nothing was made."""
    if not isinstance(error, SubmissionRejectedError):
        raise error
    message = " ".join((*error.errors.values(), *error.problems))
    answer = error_answer(request, error.status, message, error.reason)
    answer.headers.update(retry_after(error.next_at))
    return answer


OWN_HANDLERS: Handlers = {
    RequestValidationError: invalid,
    SubmissionRejectedError: rejected,
}


def create_api(site_url: str) -> FastAPI:
    """Return the API of a site; whoever mounts it gives it the state of the portal."""
    api = FastAPI(
        title="Sealrun",
        version=version("sealrun"),
        servers=[{"url": f"{site_url}{API}"}],
        root_path_in_servers=False,
        openapi_url=OPENAPI,
        # They load scripts of others.
        docs_url=None,
        redoc_url=None,
        telemetry=NO_TELEMETRY,
    )
    for error, handler in {**HANDLERS, **OWN_HANDLERS}.items():
        api.add_exception_handler(error, handler)
    # Inside of what FastAPI brings, which would answer with a line of plain text.
    api.add_middleware(BrokenPages)
    api.include_router(ROUTER)
    return api
