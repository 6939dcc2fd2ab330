"""Following a link into a team. Its code is in the query, which no log keeps."""

from starlette.responses import Response

from portal.domain.errors import NotFoundError, ParticipantError
from portal.services.teams import invitations
from portal.web.errors import status_of
from portal.web.request_context import Fields, PageRequest

MAX_CODE_CHARS = 100


def show(request: PageRequest) -> Response:
    """Show whose team it is, and what joining means."""
    return _page(request, request.http.query_params.get("code", ""))


def accept(request: PageRequest, fields: Fields) -> Response:
    """Join the team."""
    code = fields.get("code", "")[:MAX_CODE_CHARS]
    try:
        slug = request.write(
            invitations.accept,
            actor=request.actor,
            secret=code,
            accepts=fields.get("accept") == "yes",
            now=request.now,
        )
    except NotFoundError:
        raise
    except ParticipantError as error:
        name = error.reason if error.reason == "accept" else ""
        return _page(request, code, error.message, status_of(error), field=name)
    return request.redirect(f"/challenges/{slug}/team")


def _page(
    request: PageRequest, code: str, problem: str = "", status: int = 200, *, field: str = ""
) -> Response:
    view = None
    try:
        view = request.read(
            invitations.invitation_page,
            actor=request.actor,
            secret=code[:MAX_CODE_CHARS],
            now=request.now,
        )
    except NotFoundError:
        raise
    except ParticipantError as error:
        # For whoever only looks there is nothing here.
        status = status if problem else 404
        problem = error.message
    return request.page(
        "teams/invitation.html", status=status, view=view, code=code, problem=problem, field=field
    )
