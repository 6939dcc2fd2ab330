"""The revisions of a challenge: what its bundle was, what each changes, and what becomes of those that are proposed."""

from starlette.responses import Response

from portal.domain.challenges.revisions import RevisionState
from portal.domain.errors import NotAllowedError, NotFoundError, ParticipantError
from portal.services.challenges.bundles import proposals, views
from portal.services.challenges.bundles.differences import text_differences
from portal.web.request_context import Fields, PageRequest
from portal.web.uploads import bundles
from portal.web.uploads.submit import SubmissionRejectedError
from portal.web.uploads.submit_form import Filled

MAX_NUMBER_DIGITS = 6
STEPS = frozenset({RevisionState.PROPOSED, RevisionState.IN_REVIEW, RevisionState.DROPPED})


def show(request: PageRequest) -> Response:
    """List the revisions, the newest first."""
    view = request.read(
        views.revision_list,
        actor=request.actor,
        slug=request.path_param("slug"),
        page=request.page_number(),
        now=request.now,
    )
    return request.page("challenges/revisions.html", view=view, frame=view.frame)


def one(request: PageRequest) -> Response:
    """Show one revision, and how it differs from what it was made of."""
    return _page(request, Filled(), ())


def apply(request: PageRequest, fields: Fields) -> Response:
    """Let a proposal hold, or show what stands in the way."""
    del fields
    try:
        bundles.apply(request, request.path_param("slug"), _number(request))
    except SubmissionRejectedError as refusal:
        return _again(request, refusal)
    return request.redirect(_address(request, _number(request)))


def again(request: PageRequest, fields: Fields) -> Response:
    """Propose what an earlier revision was."""
    del fields
    try:
        number = bundles.take_again(request, request.path_param("slug"), _number(request))
    except SubmissionRejectedError as refusal:
        return _again(request, refusal)
    return request.redirect(_address(request, number))


def step(request: PageRequest, fields: Fields) -> Response:
    """Ask the site to approve a proposal, take that back, or drop it."""
    wanted = fields.get("to", "")
    if wanted not in STEPS:
        return _page(request, Filled(errors={"": "Choose what becomes of it."}), (), status=422)
    try:
        request.write(
            proposals.step,
            actor=request.actor,
            slug=request.path_param("slug"),
            number=_number(request),
            to=RevisionState(wanted),
            now=request.now,
        )
    except (NotFoundError, NotAllowedError):
        raise
    except ParticipantError as refusal:
        return _page(request, Filled(errors={"": refusal.message}), (), status=422)
    return request.redirect(_address(request, _number(request)))


def _again(request: PageRequest, refusal: SubmissionRejectedError) -> Response:
    return _page(request, Filled(errors=refusal.errors), refusal.problems, status=refusal.status)


def _page(
    request: PageRequest, filled: Filled, problems: tuple[str, ...], *, status: int = 200
) -> Response:
    view = request.read(
        views.revision_page,
        actor=request.actor,
        slug=request.path_param("slug"),
        number=_number(request),
        now=request.now,
    )
    return request.page(
        "challenges/revision.html",
        status=status,
        view=view,
        frame=view.frame,
        filled=filled,
        problems=problems,
        texts=tuple(text_differences(request.context.store, view.files, view.texts)),
    )


def _number(request: PageRequest) -> int:
    number = request.path_param("number")
    if not (number.isascii() and number.isdecimal() and len(number) <= MAX_NUMBER_DIGITS):
        raise NotFoundError
    return int(number)


def _address(request: PageRequest, number: int) -> str:
    return f"/challenges/{request.path_param('slug')}/revisions/{number}"
