"""Cancelling a submission: first what it costs, then the deed."""

from starlette.responses import Response

from portal.domain.errors import NotFoundError, ParticipantError
from portal.services.submissions import cancellation
from portal.web.errors import status_of
from portal.web.request_context import Fields, Visit


def ask(visit: Visit) -> Response:
    """Show what cancelling would cost now."""
    return _page(visit, "")


def cancel(visit: Visit, fields: Fields) -> Response:
    """Cancel, if it still costs what was shown; else show the page again with what it costs now."""
    try:
        visit.write(
            cancellation.cancel,
            actor=visit.actor,
            submission_id=visit.part("id"),
            shown=fields.get("cost", ""),
            now=visit.now,
        )
    except NotFoundError:
        raise
    except ParticipantError as error:
        if error.reason != "started":
            raise
        return _page(visit, error.sentence, status_of(error))
    return visit.to(f"/submissions/{visit.part('id')}")


def _page(visit: Visit, problem: str, status: int = 200) -> Response:
    view = visit.read(
        cancellation.cancel_page,
        actor=visit.actor,
        submission_id=visit.part("id"),
        now=visit.now,
    )
    return visit.page("submissions/cancel.html", status=status, view=view, problem=problem)
