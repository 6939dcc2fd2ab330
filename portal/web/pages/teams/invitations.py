"""Following a link into a team. Its code is in the query, which no log keeps."""

from starlette.responses import Response

from portal.domain.errors import NotFoundError, ParticipantError
from portal.services.teams import invitations
from portal.web.errors import status_of
from portal.web.request_context import Fields, Visit

LONGEST_CODE = 100


def show(visit: Visit) -> Response:
    """Show whose team it is, and what joining means."""
    return _page(visit, visit.request.query_params.get("code", ""))


def accept(visit: Visit, fields: Fields) -> Response:
    """Join the team."""
    code = fields.get("code", "")[:LONGEST_CODE]
    try:
        slug = visit.write(
            invitations.accept,
            actor=visit.actor,
            secret=code,
            accepts=fields.get("accept") == "yes",
            now=visit.now,
        )
    except NotFoundError:
        raise
    except ParticipantError as error:
        name = error.reason if error.reason == "accept" else ""
        return _page(visit, code, error.sentence, status_of(error), field=name)
    return visit.to(f"/challenges/{slug}/team")


def _page(
    visit: Visit, code: str, problem: str = "", status: int = 200, *, field: str = ""
) -> Response:
    view = None
    try:
        view = visit.read(
            invitations.invitation_page,
            actor=visit.actor,
            secret=code[:LONGEST_CODE],
            now=visit.now,
        )
    except NotFoundError:
        raise
    except ParticipantError as error:
        # For whoever only looks there is nothing here.
        status = status if problem else 404
        problem = error.sentence
    return visit.page(
        "teams/invitation.html", status=status, view=view, code=code, problem=problem, field=field
    )
