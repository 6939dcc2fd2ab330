"""``sealrun attention``: what the worker has set aside, and what is to be done with it."""

from pathlib import Path

import click

from portal.cli.site import SITE, opened


@click.group()
def attention() -> None:
    """See and settle what the worker could not go on with."""


@attention.command("list")
@SITE
def list_all(site_file: Path) -> None:
    """List what needs attention: its id, since when, the step, what it is about, and the problem."""
    from portal.services import attention as service  # noqa: PLC0415

    site = opened(site_file)
    with site.database.reading() as session:
        found = service.listed(session)
    for one in found:
        about = f"submission {one.submission_id}" if one.submission_id else one.subject
        head = (one.id, f"{one.since:%Y-%m-%d %H:%M}", one.step or "-", about)
        click.echo("\t".join((*head, one.problem.partition("\n")[0])))
    click.echo(f"{len(found)} to look at")


@attention.command()
@SITE
@click.argument("wanted", metavar="ID")
def retry(site_file: Path, wanted: str) -> None:
    """Let ID of the list be tried again from where it was."""
    from portal import bootstrap  # noqa: PLC0415
    from portal.services import attention as service  # noqa: PLC0415

    site = opened(site_file)
    with site.database.writing() as session:
        service.retry(session, actor=bootstrap.operator(), wanted=wanted, now=site.clock())
    click.echo(f"{wanted} is tried again")


@attention.command("give-up")
@SITE
@click.argument("wanted", metavar="ID")
@click.option(
    "--counts/--no-counts", required=True, help="Whether the submission counts for its team."
)
def give_up(site_file: Path, wanted: str, *, counts: bool) -> None:
    """End what ID of the list is about: its evaluation has failed."""
    from portal import bootstrap  # noqa: PLC0415
    from portal.services import attention as service  # noqa: PLC0415

    site = opened(site_file)
    with site.database.writing() as session:
        service.give_up(
            session, actor=bootstrap.operator(), wanted=wanted, counts=counts, now=site.clock()
        )
    click.echo(f"{wanted} is given up")
