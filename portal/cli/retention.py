"""``sealrun retention``: delete what nobody keeps any longer, or say what would go."""

from pathlib import Path

import click

from portal.cli.site import SITE, opened


@click.command()
@SITE
@click.option("--dry-run", is_flag=True, help="Only list what would be deleted next.")
def retention(site_file: Path, *, dry_run: bool) -> None:
    """Delete uploads, images, outputs and logs whose time is over.

    The worker does so by itself, a few things every ten minutes; this command does all of it now. Of
    each thing a row stays, with its digest and the rule, and an entry in the audit log. Results and seal
    records are never deleted. The exit code is 1 if the storage would not delete something.
    """
    from portal import bootstrap  # noqa: PLC0415
    from portal.worker.steps.expire import due_now, expire  # noqa: PLC0415

    site = opened(site_file)
    actor = bootstrap.operator()
    left = 0
    for context in bootstrap.worker_contexts(site):
        if dry_run:
            candidates = due_now(context)
            for one in candidates:
                click.echo(f"{one.kind}\t{one.subject}\t{one.size} bytes\t{one.policy}")
            click.echo(f"{len(candidates)} to delete next on {context.cluster.name}")
            continue
        deleted = 0
        while (step := expire(context, actor=actor)).deleted:
            deleted += step.deleted
        left += step.left
        click.echo(f"Deleted {deleted} on {context.cluster.name}")
    if left:
        raise click.ClickException(f"{left} could not be deleted: the worker's log says why")
