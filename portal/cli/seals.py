"""``sealrun seal`` and ``sealrun verify``: making a key, and checking what was signed with one."""

import json
from pathlib import Path

import click

NOT_SEALED, UNREADABLE = 1, 2


@click.group()
def seal() -> None:
    """Look after the key with which results are signed."""


@seal.command("new-key")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
def new_key(file: Path) -> None:
    """Write a new private key to FILE, for its owner only, and FILE.pub beside it."""
    from portal.files import seals  # noqa: PLC0415

    try:
        public = seals.new_key(file)
    except FileExistsError:
        raise click.ClickException(f"{file} is there already, and is not replaced") from None
    click.echo(f"key {public.id}\n{public.pem}", nl=False)


@click.command()
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option(
    "--key",
    "keys",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    multiple=True,
    required=True,
    help="Public key that may have signed it, as PEM; repeat it for several.",
)
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text")
def verify(file: Path, keys: tuple[Path, ...], form: str) -> None:
    """Check a signed record offline: whether one of the keys has signed exactly this.

    The exit code is 0 if it holds, 1 if no key has signed it, and 2 if FILE is no record or a key
    cannot be read.
    """
    from portal.files import seals  # noqa: PLC0415

    try:
        checked = seals.check(file.read_bytes(), [seals.read_public_key(key) for key in keys])
    except seals.BrokenSealError as problem:
        click.echo(f"{file}: {problem}", err=True)
        raise SystemExit(NOT_SEALED) from None
    except (seals.NotASealError, ValueError) as problem:
        click.echo(f"{file}: {problem}", err=True)
        raise SystemExit(UNREADABLE) from None
    if form == "json":
        click.echo(json.dumps({"key": checked.key_id, "statement": checked.statement}, indent=1))
        return
    click.echo(f"{file}: signed by key {checked.key_id}")
    for subject in checked.statement.get("subject", []):
        click.echo(f"  sha256 {subject['digest']['sha256']}  {subject['name']}")
    predicate = checked.statement.get("predicate", {})
    for name in ("challenge", "phase", "task", "day", "scores", "versions"):
        if predicate.get(name):
            click.echo(f"  {name}: {json.dumps(predicate[name], sort_keys=True)}")
