"""``sealrun audit``: is the log whole, and forgetting from where things were done."""

import re
from datetime import timedelta
from pathlib import Path

import click

from portal.cli.site import SITE, opened
from portal.domain.audit import Head
from site_config.units import parse_duration

_HEAD = re.compile(r"([0-9]{1,18}):([0-9a-f]{64})")


@click.group()
def audit() -> None:
    """Look after the audit log."""


def _head(_context: click.Context, _option: click.Parameter, text: str | None) -> Head | None:
    if text is None:
        return None
    match = _HEAD.fullmatch(text)
    if match is None:
        raise click.BadParameter("must be a number, a colon and a sha256, as this command prints")
    return Head(number=int(match[1]), sha256=match[2])


def _age(_context: click.Context, _option: click.Parameter, text: str) -> timedelta:
    try:
        return parse_duration(text)
    except ValueError as problem:
        raise click.BadParameter(str(problem)) from problem


@audit.command()
@SITE
@click.option(
    "--expect",
    metavar="NUMBER:SHA256",
    callback=_head,
    help="A head that was printed before and kept elsewhere: the log must still have it.",
)
def verify(site_file: Path, expect: Head | None) -> None:
    """Check that no entry was changed, taken out or put in between, and that the triggers are there.

    The log must still have the heads that the worker has recorded where the web process cannot write.
    Prints how many entries there are, and the last one's number and sha256. Keep that line on
    another machine and give it to `--expect` later: nothing else shows what the worker's own account
    has done. The exit code is 1 if something is wrong.
    """
    from portal import bootstrap  # noqa: PLC0415

    site = opened(site_file)
    found = bootstrap.examine_audit_log(site.database, site.settings, expected=expect)
    if found.problems:
        raise click.ClickException("\n".join(found.problems) + f" (whole up to {found.head})")
    click.echo(f"{_counted(found.head.number)}, whole")
    click.echo(str(found.head))


@audit.command("accept")
@SITE
@click.argument("head", metavar="NUMBER:SHA256", callback=_head)
def accept(site_file: Path, head: Head) -> None:
    """Accept the log of a database that was restored from a backup, up to its last entry.

    Give the head that `sealrun audit verify` says the log is whole up to. Entries after it are lost:
    that this was accepted, and how many there were, is itself written into the log. Run it as the
    worker's account.
    """
    from portal import bootstrap  # noqa: PLC0415

    site = opened(site_file)
    accepted = bootstrap.accept_audit_log(site, head)
    click.echo(f"Accepted. The head is now {accepted}")


@audit.command("restore-guards")
@SITE
def restore_guards(site_file: Path) -> None:
    """Make the triggers anew that keep the log append-only; that this was done is written into it.

    First find out who has changed them: nothing in the portal does.
    """
    from portal import bootstrap  # noqa: PLC0415

    site = opened(site_file)
    mended = bootstrap.restore_audit_guards(site)
    click.echo("\n".join(f"Mended: {problem}" for problem in mended) or "Nothing was missing.")


@audit.command("erase-origins")
@SITE
@click.option(
    "--older-than",
    metavar="DURATION",
    callback=_age,
    required=True,
    help="How old an entry has to be, such as 180d.",
)
def erase_origins(site_file: Path, older_than: timedelta) -> None:
    """Forget the network addresses in old entries; the log is whole without them.

    That this was done is itself written into the log.
    """
    from portal import bootstrap  # noqa: PLC0415
    from portal.services.audit.log import erase_origins as erase  # noqa: PLC0415

    site = opened(site_file)
    now = site.clock()
    with site.database.writing() as session:
        erased = erase(session, actor=bootstrap.operator(), before=now - older_than, now=now)
    click.echo(f"Erased the origin of {_counted(erased)}.")


def _counted(entries: int) -> str:
    return "1 entry" if entries == 1 else f"{entries} entries"
