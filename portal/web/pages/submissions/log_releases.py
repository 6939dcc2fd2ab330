"""Releasing a log: first all that the team would see, then the deed."""

from starlette.responses import Response

from portal.domain.errors import NotFoundError, ParticipantError
from portal.services.submissions import log_release
from portal.web.errors import status_of
from portal.web.request_context import Fields, Visit


def ask(visit: Visit) -> Response:
    """Show what would be released; the look is written down."""
    return _page(visit, "")


def release(visit: Visit, fields: Fields) -> Response:
    """Release it, or show the page again with what is missing."""
    try:
        visit.write(
            log_release.release,
            actor=visit.actor,
            submission_id=visit.part("id"),
            token=visit.part("token"),
            reason=fields.get("reason", ""),
            now=visit.now,
        )
    except NotFoundError:
        raise
    except ParticipantError as error:
        return _page(visit, error.sentence, status_of(error))
    return visit.to(f"/submissions/{visit.part('id')}")


def _page(visit: Visit, problem: str, status: int = 200) -> Response:
    view = visit.write(
        log_release.release_page,
        actor=visit.actor,
        submission_id=visit.part("id"),
        token=visit.part("token"),
        now=visit.now,
    )
    return visit.page(
        "submissions/release_log.html",
        status=status,
        view=view,
        problem=problem,
        longest=log_release.LONGEST_REASON,
    )
