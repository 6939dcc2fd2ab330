"""The leaderboard."""

from starlette.responses import Response

from portal.services import leaderboards
from portal.web.plots import rank_plot
from portal.web.visit import Visit


def leaderboard(visit: Visit) -> Response:
    """Show a page of the ranking of a phase, as a picture and as a table."""
    view = visit.read(
        leaderboards.leaderboard,
        actor=visit.actor,
        slug=visit.part("slug"),
        phase_slug=visit.request.query_params.get("phase"),
        page=visit.page_number(),
        now=visit.now,
    )
    return visit.page(
        "challenges/leaderboard.html",
        view=view,
        frame=view.frame,
        plot=rank_plot(view.rows, view.primary) if view.primary else None,
    )
