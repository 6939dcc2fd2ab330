"""``sealrun challenge init``, ``lint`` and ``schema``: what organisers do with a bundle on their own machine."""

import json
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from site_config.errors import Problem

DIRECTORY = click.argument(
    "directory", type=click.Path(path_type=Path, exists=True, file_okay=False)
)


@click.command()
@click.argument("directory", type=click.Path(path_type=Path))
@click.option("--slug", help="Its name in addresses; the directory's name without.")
@click.option("--title", default="A new challenge", show_default=True, help="Its title.")
def init(directory: Path, slug: str | None, title: str) -> None:
    """Write a challenge to begin with into DIRECTORY.

    It has everything but the images: pages, a public sample, a scorer and a base image as recipes, and a
    schema for editors. DIRECTORY is made; what is there already is never changed.
    """
    from site_config.authoring.starter import write_starter  # noqa: PLC0415

    name = slug or directory.resolve().name
    write_starter(directory, slug=name, title=title, now=datetime.now(UTC))
    click.echo(f"{directory}: a challenge named {name}")
    click.echo("  next: say what it is about in overview.md, make the images with 'make',")
    click.echo(f"  and look at it with 'sealrun challenge lint {directory}'")


@click.command()
@DIRECTORY
@click.option(
    "--architecture",
    default="amd64",
    show_default=True,
    help="What the site's nodes run, in the words of container images; empty for any.",
)
@click.option("--json", "as_json", is_flag=True, help="Say it as JSON, for programs.")
@click.option("--strict", is_flag=True, help="Fail on warnings, too.")
def lint(directory: Path, *, architecture: str, as_json: bool, strict: bool) -> None:
    """Say what is wrong with the challenge in DIRECTORY; needs no site, and changes nothing.

    Each line is FILE:LINE: KEY: what to write. Images and the sample are looked into as a site would. Warnings
    are about what is allowed and may be meant otherwise. Exits with 1 if anything is wrong.
    """
    from portal import bootstrap  # noqa: PLC0415

    found = bootstrap.lint_bundle(directory, architecture=architecture, now=datetime.now(UTC))
    if as_json:
        rows = [*_rows(found.problems, "error"), *_rows(found.warnings, "warning")]
        click.echo(json.dumps(rows, indent=1, default=str))
    else:
        for problem in found.problems:
            click.echo(f"error: {problem}")
        for warning in found.warnings:
            click.echo(f"warning: {warning}")
        click.echo(_summary(len(found.problems), len(found.warnings)))
    if found.problems or (strict and found.warnings):
        raise SystemExit(1)


@click.command()
def schema() -> None:
    """Print the JSON schema of challenge.yaml, with which editors complete and check it."""
    from site_config.authoring.json_schema import challenge_schema  # noqa: PLC0415

    click.echo(json.dumps(challenge_schema(), indent=1, ensure_ascii=False))


def _rows(problems: "tuple[Problem, ...]", severity: str) -> list[dict[str, object]]:
    return [{"severity": severity, **asdict(problem)} for problem in problems]


def _summary(errors: int, warnings: int) -> str:
    return f"{_many(errors, 'error')}, {_many(warnings, 'warning')}"


def _many(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"
