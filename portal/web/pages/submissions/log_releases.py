"""Releasing a log: first all that the team would see, then the deed."""

from starlette.responses import Response

from portal.domain.errors import NotFoundError, ParticipantError
from portal.services.submissions import log_release
from portal.web.errors import status_of
from portal.web.request_context import Fields, PageRequest


def ask(request: PageRequest) -> Response:
    """Show what would be released; the look is written down."""
    return _page(request, "")


def release(request: PageRequest, fields: Fields) -> Response:
    """Release it, or show the page again with what is missing."""
    try:
        request.write(
            log_release.release,
            actor=request.actor,
            submission_id=request.path_param("id"),
            token=request.path_param("token"),
            reason=fields.get("reason", ""),
            now=request.now,
        )
    except NotFoundError:
        raise
    except ParticipantError as error:
        return _page(request, error.message, status_of(error))
    return request.redirect(f"/submissions/{request.path_param('id')}")


def _page(request: PageRequest, problem: str, status: int = 200) -> Response:
    view = request.write(
        log_release.release_page,
        actor=request.actor,
        submission_id=request.path_param("id"),
        token=request.path_param("token"),
        now=request.now,
    )
    return request.page(
        "submissions/release_log.html",
        status=status,
        view=view,
        problem=problem,
        longest=log_release.MAX_REASON_CHARS,
    )
