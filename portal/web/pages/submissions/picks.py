"""Choosing which submissions count on a board."""

from starlette.responses import Response

from portal.services.submissions import picks
from portal.web.request_context import Fields, PageRequest

BACK = "drop"
"""What a form says that takes a choice back."""


def change(request: PageRequest, fields: Fields) -> Response:
    """Choose the own team's submission for a board, or take that back."""
    picked = request.write(
        picks.unpick if fields.get("change") == BACK else picks.pick,
        actor=request.actor,
        submission_id=request.path_param("id"),
        board=fields.get("board", ""),
        now=request.now,
    )
    return request.redirect(f"/challenges/{picked.challenge}/submissions")
