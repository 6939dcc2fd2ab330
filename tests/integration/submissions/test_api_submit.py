"""Submitting through the API: the same code, the same limits, and nothing left half done."""

import asyncio
import hashlib
import tracemalloc
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select
from starlette.testclient import TestClient
from starlette.types import Message
from structlog.testing import capture_logs

from portal.db.tables import Phase, Submission
from portal.domain.accounts.tokens import Scope
from tests.support.factories import MIB
from tests.support.web.site import Site, SiteMaker

PATH = "/api/v1/challenges/digits/submissions"
FIELDS = {"phase": "dev", "kind": "results", "note": "from a script"}
FILE = {"file": ("predictions.csv", b"id,digit\n")}


@pytest.fixture
def program(site: Site) -> TestClient:
    return site.program(site.token(site.newcomer, Scope.SUBMIT))


def _kept(site: Site) -> list[str]:
    root = site.context.store.incoming_directory.parent
    return [path.name for path in root.rglob("*") if path.is_file()]


def _submissions(site: Site) -> list[Submission]:
    with site.context.database.reading() as session:
        rows = session.scalars(select(Submission).order_by(Submission.id))
        return [row for row in rows if row.id != site.submission_id]


def _part(name: str, value: bytes, filename: str | None = None) -> bytes:
    named = f'; filename="{filename}"' if filename is not None else ""
    head = f'--x\r\nContent-Disposition: form-data; name="{name}"{named}\r\n\r\n'
    return head.encode() + value + b"\r\n"


WHOLE = _part("phase", b"dev") + _part("kind", b"results")
MULTIPART = {"content-type": "multipart/form-data; boundary=x"}


def test_a_file_becomes_a_submission_and_its_address_is_told(
    site: Site, program: TestClient
) -> None:
    answer = program.post(PATH, data=FIELDS, files=FILE)

    [submission] = _submissions(site)
    url = f"http://127.0.0.1:8000/api/v1/submissions/{submission.id}"
    assert (answer.status_code, answer.headers["location"]) == (201, url)
    assert answer.json() == {"id": submission.id, "url": url}
    assert (submission.filename, submission.note, submission.person_id) == (
        "predictions.csv", "from a script", site.newcomer.id,
    )  # fmt: skip
    assert _kept(site) == [hashlib.sha256(FILE["file"][1]).hexdigest()]


def test_what_was_submitted_can_be_read_at_its_address(site: Site) -> None:
    program = site.program(site.token(site.newcomer, Scope.SUBMIT, Scope.READ))

    made = program.post(PATH, data=FIELDS, files=FILE)
    told = program.get(made.headers["location"]).json()

    assert (told["state"], told["phase"], told["note"]) == ("waiting", "dev", "from a script")


