"""Where a challenge is in its life, and the steps to the next state."""

from starlette.responses import Response

from portal.domain.challenges.life import MAX_REASON_CHARS, ChallengeState
from portal.domain.errors import NotAllowedError, NotFoundError, ParticipantError
from portal.services.challenges import life
from portal.web.request_context import Fields, PageRequest
from portal.web.uploads.submit_form import Filled


def show(request: PageRequest) -> Response:
    """Show the state, and what can follow it."""
    return _page(request, Filled())


def step(request: PageRequest, fields: Fields) -> Response:
    """Bring the challenge into another state, or show the page again with what stands in the way."""
    slug, wanted = request.path_param("slug"), fields.get("to", "")
    filled = Filled(values={"to": wanted, "reason": fields.get("reason", "").strip()})
    if wanted not in set(ChallengeState):
        return _again(request, filled, "to", "Choose what it becomes.")
    try:
        request.write(
            life.step,
            actor=request.actor,
            slug=slug,
            to=ChallengeState(wanted),
            reason=filled.value("reason"),
            now=request.now,
        )
    except (NotFoundError, NotAllowedError):
        raise
    except ParticipantError as refusal:
        field = "reason" if refusal.reason == "reason" else "to"
        return _again(request, filled, field, refusal.message)
    return request.redirect(f"/challenges/{slug}/state")


def _again(request: PageRequest, filled: Filled, field: str, message: str) -> Response:
    return _page(request, Filled(values=filled.values, errors={field: message}), status=422)


def _page(request: PageRequest, filled: Filled, *, status: int = 200) -> Response:
    view = request.read(
        life.state_page, actor=request.actor, slug=request.path_param("slug"), now=request.now
    )
    return request.page(
        "challenges/state.html",
        status=status,
        view=view,
        frame=view.frame,
        filled=filled,
        longest=MAX_REASON_CHARS,
    )
