"""Lists of submissions, and one submission on its way."""

import tempfile
from pathlib import Path

from starlette.responses import Response

from portal.files.crates import Publisher, write_crate
from portal.services.challenges import crates
from portal.services.submissions import views as submission_views
from portal.services.submissions.views import SubmissionPage
from portal.web.request_context import PageRequest


def submissions(request: PageRequest) -> Response:
    """Show the own team's submissions; to organisers and staff everybody's."""
    view = request.read(
        submission_views.submission_list,
        actor=request.actor,
        slug=request.path_param("slug"),
        page=request.page_number(),
        now=request.now,
    )
    return request.page("submissions/list.html", view=view, frame=view.frame)


def submission(request: PageRequest) -> Response:
    """Show one submission."""
    sent_again = request.http.query_params.get("again") == "yes"
    return request.page("submissions/page.html", view=_view(request), sent_again=sent_again)


def sealed(request: PageRequest) -> Response:
    """Show one submission with what is sealed; the look is written down."""
    view = request.write(
        submission_views.sealed_page,
        actor=request.actor,
        submission_id=request.path_param("id"),
        resources=request.context.resources,
        now=request.now,
    )
    return request.page("submissions/page.html", view=view, sent_again=False)


def progress(request: PageRequest) -> Response:
    """Show the part of a submission's page that changes; its script asks for it."""
    return request.page("submissions/_progress.html", view=_view(request))


def _view(request: PageRequest) -> SubmissionPage:
    return request.read(
        submission_views.submission_page,
        actor=request.actor,
        submission_id=request.path_param("id"),
        resources=request.context.resources,
        now=request.now,
    )


def seal(request: PageRequest) -> Response:
    """Hand out the signed record in full; the look is written down."""
    return _envelope(request, in_full=True)


def statement(request: PageRequest) -> Response:
    """Hand out what the team may show of the signed record."""
    return _envelope(request, in_full=False)


def _envelope(request: PageRequest, *, in_full: bool) -> Response:
    submission_id = request.path_param("id")
    text = request.write(
        submission_views.seal_of,
        actor=request.actor,
        submission_id=submission_id,
        in_full=in_full,
        now=request.now,
    )
    name = f"{submission_id}.{'seal' if in_full else 'statement'}.json"
    headers = {"content-disposition": f'attachment; filename="{name}"'}
    return Response(text, media_type="application/json", headers=headers)


def crate(request: PageRequest) -> Response:
    """Hand out all evidence of a submission as an RO-Crate; the export is written down."""
    submission_id, context = request.path_param("id"), request.context
    facts = request.write(
        crates.of_submission, actor=request.actor, submission_id=submission_id, now=request.now
    )
    keys = {key.id: key.pem for key in context.seal_keys}
    publisher = Publisher(name=context.site_name, url=context.site_url, keys=keys)
    with tempfile.TemporaryDirectory(prefix="sealrun-export-") as folder:
        packed = Path(folder, "crate.zip")
        write_crate(packed, facts, publisher, now=request.now)
        # Without the upload it is some kilobytes for each result.
        content = packed.read_bytes()
    headers = {"content-disposition": f'attachment; filename="{submission_id}.crate.zip"'}
    return Response(content, media_type="application/zip", headers=headers)
