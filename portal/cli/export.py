"""``sealrun export``: results with their evidence, as RO-Crates."""

import tempfile
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click

from portal.cli.site import SITE, opened

if TYPE_CHECKING:
    from collections.abc import Callable

    from portal.bootstrap import Installation
    from portal.domain.challenges.crates import CrateFacts

TARGET = click.argument("target", type=click.Path(path_type=Path))
UPLOADS = click.option(
    "--uploads/--no-uploads",
    default=False,
    show_default=True,
    help="Take along what teams submitted, as far as it is still kept.",
)


@click.group()
def export() -> None:
    """Write results with all evidence as an RO-Crate: a directory, or a ZIP file if TARGET ends with .zip.

    Private data is named by its digest and never inside. Names of teams, exact scores and nodes are: it
    is for organisers and archives. Each export is in the audit log.
    """


@export.command()
@SITE
@click.argument("slug")
@TARGET
@UPLOADS
def challenge(site_file: Path, slug: str, target: Path, *, uploads: bool) -> None:
    """Export the challenge SLUG: pages, leaderboards, and every result with its record."""
    from portal.services.challenges import crates  # noqa: PLC0415

    _export(site_file, target, partial(crates.of_challenge, slug=slug), uploads=uploads)


@export.command()
@SITE
@click.argument("evaluation")
@TARGET
@UPLOADS
def evaluation(site_file: Path, evaluation: str, target: Path, *, uploads: bool) -> None:
    """Export the evaluation EVALUATION, or all of a submission, with its reruns."""
    from portal.services.challenges import crates  # noqa: PLC0415

    _export(site_file, target, partial(crates.of_one, wanted=evaluation), uploads=uploads)


def _export(
    site_file: Path, target: Path, ask: "Callable[..., CrateFacts]", *, uploads: bool
) -> None:
    """Write what ``ask`` tells of a session, as the operator and now; say how much that was."""
    from portal import bootstrap  # noqa: PLC0415

    site = opened(site_file)
    _free(target)
    with site.database.writing() as session:
        facts = ask(session, actor=bootstrap.operator(), now=site.clock())
    _write(site, facts, target, uploads=uploads)


def _free(target: Path) -> None:
    """Refuse a target that is there, before anything is read or written down."""
    if target.exists():
        raise click.ClickException(f"{target} is there already, and is not replaced")
    if not target.absolute().parent.is_dir():
        raise click.ClickException(f"there is no directory {target.absolute().parent}")


def _write(site: "Installation", facts: "CrateFacts", target: Path, *, uploads: bool) -> None:
    from portal.bootstrap import publisher_of  # noqa: PLC0415
    from portal.files.crates import write_crate  # noqa: PLC0415

    with tempfile.TemporaryDirectory(
        prefix=".sealrun-uploads-", dir=target.absolute().parent
    ) as own:

        def upload(sha256: str) -> Path:
            # The web account can put anything in the place of an upload: what is taken is what has the digest.
            copy = Path(own, sha256)
            if not copy.exists():
                site.store.copy(sha256, copy)
            return copy

        write_crate(
            target,
            facts,
            publisher_of(site.settings),
            now=site.clock(),
            upload=upload if uploads else None,
        )
    left_out = sum(not result.is_kept for result in facts.results) if uploads else 0
    click.echo(f"{target}: {len(facts.results)} results of {facts.slug}")
    if left_out:
        click.echo(f"{left_out} of their uploads were deleted by policy and are only described")
