"""The command line of the practice site: up, down, status, shell, logs."""

import json
import os
import shutil
from collections.abc import Callable
from dataclasses import asdict
from functools import wraps
from typing import ParamSpec, TypeVar

import click

from site_config.practice.errors import PracticeError
from site_config.practice.machine import hosts
from site_config.practice.machine.accounts import ACCOUNT_NAME
from site_config.practice.paths import DEFAULT_NAME
from site_config.practice.root.releases import DEFAULT_RELEASE, RELEASE_NAMES
from site_config.practice.site import PracticeSite, Status

P = ParamSpec("P")
R = TypeVar("R")

_NAME = click.option("--name", default=DEFAULT_NAME, show_default=True, help="Which practice site.")


def _reported(function: Callable[P, R]) -> Callable[P, R]:
    """Show what went wrong as one sentence instead of a traceback."""

    @wraps(function)
    def wrapped(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return function(*args, **kwargs)
        except PracticeError as error:
            raise click.ClickException(str(error)) from error

    return wrapped


def _site(name: str) -> PracticeSite:
    return PracticeSite(name, say=lambda line: click.echo(line, err=True))


@click.group()
def practice() -> None:
    """Run a real Slurm with Apptainer on this machine, to try Sealrun, demonstrate it and test it."""


@practice.command()
@_NAME
@click.option("--account-uid", type=int, help="User id of the person who runs the portal.")
@click.option(
    "--slurm",
    type=click.Choice(RELEASE_NAMES),
    help=f"Release of Slurm; {DEFAULT_RELEASE} for a new site. A site keeps its release.",
)
@click.option(
    "--weaken",
    multiple=True,
    metavar="WEAKNESS",
    help="Set it up wrongly until it is stopped, to try `sealrun check-site`: one of the weaknesses that "
    "`docs/how-to/practice-site.md` names.",
)
@_reported
def up(name: str, account_uid: int | None, slurm: str | None, weaken: tuple[str, ...]) -> None:
    """Bring the site up; nothing happens when it is. The first time takes a few minutes."""
    hosts.become_root()
    click.echo(_summary(_site(name).up(account_uid=account_uid, slurm=slurm, weaken=weaken)))


@practice.command()
@_NAME
@click.option("--purge", is_flag=True, help="Also remove the site's files and the built root.")
@_reported
def down(name: str, purge: bool) -> None:
    """Stop the site. Its accounting, keys and shared folder stay unless purged."""
    hosts.become_root()
    _site(name).down(purge=purge)
    click.echo(f"the site {name} is {'gone' if purge else 'stopped'}")


@practice.command()
@_NAME
@click.option("--json", "as_json", is_flag=True, help="For programs.")
@_reported
def status(name: str, as_json: bool) -> None:
    """Say how the site is and how much disk it takes."""
    found = _site(name).status()
    click.echo(json.dumps(asdict(found), indent=2, default=str) if as_json else _summary(found))


@practice.command(context_settings={"ignore_unknown_options": True})
@_NAME
@click.option(
    "--user", type=click.Choice([ACCOUNT_NAME, "root"]), default=ACCOUNT_NAME, show_default=True
)
@click.argument("argv", nargs=-1, type=click.UNPROCESSED)
@_reported
def shell(name: str, user: str, argv: tuple[str, ...]) -> None:
    """Run ARGV inside the site, or a shell when there is none."""
    hosts.become_root()
    command = _site(name).command(*(argv or ("/bin/bash", "-l")), user=user)
    program = shutil.which(command[0], path=hosts.SYSTEM_PATH)
    os.execv(program or command[0], command)  # noqa: S606 (argv, no shell)


@practice.command()
@_NAME
@click.argument("daemon", required=False)
@_reported
def logs(name: str, daemon: str | None) -> None:
    """Show the log of DAEMON, or which logs there are."""
    folder = _site(name).paths.logs
    known = sorted(file.stem for file in folder.glob("*.log"))
    if daemon is None:
        for each in known:
            click.echo(f"{each:12} {folder / each}.log")
        return
    if daemon not in known:
        raise PracticeError(f"no log of {daemon!r}; there are {', '.join(known) or 'none'}")
    click.echo((folder / f"{daemon}.log").read_text(encoding="utf-8", errors="replace"), nl=False)


def _summary(found: Status) -> str:
    mib = 1024 * 1024
    release = f", Slurm {found.release}" if found.release else ""
    lines = [f"site {found.name}: {found.state}{release}"]
    if found.weaknesses and found.running:
        lines.append(f"  wrong         {', '.join(found.weaknesses)}, on purpose")
    idle = [daemon for daemon, works in found.daemons.items() if not works]
    if found.running and idle:
        lines.append(f"  not working   {', '.join(idle)}")
    if found.address:
        lines += [
            f"  nodes         {', '.join(found.nodes)}",
            f"  address       {found.address} (ssh as {ACCOUNT_NAME}; slurmrestd at {found.rest_url})",
            f"  settings      {found.site_yaml}",
            f"  shared folder {found.shared}",
            f"  account uid   {found.account_uid}",
            f"  logs          {found.logs}",
        ]
    root = f", and {found.root_disk_bytes // mib} MiB for the root that all sites share"
    lines.append(
        f"  disk          {found.disk_bytes // mib} MiB" + (root if found.root_disk_bytes else "")
    )
    return "\n".join(lines)
