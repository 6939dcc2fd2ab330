"""Joining a challenge."""

from starlette.responses import Response

from portal.domain.errors import NotFoundError, ParticipantError
from portal.domain.teams.membership_rules import ParticipationState
from portal.services.teams import joining
from portal.services.teams.joining import GateClosedError
from portal.web.errors import status_of
from portal.web.local_paths import local_path, with_query
from portal.web.request_context import Fields, Visit
from portal.web.uploads.submit_form import Filled

NEXT = "next"


def show(visit: Visit) -> Response:
    """Show what joining takes."""
    return _page(visit, Filled())


def join(visit: Visit, fields: Fields) -> Response:
    """Take part, or ask to."""
    try:
        state = visit.write(
            joining.join,
            actor=visit.actor,
            slug=visit.part("slug"),
            accepts=fields.get("accept") == "yes",
            note=fields.get("note", "").replace("\0", "").strip(),
            now=visit.now,
        )
    except NotFoundError:
        raise
    except GateClosedError as closed:
        filled = Filled(values=fields, errors={"": closed.sentence})
        return _page(visit, filled, status_of(closed), step_up=closed.needs_second_factor)
    except ParticipantError as error:
        name = error.reason if error.reason == "accept" else ""
        return _page(visit, Filled(values=fields, errors={name: error.sentence}), status_of(error))
    if state is ParticipationState.ADMITTED:
        return visit.to(local_path(fields.get(NEXT), otherwise=f"{_root(visit)}/team"))
    return visit.to(f"{_root(visit)}/join")


def _root(visit: Visit) -> str:
    return f"/challenges/{visit.part('slug')}"


def _page(visit: Visit, filled: Filled, status: int = 200, *, step_up: bool = False) -> Response:
    view = visit.read(joining.join_page, actor=visit.actor, slug=visit.part("slug"), now=visit.now)
    back = local_path(
        filled.value(NEXT) or visit.request.query_params.get(NEXT), otherwise=f"{_root(visit)}/team"
    )
    here = with_query(f"{_root(visit)}/join", next=back)
    again = {"next": here, "for": visit.part("slug")}
    logins = [
        (provider.title, with_query(f"/login/{provider.id}", **again))
        for provider in visit.context.providers
    ]
    return visit.page(
        "teams/join.html",
        status=status,
        view=view,
        frame=view.frame,
        filled=filled,
        back=back,
        stronger_logins=logins if step_up else [],
    )
