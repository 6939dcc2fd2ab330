"""The ``sealrun`` command: one module for each thing that it looks after."""

from pathlib import Path

import click
from sqlalchemy.exc import OperationalError

from portal.cli.attention import attention
from portal.cli.audit import audit
from portal.cli.challenges import challenge
from portal.cli.check_site import check_site
from portal.cli.data import data
from portal.cli.export import export
from portal.cli.people import people, staff
from portal.cli.processes import serve, work
from portal.cli.reruns import rerun
from portal.cli.retention import retention
from portal.cli.seals import seal, verify
from portal.cli.site import SITE
from portal.domain.errors import PortalError
from site_config.errors import SettingsError
from site_config.practice.commands import practice


class _Commands(click.Group):
    """Shows an error that somebody can act on as one sentence, never as a traceback."""

    def invoke(self, ctx: click.Context) -> object:
        try:
            return super().invoke(ctx)
        except (PortalError, SettingsError, OSError, OperationalError) as problem:
            raise click.ClickException(_sentence(problem)) from problem


def _sentence(problem: Exception) -> str:
    """Return one sentence; the driver's own where the database cannot be reached."""
    if isinstance(problem, OperationalError):
        return f"the database cannot be used: {problem.orig}"
    return str(problem)


@click.group(cls=_Commands)
@click.version_option(package_name="sealrun")
def main() -> None:
    """Host data challenges on your own Slurm cluster."""


@main.group()
def db() -> None:
    """Look after the database."""


@db.command()
@SITE
def upgrade(site_file: Path) -> None:
    """Bring the database's tables up to date, and make the worker's folders in each storage."""
    from portal import bootstrap  # noqa: PLC0415
    from portal.db import schema  # noqa: PLC0415
    from portal.db.engine import share_with_group  # noqa: PLC0415
    from portal.worker.context import make_private  # noqa: PLC0415

    site = bootstrap.open_site(site_file)
    schema.upgrade(site.database)
    if web := site.settings.accounts.web:
        share_with_group(site.database)
        schema.grant_to_web(site.database, web)
    for cluster in site.settings.clusters.values():
        # The check says so of a storage that is not there.
        if cluster.storage.is_dir():
            make_private(cluster.storage)
    click.echo("The database is up to date.")


for _command in (
    practice, check_site, serve, work, challenge, people, staff, attention, audit, retention, data,
    rerun, seal, verify, export,
):  # fmt: skip
    main.add_command(_command)
