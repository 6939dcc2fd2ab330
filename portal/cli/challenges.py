"""``sealrun challenge``: what only an operator does for challenges."""

import json
import time
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

import click
import yaml

from portal.cli.lazy import LazyGroup
from portal.cli.site import SITE, opened

if TYPE_CHECKING:
    from portal.bootstrap import Installation
    from portal.bootstrap.challenges import ToApprove
    from portal.services.challenges.bundles.import_bundle import TakenIn

STATES = ("draft", "in_review", "published", "closed", "archived")
"""Of a challenge; a test compares them with the domain's, which takes long to import."""

TIMEOUT_SECONDS = 30.0
"""Seconds for the workers to take over a changed site.yaml."""


class _Commands(LazyGroup):
    """The commands for a bundle, which need no site, are imported when they are asked for."""

    places: ClassVar[Mapping[str, str]] = {
        "init": "portal.cli.bundles:init",
        "lint": "portal.cli.bundles:lint",
        "schema": "portal.cli.bundles:schema",
    }


@click.group(cls=_Commands)
def challenge() -> None:
    """Look after challenges."""


@challenge.command()
@SITE
@click.argument("directory", type=click.Path(path_type=Path, exists=True, file_okay=False))
@click.option("--check", is_flag=True, help="Only say what would change.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.option(
    "--draft", is_flag=True, help="Where it is new: show it to nobody but those who work for it."
)
@click.option(
    "--untried",
    is_flag=True,
    help="Where it is new, and names baselines or samples: publish it without a dry run.",
)
@click.option(
    "--anyway", is_flag=True, help="Do not wait for a worker that has other settings than these."
)
def add(
    site_file: Path,
    directory: Path,
    *,
    check: bool,
    yes: bool,
    draft: bool,
    untried: bool,
    anyway: bool,
) -> None:
    """Add the challenge in DIRECTORY, or bring it up to date.

    Its images are looked into first. What is wrong with them, or with anything else, is said with its place, and
    nothing is changed. Warnings name what its pages cannot show: images, links that lead nowhere, formulas.
    """
    from portal import bootstrap  # noqa: PLC0415
    from portal.services.evaluations import images  # noqa: PLC0415
    from site_config.bundle import read_bundle  # noqa: PLC0415

    site = opened(site_file)
    if not (check or anyway):
        _wait_for_workers(site)
    taken = bootstrap.add_challenge(
        site,
        directory,
        agreed=lambda question: yes or click.confirm(question, err=True),
        only_check=check,
        as_draft=draft,
        untried=untried,
    )
    for warning in bootstrap.page_warnings(read_bundle(directory)):
        click.echo(f"warning: {warning}", err=True)
    click.echo(f"{taken.slug}: {site.settings.site.url}/challenges/{taken.slug}")
    click.echo(f"  {'would be ' if check else ''}{_outcome(taken)}")
    if not check:
        with site.database.reading() as session:
            for needed in images.of_challenge(session, taken.id):
                click.echo(
                    f"  image of {needed.part} of task {needed.task} on {needed.cluster}: {needed.state}"
                )


def _outcome(taken: "TakenIn") -> str:
    if taken.is_tried_first:
        return "added as a draft: it names baselines or samples, of which its organisers make a dry run first"
    if taken.is_new:
        return "added"
    return f"changed: {', '.join(taken.changes)}" if taken.changes else "unchanged"


def _wait_for_workers(site: "Installation") -> None:
    """Wait until the workers know what the settings offer: what a challenge needs must not be missing there."""
    from portal.services.site import health  # noqa: PLC0415

    until = time.monotonic() + TIMEOUT_SECONDS
    while True:
        with site.database.reading() as session:
            found = health.look(session, site.settings.clusters, now=site.clock())
        behind = [one.cluster for one in found if one.has_other_settings(site.version)]
        if not behind:
            return
        if time.monotonic() > until:
            raise click.ClickException(
                f"the worker of {', '.join(behind)} works with other settings than this site.yaml, so nothing was"
                " changed. Its log says why at 'settings_refused'. --anyway does not wait for it."
            )
        time.sleep(1)


