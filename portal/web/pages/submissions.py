"""Lists of submissions, and one submission on its way."""

from starlette.responses import Response

from portal.services import submission_pages
from portal.services.submission_pages import SubmissionPage
from portal.web.visit import Visit


def submissions(visit: Visit) -> Response:
    """Show the own team's submissions; to organisers and staff everybody's."""
    view = visit.read(
        submission_pages.submission_list,
        actor=visit.actor,
        slug=visit.part("slug"),
        page=visit.page_number(),
        now=visit.now,
    )
    return visit.page("challenges/submissions.html", view=view, frame=view.frame)


def submission(visit: Visit) -> Response:
    """Show one submission."""
    return visit.page("submissions/page.html", view=_view(visit))


def progress(visit: Visit) -> Response:
    """Show the part of a submission's page that changes; its script asks for it."""
    return visit.page("submissions/_progress.html", view=_view(visit))


def _view(visit: Visit) -> SubmissionPage:
    return visit.read(
        submission_pages.submission_page,
        actor=visit.actor,
        submission_id=visit.part("id"),
        now=visit.now,
    )
