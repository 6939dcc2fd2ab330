"""Following a link that invites to work for a challenge. Its code is in the query, which no log keeps."""

from starlette.responses import Response

from portal.domain.errors import NotFoundError, ParticipantError
from portal.services.challenges import role_invitations
from portal.web.errors import status_of
from portal.web.request_context import Fields, PageRequest

MAX_CODE_CHARS = 100


def show(request: PageRequest) -> Response:
    """Show what the role is, and who invites."""
    return _page(request, request.http.query_params.get("code", ""))


def accept(request: PageRequest, fields: Fields) -> Response:
    """Take the role on."""
    code = fields.get("code", "")
    try:
        slug = request.write(
            role_invitations.accept,
            actor=request.actor,
            secret=code[:MAX_CODE_CHARS],
            now=request.now,
        )
    except NotFoundError:
        raise
    except ParticipantError as error:
        return _page(request, code, error.message, status_of(error))
    return request.redirect(f"/challenges/{slug}/roles")


def _page(request: PageRequest, code: str, problem: str = "", status: int = 200) -> Response:
    view = None
    try:
        view = request.read(
            role_invitations.invitation_page,
            actor=request.actor,
            secret=code[:MAX_CODE_CHARS],
            now=request.now,
        )
    except ParticipantError as error:
        # For whoever only looks there is nothing here.
        status = status if problem else 404
        problem = error.message
    return request.page(
        "challenges/role_invitation.html",
        status=status,
        view=view,
        code=code[:MAX_CODE_CHARS],
        problem=problem,
    )
