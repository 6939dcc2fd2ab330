"""Weights: uploaded once, offered to the team alone, and named by what it submits."""

import gzip
import hashlib
import io
import tarfile
import zipfile
from collections.abc import Callable

import pytest
from sqlalchemy import select

from portal.db.tables import Blob, Submission, Weights
from portal.domain.accounts.tokens import Scope
from tests.support.web.site import Site, SiteMaker

PAGE = "/challenges/digits/weights"
SUBMIT = "/challenges/digits/submit"
API = "/api/v1/challenges/digits/weights"
MODEL = {"file": ("model.safetensors", b"many numbers")}
CODE = {"file": ("code.zip", b"PK\5\6" + bytes(18))}
FIELDS = {"phase": "dev", "kind": "code", "note": ""}


def shards(*, link: bool = False) -> bytes:
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w") as tar:
        info = tarfile.TarInfo("one.bin")
        info.size = 10_000
        tar.addfile(info, io.BytesIO(bytes(10_000)))
        if link:
            info = tarfile.TarInfo("two.bin")
            info.type, info.linkname = tarfile.SYMTYPE, "one.bin"
            tar.addfile(info)
    return content.getvalue()


def rows(site: Site) -> list[Weights]:
    with site.context.database.reading() as session:
        return list(session.scalars(select(Weights).order_by(Weights.id)))


def newest(site: Site) -> Submission:
    with site.context.database.reading() as session:
        return session.scalars(select(Submission).order_by(Submission.id.desc()).limit(1)).one()


def test_a_file_is_kept_for_the_team_and_offered_on_the_form(site: Site) -> None:
    browser = site.browser(site.newcomer)

    answer = browser.post(PAGE, files=MODEL)

    [row] = rows(site)
    page, form = browser.get(PAGE).text, browser.get(SUBMIT).text
    assert (answer.status_code, answer.headers["location"]) == (303, PAGE)
    assert row.blob_sha256 == hashlib.sha256(b"many numbers").hexdigest()
    assert site.context.store.path(row.blob_sha256).read_bytes() == b"many numbers"
    assert "<code>/weights/model.safetensors</code>" in page
    assert "12 bytes of" in page
    assert f'value="{row.id}"' in form


def test_the_same_file_is_kept_once(site: Site) -> None:
    browser = site.browser(site.newcomer)

    for _ in range(2):
        browser.post(PAGE, files=MODEL)

    assert len(rows(site)) == 1


def test_what_is_submitted_names_the_weights(site: Site) -> None:
    browser = site.browser(site.newcomer)
    browser.post(PAGE, files=MODEL)
    [row] = rows(site)

    answer = browser.post(SUBMIT, data=FIELDS | {"weights": row.id}, files=CODE)

    assert answer.status_code == 303
    assert newest(site).weights_id == row.id
    assert "model.safetensors" in browser.get(answer.headers["location"]).text


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"kind": "results"}, "Results are not run: choose no weights."),
        ({"weights": "01nothing"}, "Choose weights that your team has uploaded."),
    ],
)
def test_weights_that_cannot_be_used_are_said_beside_the_field(
    site: Site, fields: dict[str, str], message: str
) -> None:
    browser = site.browser(site.newcomer)
    browser.post(PAGE, files=MODEL)
    values = FIELDS | {"weights": rows(site)[0].id} | fields

    answer = browser.post(SUBMIT, data=values, files=CODE)

    assert answer.status_code == 422
    assert message in answer.text
    assert 'href="#field-weights"' in answer.text


def test_another_team_can_neither_see_nor_use_nor_remove_them(site: Site) -> None:
    site.browser(site.newcomer).post(PAGE, files=MODEL)
    [row] = rows(site)
    other = site.browser(site.ada)

    page = other.get(PAGE).text
    used = other.post(SUBMIT, data=FIELDS | {"weights": row.id}, files=CODE)
    removed = other.post(f"{PAGE}/{row.id}/remove")

    assert "model.safetensors" not in page
    assert used.status_code == 422
    assert "Choose weights that your team has uploaded." in used.text
    assert (removed.status_code, rows(site)[0].removed_at) == (404, None)


def test_what_is_removed_is_offered_no_more_and_stays_with_its_submissions(site: Site) -> None:
    browser = site.browser(site.newcomer)
    browser.post(PAGE, files=MODEL)
    [row] = rows(site)
    submitted = browser.post(SUBMIT, data=FIELDS | {"weights": row.id}, files=CODE)

    browser.post(f"{PAGE}/{row.id}/remove")

    again = browser.post(SUBMIT, data=FIELDS | {"weights": row.id}, files=CODE)
    assert "model.safetensors" not in browser.get(PAGE).text
    assert again.status_code == 422
    assert "model.safetensors" in browser.get(submitted.headers["location"]).text


def test_a_team_keeps_no_more_than_the_site_allows(new_site: SiteMaker) -> None:
    site = new_site(weights_limit=20)
    browser = site.browser(site.newcomer)
    browser.post(PAGE, files=MODEL)

    answer = browser.post(PAGE, files={"file": ("other.bin", b"more numbers")})

    assert answer.status_code == 422
    assert "larger than the site allows" in answer.text
    assert len(rows(site)) == 1