@challenge.command()
@SITE
@click.argument("slug")
@click.option(
    "--revision", type=click.IntRange(min=1), help="Apply this proposal, too; without, what holds."
)
@click.option("--yes", is_flag=True, help="Do not ask.")
def approve(site_file: Path, slug: str, *, revision: int | None, yes: bool) -> None:
    """Approve that SLUG is run as a proposed revision says, or as the database says.

    The worker runs nothing that differs from what an operator approved, which ``challenge add`` does.
    Without a revision this is for a challenge that was made on the web, or a database that was taken over
    from elsewhere: read what it prints.
    """
    if revision is not None:
        _approve_revision(site_file, slug, revision, yes=yes)
        return
    from portal import bootstrap  # noqa: PLC0415
    from portal.domain.untrusted import slug as checked_slug  # noqa: PLC0415
    from portal.services.challenges import life  # noqa: PLC0415
    from portal.services.evaluations.task_approvals import approval_of  # noqa: PLC0415

    site = opened(site_file)
    with site.database.reading() as session:
        approval = approval_of(session, slug)
    if not approval.tasks:
        raise click.ClickException(f"there is no challenge {slug}")
    # JSON first: what is printed is what is written, and escapes what a terminal would obey.
    click.echo(yaml.safe_dump(json.loads(json.dumps(asdict(approval)))))
    if yes or click.confirm("Run these?"):
        bootstrap.approvals_of_site(site).put(checked_slug(slug, "SLUG"), approval)
        with site.database.writing() as session:
            life.approved(session, slug, now=site.clock())
        click.echo(f"{slug} is run like this from now on.")


def _approve_revision(site_file: Path, slug: str, number: int, *, yes: bool) -> None:
    from portal import bootstrap  # noqa: PLC0415
    from portal.domain.printable import escaped  # noqa: PLC0415

    def agreed(asked: "ToApprove") -> bool:
        for line in asked.differences:
            click.echo(escaped(line))
        needs = ", ".join(asked.needs) or "nothing that runs"
        return yes or click.confirm(f"Apply revision {number}, and run it? It changes: {needs}.")

    site = opened(site_file)
    taken = bootstrap.approve_revision(site, slug, number, agreed=agreed)
    click.echo(f"{slug} is at revision {taken.revision}. {_outcome(taken).capitalize()}.")


@challenge.command()
@SITE
@click.argument("directory", type=click.Path(path_type=Path, exists=True, file_okay=False))
def diff(site_file: Path, directory: Path) -> None:
    """Show how the challenge in DIRECTORY differs from what the site has, and change nothing."""
    from portal import bootstrap  # noqa: PLC0415

    lines = bootstrap.differences(opened(site_file), directory)
    click.echo("\n".join(lines) if lines else "no difference")


@challenge.command()
@SITE
@click.argument("slug")
@click.argument("directory", type=click.Path(path_type=Path))
@click.option("--revision", type=click.IntRange(min=1), help="Which one; the last without.")
def export(site_file: Path, slug: str, directory: Path, *, revision: int | None) -> None:
    """Write the challenge SLUG into DIRECTORY as the bundle that was added.

    Adding that bundle again changes nothing.
    """
    from portal import bootstrap  # noqa: PLC0415

    content = bootstrap.export_bundle(opened(site_file), slug, directory, number=revision)
    click.echo(f"{directory}: challenge.yaml and {len(content.files)} files")


@challenge.command()
@SITE
@click.argument("slug")
@click.argument("directory", type=click.Path(path_type=Path))
def archive(site_file: Path, slug: str, directory: Path) -> None:
    """Write what everybody sees of the challenge SLUG into DIRECTORY, as pages that need no portal.

    Pages, announcements, leaderboards, how to cite it, a dry run's outcome, and an RO-Crate of these. What is private
    or hidden now is left out. Open index.html in a browser, or let any web server have the directory.
    """
    from portal import bootstrap  # noqa: PLC0415

    found = bootstrap.archive_challenge(opened(site_file), slug, directory)
    click.echo(
        f"{directory}: {len(found.pages)} pages, {len(found.news)} announcements and {len(found.boards)} leaderboards"
        f" of {slug}"
    )


@challenge.command()
@SITE
@click.argument("slug")
@click.argument("to", type=click.Choice(STATES))
@click.option("--reason", default="", help="For those who read the audit log.")
def state(site_file: Path, slug: str, to: str, reason: str) -> None:
    """Bring the challenge SLUG into another state of its life.

    Its owners do the same on its page 'State'.
    """
    from portal import bootstrap  # noqa: PLC0415
    from portal.domain.challenges.life import ChallengeState  # noqa: PLC0415
    from portal.services.challenges import life  # noqa: PLC0415

    site = opened(site_file)
    with site.database.writing() as session:
        before = life.step(
            session,
            actor=bootstrap.operator(),
            slug=slug,
            to=ChallengeState(to),
            reason=reason,
            now=site.clock(),
        )
    click.echo(f"{slug} is {to}; it was {before}.")


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
    from portal.services.challenges import roles  # noqa: PLC0415
    from portal.services.site.staff import person_of  # noqa: PLC0415

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
