"""What most commands begin with: the site's settings, read and opened."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from portal.bootstrap import Installation

SITE = click.option(
    "--site",
    "site_file",
    type=click.Path(path_type=Path),
    envvar="SEALRUN_SITE",
    default=Path("/etc/sealrun/site.yaml"),
    show_default=True,
    show_envvar=True,
    help="The site's settings.",
)


def opened(site_file: Path) -> "Installation":
    """Open the site; refuse a database that misses a migration."""
    from portal import bootstrap  # noqa: PLC0415 - 'sealrun practice' works without a site

    site = bootstrap.open_site(site_file)
    bootstrap.check_schema(site)
    return site
