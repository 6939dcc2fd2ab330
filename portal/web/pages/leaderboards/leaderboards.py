"""The leaderboard."""

from datetime import datetime

from starlette.responses import HTMLResponse, Response

from portal.db import revisions
from portal.domain.leaderboards.marks import Mark
from portal.services.leaderboards import views as leaderboard_views
from portal.services.leaderboards.views import Leaderboard
from portal.web.rendering.plots import Plot, rank_plot
from portal.web.rendering.shake_ups import shake_up_plot
from portal.web.request_context import PageRequest


def leaderboard(request: PageRequest) -> Response:
    """Show a page of a ranking, as a picture and as a table.

    To whoever is not logged in it looks as to everybody else, so that it is put together once.
    """
    if request.actor.is_known:
        return _fresh(request)[0]
    revision = request.read(revisions.revision)
    query = request.http.query_params
    # The path as it was written: the page says where it is.
    key = (
        request.http.url.path,
        query.get("board"),
        query.get("phase"),
        request.page_number(),
        _sort(request),
    )

    def make() -> tuple[bytes, datetime | None]:
        page, changes_at = _fresh(request)
        return bytes(page.body), changes_at

    return HTMLResponse(request.page_cache.page(key, revision, request.now, make))


def _fresh(request: PageRequest) -> tuple[Response, datetime | None]:
    view = request.read(
        leaderboard_views.leaderboard,
        actor=request.actor,
        slug=request.path_param("slug"),
        board_slug=request.http.query_params.get("board"),
        phase_slug=request.http.query_params.get("phase"),
        page=request.page_number(),
        sort=_sort(request),
        now=request.now,
    )
    page = request.page(
        "leaderboards/page.html",
        view=view,
        frame=view.frame,
        marks=Mark,
        plot=_plot(view),
        shake_up=shake_up_plot(view.rows) if view.compared and not view.sort else None,
    )
    return page, view.changes_at


def _plot(view: Leaderboard) -> Plot | None:
    if view.primary is None or view.sort or view.is_own_only:
        return None
    return rank_plot(view.rows, view.primary)


def _sort(request: PageRequest) -> str:
    # A database may refuse NUL, and no column has it in its name.
    return request.http.query_params.get("sort", "")
