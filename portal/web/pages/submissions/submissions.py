"""Lists of submissions, and one submission on its way."""

import tempfile
from pathlib import Path

from starlette.responses import Response

from portal.files.crates import Publisher, write_crate
from portal.services.challenges import crates
from portal.services.submissions import views as submission_views
from portal.services.submissions.views import SubmissionPage
from portal.web.request_context import Visit


def submissions(visit: Visit) -> Response:
    """Show the own team's submissions; to organisers and staff everybody's."""
    view = visit.read(
        submission_views.submission_list,
        actor=visit.actor,
        slug=visit.part("slug"),
        page=visit.page_number(),
        now=visit.now,
    )
    return visit.page("submissions/list.html", view=view, frame=view.frame)


def submission(visit: Visit) -> Response:
    """Show one submission."""
    sent_again = visit.request.query_params.get("again") == "yes"
    return visit.page("submissions/page.html", view=_view(visit), sent_again=sent_again)


def sealed(visit: Visit) -> Response:
    """Show one submission with what is sealed; the look is written down."""
    view = visit.write(
        submission_views.sealed_page,
        actor=visit.actor,
        submission_id=visit.part("id"),
        resources=visit.context.resources,
        now=visit.now,
    )
    return visit.page("submissions/page.html", view=view, sent_again=False)


def progress(visit: Visit) -> Response:
    """Show the part of a submission's page that changes; its script asks for it."""
    return visit.page("submissions/_progress.html", view=_view(visit))


def _view(visit: Visit) -> SubmissionPage:
    return visit.read(
        submission_views.submission_page,
        actor=visit.actor,
        submission_id=visit.part("id"),
        resources=visit.context.resources,
        now=visit.now,
    )


def seal(visit: Visit) -> Response:
    """Hand out the signed record in full; the look is written down."""
    return _envelope(visit, in_full=True)


def statement(visit: Visit) -> Response:
    """Hand out what the team may show of the signed record."""
    return _envelope(visit, in_full=False)


def _envelope(visit: Visit, *, in_full: bool) -> Response:
    submission_id = visit.part("id")
    text = visit.write(
        submission_views.seal_of,
        actor=visit.actor,
        submission_id=submission_id,
        in_full=in_full,
        now=visit.now,
    )
    name = f"{submission_id}.{'seal' if in_full else 'statement'}.json"
    headers = {"content-disposition": f'attachment; filename="{name}"'}
    return Response(text, media_type="application/json", headers=headers)


def crate(visit: Visit) -> Response:
    """Hand out all evidence of a submission as an RO-Crate; the export is written down."""
    submission_id, context = visit.part("id"), visit.context
    facts = visit.write(
        crates.of_submission, actor=visit.actor, submission_id=submission_id, now=visit.now
    )
    keys = {key.id: key.pem for key in context.seal_keys}
    publisher = Publisher(name=context.site_name, url=context.site_url, keys=keys)
    with tempfile.TemporaryDirectory(prefix="sealrun-export-") as folder:
        packed = Path(folder, "crate.zip")
        write_crate(packed, facts, publisher, now=visit.now)
        # Without the upload it is some kilobytes for each result.
        content = packed.read_bytes()
    headers = {"content-disposition": f'attachment; filename="{submission_id}.crate.zip"'}
    return Response(content, media_type="application/zip", headers=headers)
