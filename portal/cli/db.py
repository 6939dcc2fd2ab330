"""``sealrun db``: the database's tables."""

from pathlib import Path

import click

from portal.cli.site import SITE


@click.group()
def db() -> None:
    """Look after the database."""


@db.command()
@SITE
def upgrade(site_file: Path) -> None:
    """Bring the database's tables up to date, and make the worker's folders in each storage."""
    from portal import bootstrap  # noqa: PLC0415
    from portal.db import schema  # noqa: PLC0415
    from portal.db.engine import share_with_group  # noqa: PLC0415
    from portal.files.private_folders import make_private  # noqa: PLC0415

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
