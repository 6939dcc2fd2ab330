"""GPU-hours: of a challenge and its teams for organisers, of all challenges for staff."""

from starlette.responses import Response

from portal.services.site import gpu_budgets
from portal.web.rendering.bars import budget_bars
from portal.web.request_context import Visit


def challenge(visit: Visit) -> Response:
    """Show what a challenge and its teams have used, have reserved and have left."""
    view = visit.read(
        gpu_budgets.budget_page,
        actor=visit.actor,
        slug=visit.part("slug"),
        resources=visit.context.resources,
        page=visit.page_number(),
        now=visit.now,
    )
    return visit.page(
        "challenges/gpu_budgets.html", view=view, frame=view.frame, bars=budget_bars(view.teams)
    )


def site(visit: Visit) -> Response:
    """Show those of all challenges."""
    rows = visit.read(gpu_budgets.all_budgets, actor=visit.actor, resources=visit.context.resources)
    return visit.page(
        "site/gpu_budgets.html", rows=rows, bars=budget_bars([row.budget for row in rows])
    )
