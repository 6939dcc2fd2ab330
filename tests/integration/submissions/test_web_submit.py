"""Submitting through the form."""

import errno
import hashlib
import io
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

import pytest
from sqlalchemy import select
from starlette.testclient import TestClient

from portal.db.tables import Phase, Submission
from portal.domain.accounts.tokens import Scope
from tests.support.factories import MIB, MINUTE, NOW
from tests.support.web.site import Site, SiteMaker

SUBMIT = "/challenges/digits/submit"
FIELDS = {"phase": "dev", "kind": "results", "note": "my note"}
FILE = {"file": ("predictions.csv", b"id,digit,confidence\n", "text/csv")}


def _kept(site: Site) -> list[Path]:
    """List every file in the store, whole or not."""
    return [p for p in site.context.store.incoming_directory.parent.rglob("*") if p.is_file()]


def _submissions(site: Site) -> list[Submission]:
    with site.context.database.reading() as session:
        rows = session.scalars(select(Submission).order_by(Submission.id))
        return [row for row in rows if row.id != site.submission_id]


def _raw(
    browser: TestClient, body: bytes | Iterator[bytes], boundary: str = "x"
) -> tuple[int, str]:
    headers = {"content-type": f"multipart/form-data; boundary={boundary}"}
    answer = browser.post(SUBMIT, content=body, headers=headers)
    return answer.status_code, answer.text


def _part(name: str, value: bytes, filename: str | None = None) -> bytes:
    named = f'; filename="{filename}"' if filename is not None else ""
    head = f'--x\r\nContent-Disposition: form-data; name="{name}"{named}\r\n\r\n'
    return head.encode() + value + b"\r\n"


WHOLE = _part("phase", b"dev") + _part("kind", b"results")


def test_a_file_becomes_a_submission_and_its_page(site: Site) -> None:
    browser = site.browser(site.newcomer)

    answer = browser.post(SUBMIT, data=FIELDS, files=FILE)

    [submission] = _submissions(site)
    assert answer.status_code == 303
    assert answer.headers["location"] == f"/submissions/{submission.id}"
    assert submission.blob_sha256 == hashlib.sha256(FILE["file"][1]).hexdigest()
    assert (submission.filename, submission.note) == ("predictions.csv", "my note")
    assert [p.name for p in _kept(site)] == [submission.blob_sha256]
    page = browser.get(answer.headers["location"]).text
    assert "predictions.csv" in page
    assert "my note" in page


def test_a_large_file_arrives_byte_for_byte(site: Site) -> None:
    content = bytes(range(256)) * 4096 * 5
    files = {"file": ("big.bin", content)}

    site.browser(site.newcomer).post(SUBMIT, data=FIELDS, files=files)

    [submission] = _submissions(site)
    assert submission.blob_sha256 == hashlib.sha256(content).hexdigest()


@pytest.mark.parametrize(
    ("fields", "files", "says"),
    [
        pytest.param({}, FILE, ["Choose the phase", "Choose what kind"], id="no-fields"),
        pytest.param(FIELDS | {"kind": "evil"}, FILE, ["Choose what kind"], id="unknown-kind"),
        pytest.param(FIELDS | {"phase": "nope"}, FILE, ["one of the phases"], id="unknown-phase"),
        pytest.param(FIELDS | {"note": "n" * 501}, FILE, ["at most 500"], id="long-note"),
        pytest.param(FIELDS, {"file": ("", b"")}, ["Choose the file"], id="no-file"),
        pytest.param(FIELDS, {"file": ("a", b"")}, ["Choose the file"], id="empty-file"),
        pytest.param(FIELDS | {"phase": "final"}, FILE, ["opens at"], id="not-open-yet"),
        pytest.param(FIELDS | {"phase": "warm-up"}, FILE, ["closed at"], id="closed"),
    ],
)
def test_what_is_wrong_is_said_beside_the_field_and_the_input_is_kept(
    site: Site, fields: dict[str, str], files: dict[str, tuple[str, bytes]], says: list[str]
) -> None:
    answer = site.browser(site.newcomer).post(SUBMIT, data=fields, files=files)

    assert answer.status_code == 422
    assert "<title>Error: Submit" in answer.text
    assert 'role="alert"' in answer.text
    assert [message for message in says if message not in answer.text] == []
    assert fields.get("note", "") in answer.text
    assert _submissions(site) == []


def test_each_line_of_the_summary_leads_to_its_field(site: Site) -> None:
    page = site.browser(site.newcomer).post(SUBMIT, data={"note": "kept"}, files=FILE).text

    for name in ("phase", "kind"):
        assert f'href="#field-{name}"' in page
        assert f'id="field-{name}"' in page
    assert ">kept</textarea>" in page


