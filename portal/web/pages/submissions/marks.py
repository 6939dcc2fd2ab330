"""Marks on a submission: organisers say what counts, a team withdraws its own."""

from starlette.responses import Response

from portal.domain.errors import NotAllowedError, NotFoundError, ParticipantError
from portal.domain.leaderboards.marks import MAX_REASON_CHARS, Mark
from portal.services.submissions import marks
from portal.web.request_context import Fields, PageRequest
from portal.web.uploads.submit_form import Filled

OFF = "off-"
"""Before the name of a mark that is to be taken off."""


def show(request: PageRequest) -> Response:
    """Show the marks, and the form that changes them."""
    return _page(request, Filled())


def change(request: PageRequest, fields: Fields) -> Response:
    """Make a mark or take one off, or show the page again with what is wrong."""
    wanted = fields.get("change", "")
    filled = Filled(values={"change": wanted, "reason": fields.get("reason", "").strip()})
    if wanted.removeprefix(OFF) not in set(Mark):
        return _again(request, filled, "change", "Choose what to change.")
    act = marks.unmark if wanted.startswith(OFF) else marks.mark
    try:
        request.write(
            act,
            actor=request.actor,
            submission_id=request.path_param("id"),
            mark=Mark(wanted.removeprefix(OFF)),
            reason=filled.value("reason"),
            now=request.now,
        )
    except (NotFoundError, NotAllowedError):
        raise
    except ParticipantError as refusal:
        field = "reason" if refusal.reason == "reason" else "change"
        return _again(request, filled, field, refusal.message)
    return request.redirect(f"/submissions/{request.path_param('id')}/marks")


def ask_to_withdraw(request: PageRequest) -> Response:
    """Show the team what withdrawing means now."""
    view = request.read(
        marks.withdraw_page,
        actor=request.actor,
        submission_id=request.path_param("id"),
        now=request.now,
    )
    return request.page("submissions/withdraw.html", view=view)


def withdraw(request: PageRequest, fields: Fields) -> Response:
    """Withdraw the own team's submission."""
    del fields
    return _own(request, withdraws=True)


def reinstate(request: PageRequest, fields: Fields) -> Response:
    """Take back that it was withdrawn."""
    del fields
    return _own(request, withdraws=False)


def _own(request: PageRequest, *, withdraws: bool) -> Response:
    request.write(
        marks.withdraw if withdraws else marks.reinstate,
        actor=request.actor,
        submission_id=request.path_param("id"),
        now=request.now,
    )
    return request.redirect(f"/submissions/{request.path_param('id')}")


def _again(request: PageRequest, filled: Filled, field: str, message: str) -> Response:
    return _page(request, Filled(values=filled.values, errors={field: message}), status=422)


def _page(request: PageRequest, filled: Filled, *, status: int = 200) -> Response:
    view = request.read(
        marks.marks_page, actor=request.actor, submission_id=request.path_param("id")
    )
    return request.page(
        "submissions/marks.html",
        status=status,
        view=view,
        filled=filled,
        longest=MAX_REASON_CHARS,
        off=OFF,
    )