@pytest.mark.parametrize(
    ("fields", "files", "reason", "message"),
    [
        pytest.param(
            {}, FILE, "incomplete",
            "Choose the phase to submit to. Choose what kind of file it is.", id="no-fields",
        ),
        pytest.param(
            FIELDS | {"kind": "evil"}, FILE, "incomplete", "Choose what kind of file it is.",
            id="unknown-kind",
        ),
        pytest.param(
            FIELDS, {"file": ("a", b"")}, "incomplete",
            "Choose the file to submit. It must not be empty.", id="empty-file",
        ),
        pytest.param(
            FIELDS | {"phase": "nope"}, FILE, "phase",
            "Choose one of the phases of this challenge.", id="unknown-phase",
        ),
        pytest.param(
            FIELDS | {"phase": "final"}, FILE, "not_open",
            "Final opens at 2027-01-03 10:05 UTC. It is 2026-11-24 10:05 UTC now.", id="not-open",
        ),
        pytest.param(
            FIELDS | {"phase": "warm-up"}, FILE, "closed",
            "Warm-up closed at 2026-11-04 10:05 UTC. Your submission was complete at"
            " 2026-11-24 10:05 UTC. That is 20 days too late: this file was rejected.",
            id="closed",
        ),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said(
    site: Site, program: TestClient, fields: dict[str, str], files: Any, reason: str, message: str
) -> None:
    answer = program.post(PATH, data=fields, files=files)

    told = answer.json()["error"]
    assert (answer.status_code, told["reason"], told["message"]) == (422, reason, message)
    assert _submissions(site) == []


def test_page_and_api_count_against_the_same_limit(site: Site, program: TestClient) -> None:
    with site.context.database.writing() as session:
        session.get_one(Phase, site.digits.dev.id).per_day = 2
    by_page = site.browser(site.newcomer).post("/challenges/digits/submit", data=FIELDS, files=FILE)
    by_api = program.post(PATH, data=FIELDS, files=FILE)

    refused = program.post(PATH, data=FIELDS, files=FILE)

    assert (by_page.status_code, by_api.status_code, refused.status_code) == (303, 201, 429)
    assert refused.json()["error"]["reason"] == "quota"
    assert (
        "from 2026-11-25 00:00 UTC, in 13 hours 55 minutes." in refused.json()["error"]["message"]
    )
    assert refused.headers["retry-after"] == "Wed, 25 Nov 2026 00:00:00 GMT"
    assert len(_submissions(site)) == 2


def test_a_file_above_the_limit_is_refused_whether_its_size_is_announced_or_not(
    new_site: SiteMaker,
) -> None:
    site = new_site(upload_limit=MIB)
    program = site.program(site.token(site.newcomer, Scope.SUBMIT))
    content = b"x" * (2 * MIB)
    body = WHOLE + _part("file", content, "big") + b"--x--\r\n"
    just = WHOLE + _part("file", b"x" * (MIB + 1), "big") + b"--x--\r\n"
    pieces = iter([body[n : n + 65536] for n in range(0, len(body), 65536)])

    answers = [
        program.post(PATH, data=FIELDS, files={"file": ("big", content)}),
        program.post(PATH, content=pieces, headers=MULTIPART),
        program.post(PATH, content=just, headers=MULTIPART),
    ]

    assert [answer.status_code for answer in answers] == [413, 413, 413]
    assert [answer.json()["error"]["reason"] for answer in answers] == ["too_large"] * 3
    assert answers[2].json()["error"]["message"] == (
        "The file is larger than 1 MiB, which is the limit of this site."
    )
    assert _kept(site) == []


@pytest.mark.parametrize(
    ("body", "headers", "message"),
    [
        pytest.param(
            WHOLE + _part("file", b"abc", "a"), MULTIPART,
            "The upload broke off before it was complete.", id="broke-off",
        ),
        pytest.param(
            WHOLE + _part("file", b"a", "a") + _part("file", b"b", "b") + b"--x--\r\n", MULTIPART,
            "The form has more than one file.", id="two-files",
        ),
        pytest.param(
            b'{"phase": "dev"}', {"content-type": "application/json"},
            "The form was not sent as multipart/form-data.", id="json",
        ),
    ],
)  # fmt: skip
def test_a_broken_form_is_refused_and_leaves_nothing_behind(
    site: Site, program: TestClient, body: bytes, headers: dict[str, str], message: str
) -> None:
    answer = program.post(PATH, content=body, headers=headers)

    told = answer.json()["error"]
    assert (answer.status_code, told["reason"], told["message"]) == (400, "bad_form", message)
    assert (_kept(site), _submissions(site)) == ([], [])


async def _upload(
    site: Site, token: str, pieces: Iterator[bytes], *, goes_away: bool = False, path: str = PATH
) -> list[int]:
    """Send a body in pieces straight to the application; return the statuses of its answers."""
    statuses: list[int] = []

    async def receive() -> Message:
        piece = next(pieces, None)
        if piece is None and goes_away:
            return {"type": "http.disconnect"}
        return {"type": "http.request", "body": piece or b"", "more_body": piece is not None}

    async def send(message: Message) -> None:
        if message["type"] == "http.response.start":
            statuses.append(message["status"])

    headers = {**MULTIPART, "authorization": f"Bearer {token}", "host": "127.0.0.1:8000"}
    scope = {
        "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": "POST",
        "scheme": "http", "path": path, "raw_path": path.encode(), "query_string": b"",
        "root_path": "", "client": ("192.0.2.7", 5000), "server": ("127.0.0.1", 8000),
        "headers": [(name.encode(), value.encode()) for name, value in headers.items()],
    }  # fmt: skip
    await site.app(scope, receive, send)
    return statuses


@pytest.mark.parametrize(
    ("scopes", "path", "status"),
    [
        pytest.param((), PATH, 401, id="no-token"),
        pytest.param((Scope.READ, Scope.ORGANISE), PATH, 403, id="no-scope"),
        pytest.param((Scope.SUBMIT,), PATH.replace("digits", "nothing"), 404, id="no-challenge"),
    ],
)
def test_nothing_is_read_from_whoever_may_not_submit(
    site: Site, scopes: tuple[Scope, ...], path: str, status: int
) -> None:
    token = site.token(site.newcomer, *scopes) if scopes else "nothing"
    asked: list[int] = []

    def pieces() -> Iterator[bytes]:
        asked.append(1)
        yield WHOLE

    statuses = asyncio.run(_upload(site, token, pieces(), path=path))

    assert statuses == [status]
    assert asked == []


def test_a_sender_that_goes_away_leaves_nothing_behind(site: Site) -> None:
    token = site.token(site.newcomer, Scope.SUBMIT)
    begun = WHOLE + _part("file", b"x" * (3 * MIB), "big")

    with capture_logs() as log:
        statuses = asyncio.run(
            _upload(site, token, iter([begun[:MIB], begun[MIB : 2 * MIB]]), goes_away=True)
        )

    assert statuses == []
    # It is nothing that anybody has to look after.
    assert [entry["event"] for entry in log] == ["client_disconnected", "request"]
    assert (_kept(site), _submissions(site)) == ([], [])


def test_a_large_file_passes_in_constant_memory(site: Site) -> None:
    token = site.token(site.newcomer, Scope.SUBMIT)
    size = 48 * MIB
    chunk = b"x" * 65536

    def pieces() -> Iterator[bytes]:
        yield WHOLE + _part("file", b"", "big")[:-2]
        for _ in range(size // len(chunk)):
            yield chunk
        yield b"\r\n--x--\r\n"

    tracemalloc.start()
    statuses = asyncio.run(_upload(site, token, pieces()))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    [submission] = _submissions(site)
    assert statuses == [201]
    assert submission.blob_sha256 == hashlib.sha256(b"x" * size).hexdigest()
    assert peak < 12 * MIB


def test_names_are_kept_without_their_path(site: Site, program: TestClient) -> None:
    program.post(PATH, data=FIELDS, files={"file": ("../../etc/passwd", b"abc")})

    [submission] = _submissions(site)
    assert submission.filename == "passwd"
    assert Path(submission.filename).name == submission.filename
