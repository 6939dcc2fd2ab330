"""The dry run of a challenge, for programs: starting it, and what came of it."""

from typing import Annotated

from fastapi import Path, Query, Response

from portal.services.challenges.dry_runs import report
from portal.services.challenges.dry_runs.report import Report
from portal.web.api import models
from portal.web.api.calls import MAX_PAGE_NUMBER, Organising, Slug
from portal.web.uploads import dry_runs

Number = Annotated[int, Path(ge=1, le=MAX_PAGE_NUMBER, description="The dry run's.")]
AnyNumber = Annotated[
    int | None,
    Query(ge=1, le=MAX_PAGE_NUMBER, description="The dry run's; the newest without."),
]


def dry_run(call: Organising, slug: Slug, number: AnyNumber = None) -> models.DryRunAnswer:
    """Show a dry run of a challenge that you work for, and what came of each of its submissions."""
    found = call.read(report.page, actor=call.actor, slug=slug, number=number, now=call.now)
    return models.DryRunAnswer(
        baselines=found.baselines,
        samples=found.samples,
        lacks=found.lacks,
        report=None if found.report is None else _report(found.report),
    )


def start(
    call: Organising, slug: Slug, wanted: models.StartDryRun, response: Response
) -> models.Made:
    """Start a dry run; while one runs, that is answered."""
    number = dry_runs.start(call, slug, with_long=wanted.long)
    return call.made(response, str(number), f"/challenges/{slug}/dry-run?number={number}")


def accept(
    call: Organising, slug: Slug, number: Number, wanted: models.AcceptCheats
) -> models.DryRunAnswer:
    """Accept what the cheats of a dry run gain, for a reason that the audit log keeps; for owners."""
    call.write(
        report.accept,
        actor=call.actor,
        slug=slug,
        number=number,
        reason=wanted.reason,
        now=call.now,
    )
    return dry_run(call, slug, number)


def _report(found: Report) -> models.DryRunReport:
    return models.DryRunReport(
        number=found.number,
        revision=found.revision,
        started_at=found.started_at,
        verdict=found.verdict,
        is_current=found.is_current,
        notes=list(found.notes),
        accepted_for=found.reason,
        trials=[
            models.DryRunTrial(
                name=row.name,
                role=row.role,
                phase=row.phase,
                kind=row.kind,
                expected=row.expected,
                got=row.finding.got,
                verdict=row.finding.verdict,
                problem=row.finding.problem,
                submission=row.submission_id,
            )
            for row in found.rows
        ],
    )
