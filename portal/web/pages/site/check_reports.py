"""The last check of the site, for staff."""

from starlette.responses import Response

from portal.domain.site.findings import AREAS, Level, Report, by_area
from portal.services.site import check_reports
from portal.web.request_context import PageRequest


def show(request: PageRequest) -> Response:
    """Show what the last check found, the worst of each area first."""
    report = request.read(check_reports.last_report, actor=request.actor)
    areas = by_area(report.findings) if report else {}
    # What is ok is folded away: of a hundred lines, those that are not are what staff look for.
    parts = [
        (
            AREAS.get(area, area),
            [finding for finding in findings if finding.level is not Level.OK],
            [finding for finding in findings if finding.level is Level.OK],
        )
        for area, findings in areas.items()
    ]
    return request.page(
        "site/check_report.html",
        report=report,
        mark=_mark(report),
        areas=parts,
    )


def _mark(report: Report | None) -> tuple[str, str]:
    """Return tone and shape of what it comes to."""
    if report is None or report.exit_code != 0:
        return "bad", "cross"
    return ("calm", "check") if report.is_ready else ("warn", "pause")