def test_programs_upload_and_list_them(site: Site) -> None:
    program = site.program(site.token(site.newcomer, Scope.SUBMIT, Scope.READ))

    made = program.post(API, files={"file": ("shards.tar", shards())})
    listed = program.get(API).json()

    assert made.status_code == 201
    assert listed["used"] == len(shards())
    assert [(one["id"], one["place"], one["is_unpacked"]) for one in listed["items"]] == [
        (made.json()["id"], "/weights", True)
    ]


CHECKPOINT = io.BytesIO()
with zipfile.ZipFile(CHECKPOINT, "w") as archive:
    archive.writestr("archive/data.pkl", b"\x80\x02}q\x00.")
OLD_CHECKPOINT = b"\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19." + bytes(600)


@pytest.mark.parametrize("content", [CHECKPOINT.getvalue(), OLD_CHECKPOINT])
def test_a_checkpoint_that_is_called_a_tar_is_kept_as_the_file_it_is(
    site: Site, content: bytes
) -> None:
    browser = site.browser(site.newcomer)

    browser.post(PAGE, files={"file": ("model_best.pth.tar", content)})

    [row] = rows(site)
    page = browser.get(PAGE).text
    submitted = browser.post(SUBMIT, data=FIELDS | {"weights": row.id}, files=CODE)
    assert "<td><code>/weights/model_best.pth.tar</code></td>" in page
    assert submitted.status_code == 303


@pytest.mark.parametrize(
    ("filename", "content", "message"),
    [
        ("shards.tar", lambda: shards()[:8000], "The archive is damaged or incomplete."),
        ("shards.tar", lambda: shards(link=True), "is a symbolic link."),
        ("shards.tar.gz", lambda: gzip.compress(shards())[:-9], "The archive is damaged"),
        ("model.zip", lambda: CHECKPOINT.getvalue()[:-1], "The archive is damaged"),
    ],
)
def test_an_archive_that_no_run_could_use_is_refused_when_it_is_uploaded(
    site: Site, filename: str, content: Callable[[], bytes], message: str
) -> None:
    browser, program = (
        site.browser(site.newcomer),
        site.program(site.token(site.newcomer, Scope.SUBMIT)),
    )

    answer = browser.post(PAGE, files={"file": (filename, content())})
    told = program.post(API, files={"file": (filename, content())})

    assert (answer.status_code, told.status_code) == (422, 422)
    assert message in answer.text
    assert message in told.json()["error"]["message"]
    assert rows(site) == []
    assert [path for path in site.context.store.root.rglob("*") if path.is_file()] == []


def test_weights_that_the_site_has_deleted_are_refused_and_nothing_counts(site: Site) -> None:
    browser = site.browser(site.newcomer)
    browser.post(PAGE, files=MODEL)
    [row] = rows(site)
    with site.context.database.writing() as session:
        session.get_one(Blob, row.blob_sha256).deleted_at = row.created_at

    answer = browser.post(SUBMIT, data=FIELDS | {"weights": row.id}, files=CODE)

    assert answer.status_code == 422
    assert "The site has deleted this file of weights." in answer.text
    with site.context.database.reading() as session:
        assert (
            session.scalars(
                select(Submission).where(Submission.person_id == site.newcomer.id)
            ).all()
            == []
        )


def test_an_upload_without_a_file_keeps_nothing(site: Site) -> None:
    answer = site.browser(site.newcomer).post(PAGE, files={"file": ("", b"")})

    assert answer.status_code == 422
    assert "Choose a file. It must not be empty." in answer.text
    assert rows(site) == []


def test_the_page_asks_the_database_as_often_for_three_files_as_for_one(
    new_site: SiteMaker,
) -> None:
    site = new_site()
    browser = site.browser(site.newcomer)
    counts = []
    for number in range(3):
        browser.post(PAGE, files={"file": (f"model-{number}.bin", bytes([number]))})
        with site.counted_queries() as statements:
            browser.get(PAGE)
        counts.append(len(statements))

    assert counts[0] == counts[2]


def test_what_was_removed_counts_for_the_day_and_its_file_may_go(new_site: SiteMaker) -> None:
    site = new_site(weights_limit=20)
    browser = site.browser(site.newcomer)
    browser.post(PAGE, files=MODEL)
    [row] = rows(site)
    browser.post(f"{PAGE}/{row.id}/remove")

    again = browser.post(PAGE, files={"file": ("other.bin", b"as many bytes")})

    assert again.status_code == 422
    assert "as much today as it may keep altogether" in again.text
    with site.context.database.reading() as session:
        assert session.get_one(Blob, row.blob_sha256).deleted_at is not None
    assert [one.id for one in rows(site)] == [row.id]
    names = {path.name for path in site.context.store.incoming_directory.parent.rglob("*")}
    assert hashlib.sha256(b"as many bytes").hexdigest() not in names


def test_a_removed_file_stays_while_something_was_submitted_with_it(site: Site) -> None:
    browser = site.browser(site.newcomer)
    browser.post(PAGE, files=MODEL)
    [row] = rows(site)
    browser.post(SUBMIT, data=FIELDS | {"weights": row.id}, files=CODE)

    browser.post(f"{PAGE}/{row.id}/remove")

    with site.context.database.reading() as session:
        assert session.get_one(Blob, row.blob_sha256).deleted_at is None
