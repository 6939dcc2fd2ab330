"""The leaderboard."""

from datetime import datetime

from starlette.responses import HTMLResponse, Response

from portal.db import revisions
from portal.services.leaderboards import views as leaderboard_views
from portal.web.rendering.plots import rank_plot
from portal.web.request_context import Visit


def leaderboard(visit: Visit) -> Response:
    """Show a page of the ranking of a phase, as a picture and as a table.

    To whoever is not logged in it looks as to everybody else, so that it is put together once.
    """
    if visit.actor.is_known:
        return _fresh(visit)[0]
    revision = visit.read(revisions.revision)
    phase = visit.request.query_params.get("phase")
    # The path as it was written: the page says where it is.
    key = (visit.request.url.path, phase, visit.page_number())

    def make() -> tuple[bytes, datetime | None]:
        page, changes_at = _fresh(visit)
        return bytes(page.body), changes_at

    return HTMLResponse(visit.kept_pages.page(key, revision, visit.now, make))


def _fresh(visit: Visit) -> tuple[Response, datetime | None]:
    view = visit.read(
        leaderboard_views.leaderboard,
        actor=visit.actor,
        slug=visit.part("slug"),
        phase_slug=visit.request.query_params.get("phase"),
        page=visit.page_number(),
        now=visit.now,
    )
    page = visit.page(
        "leaderboards/page.html",
        view=view,
        frame=view.frame,
        plot=rank_plot(view.rows, view.primary) if view.primary else None,
    )
    return page, view.changes_at
