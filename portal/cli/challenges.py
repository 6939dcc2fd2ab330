"""``sealrun challenge``: what only an operator does for challenges."""

import json
from dataclasses import asdict
from pathlib import Path

import click
import yaml

from portal.cli.site import SITE, opened


@click.group()
def challenge() -> None:
    """Look after challenges."""


@challenge.command()
@SITE
@click.argument("directory", type=click.Path(path_type=Path, exists=True, file_okay=False))
def add(site_file: Path, directory: Path) -> None:
    """Add the challenge in DIRECTORY, or bring it up to date."""
    from portal import bootstrap  # noqa: PLC0415

    site = opened(site_file)
    slug = bootstrap.add_challenge(site, directory)
    click.echo(f"{slug}: {site.settings.site.url}/challenges/{slug}")


@challenge.command()
@SITE
@click.argument("slug")
@click.option("--yes", is_flag=True, help="Do not ask.")
def approve(site_file: Path, slug: str, *, yes: bool) -> None:
    """Approve that SLUG is run as the database says.

    The worker runs nothing that differs from what an operator approved, which ``challenge add`` does.
    This is for a database that was taken over from elsewhere, or that another release has filled: read what it
    prints.
    """
    from portal import bootstrap  # noqa: PLC0415
    from portal.domain.untrusted import slug as checked_slug  # noqa: PLC0415
    from portal.services.task_approvals import approval_of  # noqa: PLC0415

    site = opened(site_file)
    with site.database.reading() as session:
        approval = approval_of(session, slug)
    if not approval.tasks:
        raise click.ClickException(f"there is no challenge {slug}")
    # JSON first: what is printed is what is written, and escapes what a terminal would obey.
    click.echo(yaml.safe_dump(json.loads(json.dumps(asdict(approval)))))
    if yes or click.confirm("Run these?"):
        bootstrap.approvals_of_site(site).put(checked_slug(slug, "SLUG"), approval)
        click.echo(f"{slug} is run like this from now on.")


@challenge.command()
@SITE
@click.argument("slug")
@click.argument("person", nargs=-1, required=True)
def owner(site_file: Path, slug: str, person: tuple[str, ...]) -> None:
    """Make PERSON an owner of the challenge SLUG.

    PERSON is an account number, which people find on their account page, or issuer and subject of a
    login as two words. Owners name everybody else who works for the challenge on its pages.
    """
    from portal import bootstrap  # noqa: PLC0415
    from portal.domain.permissions import Role  # noqa: PLC0415
    from portal.services import roles  # noqa: PLC0415
    from portal.services.staff import person_of  # noqa: PLC0415

    site = opened(site_file)
    with site.database.writing() as session:
        person_id = person_of(session, person)
        roles.give(
            session,
            actor=bootstrap.operator(),
            slug=slug,
            person_id=person_id,
            role=Role.OWNER,
            now=site.clock(),
        )
    click.echo(f"{person_id} is an owner of {slug}.")
