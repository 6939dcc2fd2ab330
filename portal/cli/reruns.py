"""``sealrun rerun``: run something again, and say whether it comes to the same."""

import time
from pathlib import Path
from typing import TYPE_CHECKING

import click

from portal.cli.site import SITE, opened

if TYPE_CHECKING:
    from portal.services.evaluations.reruns import RerunFacts

DIFFERS, NO_RESULT = 1, 2
_PAUSE = 1.0


@click.command()
@SITE
@click.argument("evaluation")
@click.option("--wait/--no-wait", default=True, help="Wait for the end and compare.")
@click.option(
    "--tolerance",
    type=click.FloatRange(0, 1),
    default=0.0,
    show_default=True,
    help="Relative difference of two scores up to which they are the same.",
)
def rerun(site_file: Path, evaluation: str, *, wait: bool, tolerance: float) -> None:
    """Run EVALUATION again and compare the scores with those of before.

    EVALUATION is the number of an evaluation, as its seal record has it, or of a submission. The rerun takes
    the same image, data and scorer, counts against no limit and changes no result and no leaderboard. The
    worker must run. Waiting can be ended and taken up again: with the number of the rerun, too, whose comparison
    is shown then. The exit code is 0 if all
    scores are the same, 1 if one differs, and 2 if a rerun gave no result.
    """
    from portal import bootstrap  # noqa: PLC0415
    from portal.services.evaluations import reruns  # noqa: PLC0415

    site = opened(site_file)
    with site.database.writing() as session:
        ids = reruns.ask(session, actor=bootstrap.operator(), wanted=evaluation, now=site.clock())
    codes = [0]
    for one in ids:
        click.echo(f"rerun {one}")
        while True:
            with site.database.reading() as session:
                found = reruns.facts(session, one, tolerance=tolerance)
            if found.is_over or not wait:
                break
            time.sleep(_PAUSE)
        if found.is_over:
            codes.append(_tell(found))
    raise SystemExit(max(codes))


def _tell(found: "RerunFacts") -> int:
    compared = found.comparison
    if compared is None:
        click.echo(f"{found.of}: no result this time: {found.reason or found.state} {found.detail}")
        return NO_RESULT
    for score in compared.scores:
        click.echo(f"  {score.key}: {score.before} before, {score.now} now")
    if compared.circumstances:
        click.echo(f"  not as before: {', '.join(compared.circumstances)}")
    click.echo(f"{found.of}: {'the same scores' if compared.is_same else 'other scores'}")
    return 0 if compared.is_same else DIFFERS
