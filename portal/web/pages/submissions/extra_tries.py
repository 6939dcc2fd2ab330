"""Giving a team tries beside the limits of a phase: what was given, and the form that gives more."""

import secrets

from starlette.responses import Response

from portal.domain.errors import NotAllowedError, NotFoundError, ParticipantError
from portal.domain.leaderboards.marks import MAX_REASON_CHARS
from portal.domain.submissions.limits import MAX_EXTRA_TRIES
from portal.domain.teams.membership_rules import MAX_TEAM_NAME_CHARS
from portal.services.submissions import extra_tries
from portal.web.request_context import Fields, PageRequest
from portal.web.uploads.submit_form import Filled

FIELDS = ("phase", "team", "number", "reason", "once")
_MAX_DIGITS = len(str(MAX_EXTRA_TRIES))


def show(request: PageRequest) -> Response:
    """Show what was given."""
    return _page(request, Filled())


def give(request: PageRequest, fields: Fields) -> Response:
    """Give a team tries, or show the form again with what is wrong."""
    filled = Filled(values={name: fields.get(name, "").strip() for name in FIELDS})
    slug = request.path_param("slug")
    try:
        team_id = request.read(
            extra_tries.team_named, actor=request.actor, slug=slug, name=filled.value("team")
        )
        request.write(
            extra_tries.give,
            actor=request.actor,
            slug=slug,
            phase_slug=filled.value("phase"),
            team_id=team_id,
            number=_number(filled.value("number")),
            reason=filled.value("reason"),
            once=filled.value("once")[:60],
            now=request.now,
        )
    except (NotFoundError, NotAllowedError):
        raise
    except ParticipantError as refusal:
        return _page(request, filled.refused(refusal), status=422)
    return request.redirect(f"/challenges/{slug}/tries")


def _number(written: str) -> int:
    """Return a number; zero, which is refused, for what is none."""
    is_number = written.isascii() and written.isdecimal() and len(written) <= _MAX_DIGITS
    return int(written) if is_number else 0


def _page(request: PageRequest, filled: Filled, *, status: int = 200) -> Response:
    view = request.read(
        extra_tries.tries_page,
        actor=request.actor,
        slug=request.path_param("slug"),
        page=request.page_number() if request.http.method == "GET" else 1,
        now=request.now,
    )
    return request.page(
        "submissions/extra_tries.html",
        status=status,
        view=view,
        frame=view.frame,
        filled=filled,
        phases=[(phase.slug, phase.title) for phase in view.frame.phases],
        once=secrets.token_urlsafe(16),
        longest=MAX_REASON_CHARS,
        longest_name=MAX_TEAM_NAME_CHARS,
        most=MAX_EXTRA_TRIES,
    )
