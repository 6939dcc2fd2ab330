"""``sealrun people`` and ``sealrun staff``: who is on the site, and who is staff of it."""

from collections.abc import Callable
from pathlib import Path

import click

from portal.cli.site import SITE, opened
from portal.services.site.views import ListedPerson

PERSON = click.argument("person", nargs=-1, required=True)


@click.group()
def people() -> None:
    """Find people."""


@people.command("list")
@SITE
@click.option(
    "--search",
    default="",
    help="Part of a name, an account number, or issuer and subject of a login.",
)
def list_people(site_file: Path, search: str) -> None:
    """List people with their account numbers, one a line."""
    _list(site_file, search)


@click.group()
def staff() -> None:
    """Say who is staff of the site."""


@staff.command("add")
@SITE
@PERSON
def add_staff(site_file: Path, person: tuple[str, ...]) -> None:
    """Make PERSON staff of the site.

    PERSON is an account number, or issuer and subject of a login as two words.
    """
    from portal.services.site.staff import add  # noqa: PLC0415

    _name(site_file, person, add, "is staff now", "was staff already")


@staff.command("remove")
@SITE
@PERSON
def remove_staff(site_file: Path, person: tuple[str, ...]) -> None:
    """Remove PERSON from staff.

    Whoever the rule `staff` of a provider makes staff stays so until the provider says otherwise.
    """
    from portal.services.site.staff import remove  # noqa: PLC0415

    _name(site_file, person, remove, "is no longer staff", "was not made staff by an operator")


@staff.command("list")
@SITE
def list_staff(site_file: Path) -> None:
    """List who is staff: named by an operator, or by a provider at the last login."""
    _list(site_file, "", staff_only=True)


def _name(
    site_file: Path, person: tuple[str, ...], act: Callable[..., bool], done: str, before: str
) -> None:
    from portal import bootstrap  # noqa: PLC0415
    from portal.services.site.staff import person_of  # noqa: PLC0415

    site = opened(site_file)
    with site.database.writing() as session:
        person_id = person_of(session, person)
        changed = act(session, actor=bootstrap.operator(), person_id=person_id, now=site.clock())
    click.echo(f"{person_id} {done if changed else before}.")


def _list(site_file: Path, search: str, *, staff_only: bool = False) -> None:
    from portal import bootstrap  # noqa: PLC0415
    from portal.services.site.views import people_list  # noqa: PLC0415

    site = opened(site_file)
    page, pages = 1, 1
    while page <= pages:
        with site.database.reading() as session:
            found = people_list(
                session,
                actor=bootstrap.operator(),
                words=search,
                page=page,
                staff_only=staff_only,
            )
        for row in found.rows:
            click.echo(_line(row))
        page, pages = page + 1, found.pages.pages


def _line(row: ListedPerson) -> str:
    marks = {"staff": row.is_staff, "blocked": row.is_blocked, "deleted": row.is_deleted}
    suffix = "".join(f" ({mark})" for mark, holds in marks.items() if holds)
    return f"{row.id}  {row.name}{suffix}"
