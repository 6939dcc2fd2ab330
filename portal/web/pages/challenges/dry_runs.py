"""The dry run of a challenge: what came of it, and starting another one."""

import re

from starlette.responses import Response

from portal.domain.errors import NotAllowedError, NotFoundError, ParticipantError
from portal.domain.leaderboards.marks import MAX_REASON_CHARS
from portal.services.challenges.dry_runs import report
from portal.web.request_context import Fields, PageRequest
from portal.web.uploads import dry_runs
from portal.web.uploads.submit_form import Filled

_NUMBER = re.compile(r"[1-9][0-9]{0,5}")


def show(request: PageRequest) -> Response:
    """Show the newest dry run, or the one whose number is asked for."""
    return _page(request, Filled(), _number(request.http.query_params.get("number")))


def start(request: PageRequest, fields: Fields) -> Response:
    """Start a dry run, or show the page again with why there is none."""
    slug = request.path_param("slug")
    try:
        dry_runs.start(request, slug, with_long=fields.get("long") == "yes")
    except (NotFoundError, NotAllowedError):
        raise
    except ParticipantError as refusal:
        return _page(request, Filled(errors={"": refusal.message}), None, status=422)
    return request.redirect(f"/challenges/{slug}/dry-run")


def accept(request: PageRequest, fields: Fields) -> Response:
    """Accept what the cheats of a dry run gain, or show the page again with what is missing."""
    slug, number = request.path_param("slug"), _number(request.path_param("number"))
    reason = fields.get("reason", "").strip()
    try:
        request.write(
            report.accept,
            actor=request.actor,
            slug=slug,
            number=number or 0,
            reason=reason,
            now=request.now,
        )
    except (NotFoundError, NotAllowedError):
        raise
    except ParticipantError as refusal:
        filled = Filled(values={"reason": reason}).refused(refusal)
        return _page(request, filled, number, status=422)
    return request.redirect(f"/challenges/{slug}/dry-run?number={number}")


def _number(written: str | None) -> int | None:
    """Return which dry run is asked for; raise ``NotFoundError`` for what is no number."""
    if written is None:
        return None
    if not _NUMBER.fullmatch(written):
        raise NotFoundError
    return int(written)


def _page(
    request: PageRequest, filled: Filled, number: int | None, *, status: int = 200
) -> Response:
    view = request.read(
        report.page,
        actor=request.actor,
        slug=request.path_param("slug"),
        number=number,
        now=request.now,
    )
    return request.page(
        "challenges/dry_run.html",
        status=status,
        view=view,
        frame=view.frame,
        filled=filled,
        longest=MAX_REASON_CHARS,
    )