def test_a_refused_form_leaves_no_file_behind(site: Site) -> None:
    site.browser(site.newcomer).post(SUBMIT, data={}, files=FILE)

    assert _kept(site) == []


def test_a_used_up_limit_is_said_with_the_time_of_the_next_chance(site: Site) -> None:
    with site.context.database.writing() as session:
        session.get_one(Phase, site.digits.dev.id).per_day = 1
    browser = site.browser(site.newcomer)
    assert browser.post(SUBMIT, data=FIELDS, files=FILE).status_code == 303

    refused = browser.post(SUBMIT, data=FIELDS, files=FILE)

    assert refused.status_code == 429
    assert "from 2026-11-25 00:00 UTC" in refused.text
    assert "0 of 1 left today" in refused.text
    assert len(_submissions(site)) == 1


def test_what_a_limit_refuses_leaves_no_file_behind(site: Site) -> None:
    """Else whoever has used up everything could fill the storage."""
    with site.context.database.writing() as session:
        session.get_one(Phase, site.digits.dev.id).per_day = 1
    browser = site.browser(site.newcomer)
    browser.post(SUBMIT, data=FIELDS, files=FILE)
    before = _kept(site)

    browser.post(SUBMIT, data=FIELDS, files={"file": ("other.csv", b"id,digit\n1,1\n")})

    assert _kept(site) == before


def test_the_form_counts_down(site: Site) -> None:
    browser = site.browser(site.newcomer)
    before = browser.get(SUBMIT).text
    browser.post(SUBMIT, data=FIELDS, files=FILE)

    assert "5 of 5 left today" in before
    assert "4 of 5 left today" in browser.get(SUBMIT).text


def test_a_form_that_crosses_the_end_of_the_last_phase_is_told_that_it_was_not_taken_in(
    site: Site,
) -> None:
    browser = site.browser(site.newcomer)
    with site.context.database.writing() as session:
        for phase in session.scalars(select(Phase)):
            phase.ends_at = min(phase.ends_at, NOW - 3 * MINUTE)
            phase.starts_at = min(phase.starts_at, phase.ends_at - MINUTE)

    answer = browser.post(SUBMIT, data=FIELDS, files=FILE)

    assert answer.status_code == 422
    assert "All phases of this challenge are over." in answer.text
    assert "closed at 2026-11-24 10:02 UTC." in answer.text
    assert "That is 3 minutes too late: this file was rejected." in answer.text
    assert _submissions(site) == []


def test_a_visitor_is_sent_to_the_login_before_anything_is_read(site: Site) -> None:
    answer = site.browser().post(SUBMIT, data=FIELDS, files=FILE)

    assert answer.status_code == 303
    assert answer.headers["location"].startswith("/login?next=")
    assert _kept(site) == []


def test_a_file_above_the_limit_is_refused_whether_its_size_is_announced_or_not(
    new_site: SiteMaker,
) -> None:
    site = new_site(upload_limit=MIB)
    browser = site.browser(site.newcomer)
    content = b"x" * (2 * MIB)
    body = WHOLE + _part("file", content, "big") + b"--x--\r\n"

    announced = browser.post(SUBMIT, data=FIELDS, files={"file": ("big", content)})
    streamed, _ = _raw(browser, iter([body[n : n + 65536] for n in range(0, len(body), 65536)]))
    just_too_large, page = _raw(
        browser, WHOLE + _part("file", b"x" * (MIB + 1), "big") + b"--x--\r\n"
    )

    assert (announced.status_code, streamed, just_too_large) == (413, 413, 413)
    for answer in (announced.text, page):
        assert "The file is larger than 1 MiB, which is the limit of this site." in answer
        assert f'action="{SUBMIT}"' in answer
    assert _kept(site) == []


def test_what_was_written_before_a_file_that_is_too_large_is_kept_in_the_form(
    new_site: SiteMaker,
) -> None:
    site = new_site(upload_limit=MIB)
    browser = site.browser(site.newcomer)
    form = browser.get(SUBMIT).text

    _, page = _raw(
        browser,
        WHOLE + _part("note", b"deeper") + _part("file", b"x" * (MIB + 1), "big") + b"--x--\r\n",
    )

    assert form.index('name="note"') < form.index('name="file"')
    assert ">deeper</textarea>" in page


def test_a_form_that_is_too_long_says_the_limit_and_leads_back_to_it(site: Site) -> None:
    browser = site.browser(site.newcomer)
    page = f"{site.context.origin}/challenges/digits/team"

    answer = browser.post(
        "/challenges/digits/team/rename",
        data={"name": "x" * 70_000},
        headers={"referer": page},
    )
    foreign = browser.post(
        "/challenges/digits/team/rename",
        data={"name": "x" * 70_000},
        headers={"referer": "https://elsewhere.example/page"},
    )

    assert (answer.status_code, foreign.status_code) == (413, 413)
    assert "longer than 64 KiB" in answer.text
    assert '<a href="/challenges/digits/team">Back to the form</a>' in answer.text
    assert "Back to the form" not in foreign.text


