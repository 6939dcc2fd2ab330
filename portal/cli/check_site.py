"""``sealrun check-site``: what is set up wrongly, what follows from it, and the line to change."""

import json
import signal
from datetime import timedelta
from pathlib import Path

import click

from portal.cli.site import SITE
from site_config.units import parse_duration

_COULD_NOT_CHECK = 2


def _duration(_context: click.Context, _option: click.Parameter, text: str) -> timedelta:
    try:
        return parse_duration(text)
    except ValueError as problem:
        raise click.BadParameter(str(problem)) from problem


@click.command("check-site")
@SITE
@click.option(
    "--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True
)
@click.option(
    "--all",
    "every_line",
    is_flag=True,
    help="Show each line of what is ok, not only how many there are.",
)
@click.option(
    "--profile", "profiles", multiple=True, metavar="NAME", help="Look at this profile only."
)
@click.option("--no-jobs", is_flag=True, help="Send no jobs: look at settings and answers only.")
@click.option(
    "--quick",
    is_flag=True,
    help="Leave out whether a job ends at its time limit, which takes up to two minutes.",
)
@click.option(
    "--job-timeout",
    metavar="DURATION",
    callback=_duration,
    default="10m",
    show_default=True,
    help="How long jobs may wait in the queue.",
)
@click.option(
    "--time-limit",
    "minutes",
    type=click.IntRange(min=1),
    metavar="MINUTES",
    default=15,
    show_default=True,
    help="How long the whole check may take. What it waits for then is a failure, and its jobs are cancelled.",
)
def check_site(
    site_file: Path,
    form: str,
    profiles: tuple[str, ...],
    *,
    every_line: bool,
    no_jobs: bool,
    quick: bool,
    job_timeout: timedelta,
    minutes: int,
) -> None:
    """Check the whole site before it opens, and after each change of the cluster.

    Sends a few small jobs in every profile and takes away what they leave. What gives no answer, or not in
    time, is a failure. The exit code is 0 without a failure in what was looked at, 1 with one, and 2 where the
    check could not be made.
    """
    from portal.bootstrap import check_adapters  # noqa: PLC0415
    from portal.site_check.report import as_text  # noqa: PLC0415
    from portal.site_check.run import CheckOptions  # noqa: PLC0415
    from portal.site_check.run import check_site as check  # noqa: PLC0415

    signal.signal(signal.SIGTERM, signal.default_int_handler)
    options = CheckOptions(
        profiles=profiles,
        jobs="none" if no_jobs else "quick" if quick else "all",
        job_timeout=job_timeout,
        time_limit=timedelta(minutes=minutes),
        say=lambda line: click.echo(f"... {line}", err=True),
    )
    try:
        report = check(site_file, options, check_adapters())
    except KeyboardInterrupt:
        click.echo("interrupted: jobs are ended and files removed; nothing is reported", err=True)
        raise SystemExit(_COULD_NOT_CHECK) from None
    as_json = form == "json"
    click.echo(
        json.dumps(report.as_json(), indent=2)
        if as_json
        else as_text(report, every_line=every_line)
    )
    raise SystemExit(report.exit_code)
