"""``sealrun attention``: what the worker has set aside, and what is to be done with it."""

from pathlib import Path

import click

from portal.cli.site import SITE, opened

ALIKE = click.option(
    "--alike", is_flag=True, help="And all that failed for the same reason in the same challenge."
)


@click.group()
def attention() -> None:
    """See and settle what the worker could not go on with."""


@attention.command("list")
@SITE
def list_all(site_file: Path) -> None:
    """List what needs attention: its id, since when, the step, what it is about, and the problem."""
    from portal.services.attention.views import listed  # noqa: PLC0415

    site = opened(site_file)
    with site.database.reading() as session:
        found = listed(session)
    for one in found:
        about = f"submission {one.submission_id}" if one.submission_id else one.subject
        more = f" and {one.number - 1} more alike" if one.number > 1 else ""
        head = (one.id, f"{one.since:%Y-%m-%d %H:%M}", one.step or "-", about + more)
        click.echo("\t".join((*head, one.problem.partition("\n")[0])))
    click.echo(f"{len(found)} to look at")


@attention.command()
@SITE
@click.argument("wanted", metavar="ID")
@ALIKE
def retry(site_file: Path, wanted: str, *, alike: bool) -> None:
    """Let ID of the list be tried again from where it was."""
    number = _settle(site_file, wanted, "retry", alike=alike)
    click.echo(f"{wanted} is tried again" + _more(number))


@attention.command("give-up")
@SITE
@click.argument("wanted", metavar="ID")
@click.option(
    "--counts/--no-counts", required=True, help="Whether the submission counts for its team."
)
@ALIKE
def give_up(site_file: Path, wanted: str, *, counts: bool, alike: bool) -> None:
    """End what ID of the list is about: its evaluation has failed."""
    number = _settle(site_file, wanted, "count" if counts else "free", alike=alike)
    click.echo(f"{wanted} is given up" + _more(number))


def _settle(site_file: Path, wanted: str, choice: str, *, alike: bool) -> int:
    from portal import bootstrap  # noqa: PLC0415
    from portal.domain.attention.decisions import Choice  # noqa: PLC0415
    from portal.services.attention.decisions import resolve_now  # noqa: PLC0415

    site = opened(site_file)
    with site.database.writing() as session:
        return resolve_now(
            session,
            actor=bootstrap.operator(),
            wanted=wanted,
            choice=Choice(choice),
            alike=alike,
            now=site.clock(),
        )


def _more(number: int) -> str:
    return f", with {number - 1} more that failed alike" if number > 1 else ""