@pytest.mark.parametrize(
    ("body", "says"),
    [
        pytest.param(WHOLE + _part("file", b"abc", "a"), "broke off", id="no-last-boundary"),
        pytest.param(WHOLE + _part("file", b"abc", "a")[:-4], "broke off", id="inside-the-file"),
        pytest.param(
            WHOLE + _part("file", b"a", "a") + _part("file", b"b", "b") + b"--x--\r\n",
            "more than one file",
            id="two-files",
        ),
        pytest.param(
            WHOLE + _part("kind", b"code") + b"--x--\r\n", "names a field twice", id="field-twice"
        ),
        pytest.param(
            b"".join(_part(f"f{n}", b"") for n in range(30)) + b"--x--\r\n",
            "too many parts",
            id="many-parts",
        ),
        pytest.param(_part("note", b"n" * 9000) + b"--x--\r\n", "too long", id="long-field"),
        pytest.param(b"--x\r\nX: y\r\n\r\nabc\r\n--x--\r\n", "without a name", id="no-name"),
        pytest.param(b"nonsense", "could not be read", id="nonsense"),
        pytest.param(b"", "broke off", id="nothing"),
    ],
)
def test_a_broken_form_is_refused_and_leaves_nothing_behind(
    site: Site, body: bytes, says: str
) -> None:
    status, page = _raw(site.browser(site.newcomer), body)

    assert status == 400
    assert says in page
    assert _kept(site) == []
    assert _submissions(site) == []


@pytest.mark.parametrize(
    "content_type",
    ["application/x-www-form-urlencoded", "multipart/form-data", "multipart/form-data; boundary="],
)
def test_another_kind_of_body_is_refused(site: Site, content_type: str) -> None:
    browser = site.browser(site.newcomer)

    answer = browser.post(SUBMIT, content=b"a=b", headers={"content-type": content_type})

    assert answer.status_code == 400


def test_names_and_notes_are_shown_as_text(site: Site) -> None:
    browser = site.browser(site.newcomer)
    attack = "<img src=x onerror=alert(1)>"
    files = {"file": (f"../../{attack}.csv", b"abc")}

    answer = browser.post(SUBMIT, data=FIELDS | {"note": attack}, files=files)
    pages = [
        browser.get(answer.headers["location"]).text,
        browser.get("/challenges/digits/submissions").text,
        site.browser(site.staff).get("/challenges/digits/submissions").text,
    ]

    [submission] = _submissions(site)
    assert "/" not in submission.filename
    assert [page for page in pages if "<img" in page] == []
    assert all("&lt;img src=x onerror=alert(1)&gt;" in page for page in pages)


class _Full(io.BufferedIOBase):
    """A file on a disk without room, also when it is closed with bytes that were not written."""

    def __init__(self, inner: BinaryIO, fails_at: str) -> None:
        self._inner, self._fails_at = inner, fails_at

    def _fail(self, step: str) -> None:
        if step == self._fails_at:
            raise OSError(errno.ENOSPC, "No space left on device")

    def write(self, data: Any) -> int:
        self._fail("write")
        return self._inner.write(data)

    def flush(self) -> None:
        self._fail("flush")

    def fileno(self) -> int:
        return self._inner.fileno()

    def close(self) -> None:
        self._inner.close()
        self._fail(self._fails_at)


@pytest.mark.parametrize("fails_at", ["write", "flush"])
@pytest.mark.parametrize("place", ["page", "api", "weights"])
def test_a_full_storage_is_said_and_keeps_nothing(
    site: Site, monkeypatch: pytest.MonkeyPatch, fails_at: str, place: str
) -> None:
    opened = os.fdopen
    monkeypatch.setattr(
        "portal.files.store.os.fdopen",
        lambda *a, **k: _Full(opened(*a, **k), fails_at),
    )
    if place == "api":
        program = site.program(site.token(site.ada, Scope.SUBMIT))
        answer = program.post("/api/v1/challenges/digits/submissions", data=FIELDS, files=FILE)
        told = answer.json()["error"]
        assert told["reason"] == "storage_full"
    else:
        address = SUBMIT if place == "page" else "/challenges/digits/weights"
        answer = site.browser(site.ada).post(address, data=FIELDS, files=FILE)
        assert "This site has no room for uploads at the moment." in answer.text

    assert answer.status_code == 507
    assert (_submissions(site), _kept(site)) == ([], [])
