"""Joining a challenge."""

from starlette.responses import Response

from portal.domain.errors import NotFoundError, ParticipantError
from portal.domain.teams.membership_rules import ParticipationState
from portal.services.teams import joining
from portal.services.teams.joining import GateClosedError
from portal.web.errors import status_of
from portal.web.local_paths import local_path, with_query
from portal.web.request_context import Fields, PageRequest
from portal.web.uploads.submit_form import Filled

NEXT = "next"


def show(request: PageRequest) -> Response:
    """Show what joining takes."""
    return _page(request, Filled())


def join(request: PageRequest, fields: Fields) -> Response:
    """Take part, or ask to."""
    try:
        state = request.write(
            joining.join,
            actor=request.actor,
            slug=request.path_param("slug"),
            accepts=fields.get("accept") == "yes",
            note=fields.get("note", "").replace("\0", "").strip(),
            now=request.now,
        )
    except NotFoundError:
        raise
    except GateClosedError as closed:
        filled = Filled(values=fields, errors={"": closed.message})
        return _page(request, filled, status_of(closed), step_up=closed.needs_second_factor)
    except ParticipantError as error:
        name = error.reason if error.reason == "accept" else ""
        return _page(request, Filled(values=fields, errors={name: error.message}), status_of(error))
    if state is ParticipationState.ADMITTED:
        return request.redirect(local_path(fields.get(NEXT), otherwise=f"{_root(request)}/team"))
    return request.redirect(f"{_root(request)}/join")


def _root(request: PageRequest) -> str:
    return f"/challenges/{request.path_param('slug')}"


def _page(
    request: PageRequest, filled: Filled, status: int = 200, *, step_up: bool = False
) -> Response:
    view = request.read(
        joining.join_page, actor=request.actor, slug=request.path_param("slug"), now=request.now
    )
    back = local_path(
        filled.value(NEXT) or request.http.query_params.get(NEXT),
        otherwise=f"{_root(request)}/team",
    )
    here = with_query(f"{_root(request)}/join", next=back)
    again = {"next": here, "for": request.path_param("slug")}
    logins = [
        (provider.title, with_query(f"/login/{provider.id}", **again))
        for provider in request.context.providers
    ]
    return request.page(
        "teams/join.html",
        status=status,
        view=view,
        frame=view.frame,
        filled=filled,
        back=back,
        support=request.context.support,
        stronger_logins=logins if step_up else [],
    )
