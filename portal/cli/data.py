"""``sealrun data``: what the site's data directories held when they were measured."""

from pathlib import Path

import click

from portal.cli.site import SITE, opened

MAX_CHANGES = 1000
"""Lines that ``changes`` prints."""


@click.group()
def data() -> None:
    """Look after the measurements of private data that seal records refer to."""


@data.command("list")
@SITE
def list_(site_file: Path) -> None:
    """List the last measurement of each directory: digest, files, bytes and time, or why there is none."""
    from portal.db.queries.evaluations import snapshots as queries  # noqa: PLC0415

    site = opened(site_file)
    with site.database.reading() as session:
        rows = queries.every(session)
    for row in rows:
        found = f"{row.root} {row.files} files {row.size} bytes" if row.root else row.detail or "-"
        at = f"{row.measured_at or row.created_at:%Y-%m-%d %H:%M} UTC"
        click.echo(f"{row.name}\t{row.cluster}\t{row.state.value}\t{at}\t{found}")
    if not rows:
        click.echo("Nothing was measured yet: the worker does so when a challenge needs it.")


@data.command()
@SITE
@click.argument("name")
def measure(site_file: Path, name: str) -> None:
    """Let the worker measure the data NAME now, on every cluster where it was measured before.

    It is measured by itself before its first use, when its time is over, and when a run finds that it
    looks different.
    """
    from portal.db.queries.evaluations import snapshots as queries  # noqa: PLC0415
    from portal.services.evaluations import snapshots  # noqa: PLC0415

    site = opened(site_file)
    directory = site.resources.data.get(name)
    if directory is None:
        raise click.ClickException(f"the site has no data {name!r}")
    with site.database.writing() as session:
        clusters = [row.cluster for row in queries.every(session) if row.name == name]
        for cluster in clusters or list(site.settings.clusters)[:1]:
            snapshots.ask(session, directory, cluster, now=site.clock())
            click.echo(f"{name} will be measured on {cluster}.")


@data.command()
@SITE
@click.argument("name")
@click.argument("cluster", required=False)
def changes(site_file: Path, name: str, cluster: str | None) -> None:
    """Say what changed in the data NAME between its last two measurements.

    One line for each directory, link and file: `-` for what went, `+` for what came. The exit code is 1 if
    there is any difference.
    """
    from portal.bootstrap import worker_contexts  # noqa: PLC0415
    from portal.domain.evaluations.merkle import differences  # noqa: PLC0415
    from portal.domain.submissions.run_logs import plain  # noqa: PLC0415
    from portal.worker.ingest.measurement import last_two  # noqa: PLC0415

    contexts = worker_contexts(opened(site_file))
    found = [one for one in contexts if one.cluster.name == (cluster or contexts[0].cluster.name)]
    if not found:
        raise click.ClickException(f"there is no cluster {cluster!r}")
    pair = last_two(found[0], name)
    if pair is None:
        raise click.ClickException(f"{name} was not measured twice on {found[0].cluster.name}")
    shown = 0
    for mark, record in differences(*pair):
        shown += 1
        if shown <= MAX_CHANGES:
            click.echo(f"{mark} {plain(record.decode('utf-8', 'backslashreplace'))}")
    if shown > MAX_CHANGES:
        click.echo(f"and {shown - MAX_CHANGES} more")
    raise SystemExit(1 if shown else 0)
