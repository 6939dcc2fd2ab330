"""The style sheet is one for the browser, and cut by subject for whoever changes it."""

from importlib.resources import files

from starlette.requests import Request

from portal.web.rendering.static_files import SHEET, SHEETS, StaticFiles


def _served(static: StaticFiles, name: str) -> bytes:
    address = static.url(name).rpartition("/")[2]
    scope = {"type": "http", "headers": [], "path_params": {"name": address}}
    return bytes(static.respond(Request(scope)).body)


def test_every_part_is_in_the_sheet_once_in_its_order() -> None:
    folder = files("portal") / "static" / "css"
    parts = {entry.name.removesuffix(".css"): entry.read_text() for entry in folder.iterdir()}

    sheet = _served(StaticFiles(), SHEET).decode()

    assert sorted(parts) == sorted(SHEETS)
    assert [sheet.count(part) for part in parts.values()] == [1] * len(parts)
    places = [sheet.index(parts[name]) for name in SHEETS]
    assert places == sorted(places)


def test_every_file_has_an_address_of_its_own_that_stays_while_the_file_does() -> None:
    names = (SHEET, "live.js", "submit.js", "seal.svg")

    addresses = [StaticFiles().url(name) for name in names]

    assert len(set(addresses)) == len(names)
    assert addresses == [StaticFiles().url(name) for name in names]
