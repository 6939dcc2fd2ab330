"""Cancelling a submission: first what it costs, then the deed."""

from starlette.responses import Response

from portal.domain.errors import NotFoundError, ParticipantError
from portal.services.submissions import cancellation
from portal.web.errors import status_of
from portal.web.request_context import Fields, PageRequest


def ask(request: PageRequest) -> Response:
    """Show what cancelling would cost now."""
    return _page(request, "")


def cancel(request: PageRequest, fields: Fields) -> Response:
    """Cancel, if it still costs what was shown; else show the page again with what it costs now."""
    try:
        request.write(
            cancellation.cancel,
            actor=request.actor,
            submission_id=request.path_param("id"),
            shown=fields.get("cost", ""),
            now=request.now,
        )
    except NotFoundError:
        raise
    except ParticipantError as error:
        if error.reason != "started":
            raise
        return _page(request, error.message, status_of(error))
    return request.redirect(f"/submissions/{request.path_param('id')}")


def _page(request: PageRequest, problem: str, status: int = 200) -> Response:
    view = request.read(
        cancellation.cancel_page,
        actor=request.actor,
        submission_id=request.path_param("id"),
        now=request.now,
    )
    return request.page("submissions/cancel.html", status=status, view=view, problem=problem)
