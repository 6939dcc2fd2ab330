"""Which addresses take a large body: those whose route says so, and no other."""

import asyncio
import re
from collections.abc import Iterator

import pytest
from starlette.types import Message

from portal.domain.accounts.tokens import Scope
from portal.web.middleware.bodies import (
    MAX_FORM_BYTES,
    MAX_TEXT_BYTES,
    TakesFile,
    TextRoute,
)
from tests.support import bundles
from tests.support.factories import MIB
from tests.support.servers.portal import log_in
from tests.support.web.addresses import addresses
from tests.support.web.site import SAME_ORIGIN, Site

UPLOADS = [one.path for one in addresses() if isinstance(one.route, TakesFile)]
TEXTS = [one.path for one in addresses() if isinstance(one.route, TextRoute)]
BUNDLES = [
    "/new-challenge",
    "/challenges/{slug}/change",
    "/api/v1/challenges",
    "/api/v1/challenges/{slug}/revisions",
]
"""What takes a zip, and keeps nothing of any other file."""
FORMS = [one.path for one in addresses() if "POST" in one.methods and one.path not in UPLOADS]
PIECE = 64 * 1024
FILE_BYTES = 5 * MIB
FRAME = (
    b'--x\r\nContent-Disposition: form-data; name="phase"\r\n\r\ndev\r\n'
    b'--x\r\nContent-Disposition: form-data; name="kind"\r\n\r\ncode\r\n'
    b'--x\r\nContent-Disposition: form-data; name="file"; filename="large.zip"\r\n\r\n'
)
MULTIPART = "multipart/form-data; boundary=x"
URLENCODED = "application/x-www-form-urlencoded"


def _upload() -> Iterator[bytes]:
    yield FRAME
    for _ in range(FILE_BYTES // PIECE):
        yield b"x" * PIECE
    yield b"\r\n--x--\r\n"


def _address(site: Site, path: str) -> str:
    """Fill in the parts of an address."""
    parts = {"slug": "digits", "id": site.submission_id, "person": site.newcomer.id}
    return re.sub(r"\{(\w+)\}", lambda part: parts.get(part[1], "campus"), path)


def test_the_addresses_that_take_a_file_are_these() -> None:
    assert {*UPLOADS} - {*BUNDLES} == {
        "/challenges/{slug}/submit",
        "/challenges/{slug}/weights",
        "/api/v1/challenges/{slug}/submissions",
        "/api/v1/challenges/{slug}/weights",
    }
    assert {*BUNDLES} < {*UPLOADS}


def test_the_addresses_that_take_a_text_are_these() -> None:
    assert TEXTS == ["/challenges/{slug}/change/text"]


@pytest.mark.parametrize("path", BUNDLES)
def test_what_is_no_bundle_is_read_and_not_kept(site: Site, path: str) -> None:
    site.change(everybody_creates=True)
    bundles.keep(site.context.store.root)
    with site.context.database.writing() as session:
        bundles.add_revision(session, site.digits, 1)
    before = {path.name for path in site.context.store.root.rglob("*")}
    token = site.token(site.organiser, Scope.ORGANISE)
    client = site.program(token) if "/api/" in path else site.browser(site.organiser)

    answer = client.post(
        _address(site, path), content=_upload(), headers={"content-type": MULTIPART}
    )

    assert answer.status_code == 422, answer.text
    assert "This is no zip." in answer.text
    assert {path.name for path in site.context.store.root.rglob("*")} == before


@pytest.mark.parametrize("path", [path for path in UPLOADS if path not in BUNDLES])
def test_a_file_of_some_mebibytes_is_taken_in_pieces(site: Site, path: str) -> None:
    token = site.token(site.newcomer, Scope.SUBMIT)
    client = site.program(token) if "/api/" in path else site.browser(site.newcomer)

    answer = client.post(
        _address(site, path), content=_upload(), headers={"content-type": MULTIPART}
    )

    kept = [path for path in (site.context.store.root).rglob("*") if path.is_file()]
    assert answer.status_code == (201 if "/api/" in path else 303), answer.text
    assert [path.stat().st_size for path in kept] == [FILE_BYTES]


def _pour(site: Site, address: str, content_type: str) -> tuple[int, int]:
    """Send a body without end as staff; return the status and how much of it was read."""
    read, statuses = 0, []

    async def receive() -> Message:
        nonlocal read
        assert read < 2 * MIB, "it reads without end"
        read += PIECE // 2
        return {"type": "http.request", "body": b"a" * (PIECE // 2), "more_body": True}

    async def send(message: Message) -> None:
        if message["type"] == "http.response.start":
            statuses.append(message["status"])

    token = site.token(site.staff, *Scope) if address.startswith("/api/") else ""
    headers = {
        **SAME_ORIGIN,
        "host": "127.0.0.1:8000",
        "content-type": content_type,
        "cookie": f"sealrun={log_in(site.context, site.staff.id)}",
        **({"authorization": f"Bearer {token}"} if token else {}),
    }
    scope = {
        "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": "POST",
        "scheme": "http", "path": address, "raw_path": address.encode(), "query_string": b"",
        "root_path": "", "server": ("127.0.0.1", 8000), "client": ("127.0.0.1", 1), "state": {},
        "headers": [(name.encode(), value.encode()) for name, value in headers.items()],
    }  # fmt: skip
    asyncio.run(site.app(scope, receive, send))
    [status] = statuses
    return status, read


@pytest.mark.parametrize("content_type", [URLENCODED, MULTIPART])
def test_every_other_form_reads_no_more_than_a_form_has(site: Site, content_type: str) -> None:
    poured = {path: _pour(site, _address(site, path), content_type) for path in FORMS}

    most = {path: MAX_TEXT_BYTES if path in TEXTS else MAX_FORM_BYTES for path in FORMS}
    read_more = {path for path, (_, read) in poured.items() if read > most[path] + PIECE}
    # Whoever reads refuses; whoever answers otherwise has read nothing.
    taken = {path for path, (status, read) in poured.items() if read and status not in {400, 413}}
    assert len(poured) > 30
    assert (read_more, taken) == (set(), set())
