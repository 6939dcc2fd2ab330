"""GPU-hours: of a challenge and its teams for organisers, of all challenges for staff."""

from starlette.responses import Response

from portal.services.site import gpu_budgets
from portal.web.rendering.bars import budget_bars
from portal.web.request_context import PageRequest


def challenge(request: PageRequest) -> Response:
    """Show what a challenge and its teams have used, have reserved and have left."""
    view = request.read(
        gpu_budgets.budget_page,
        actor=request.actor,
        slug=request.path_param("slug"),
        resources=request.context.resources,
        page=request.page_number(),
        now=request.now,
    )
    return request.page(
        "challenges/gpu_budgets.html", view=view, frame=view.frame, bars=budget_bars(view.teams)
    )


def site(request: PageRequest) -> Response:
    """Show those of all challenges."""
    rows = request.read(
        gpu_budgets.all_budgets, actor=request.actor, resources=request.context.resources
    )
    return request.page(
        "site/gpu_budgets.html", rows=rows, bars=budget_bars([row.budget for row in rows])
    )
