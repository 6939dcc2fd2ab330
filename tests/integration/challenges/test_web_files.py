"""Pictures of pages, pages and files for participants only, and downloads, as browsers get them."""

import hashlib
from typing import Any

import pytest
from sqlalchemy import select

from portal.db.tables import Challenge, Download, RevisionFile
from portal.domain.accounts.tokens import Scope
from portal.domain.challenges.life import ChallengeState
from tests.support.web.organised import ROOT, SETTINGS, Organised

PNG = b"\x89PNG\r\n\x1a\n" + b"pixels"
OTHER = b"GIF89a" + b"pixels"
KIT = bytes(range(256)) * 40
DATA = b"for participants"
OVERVIEW = (
    "# Overview\n\n![Two cells](images/cells.png)\n\n![far](https://elsewhere.example/x.png)\n"
)
INSIDE = "# Dinner\n\n![The menu](../images/menu.gif)\n"
SHOWN: dict[str, Any] = {
    "summary": "Count what is there.",
    "logo": "images/cells.png",
    "pages": [
        {"title": "Overview", "file": "overview.md"},
        {"title": "Dinner", "file": "inside/dinner.md", "for": "participants"},
    ],
    "files": [
        {"title": "Starting kit", "file": "kit/kit.zip"},
        {"title": "Hints", "file": "hints.txt", "for": "participants"},
        {"title": "Paper", "url": "https://papers.example/1.pdf", "sha256": "a" * 64},
    ],
}
FILES = {
    "overview.md": OVERVIEW,
    "inside/dinner.md": INSIDE,
    "images/cells.png": PNG,
    "images/menu.gif": OTHER,
    "kit/kit.zip": KIT,
    "hints.txt": DATA,
}


def _propose(organised: Organised, content: dict[str, Any], /, **values: Any) -> Any:
    packed = organised.zipped({SETTINGS: organised.settings(**(SHOWN | values)), **content})
    return organised.browser("owner").post(
        f"{ROOT}/change",
        files={"file": ("bundle.zip", packed, "application/zip")},
    )


def _apply(organised: Organised) -> None:
    number = organised.revisions()[-1].number
    answer = organised.browser("owner").post(f"{ROOT}/revisions/{number}/apply")
    assert answer.status_code == 303, answer.text


@pytest.fixture
def offering(organised: Organised) -> Organised:
    answer = _propose(organised, FILES)
    assert answer.status_code == 303, answer.text
    _apply(organised)
    return organised


def _close_to_strangers(organised: Organised) -> None:
    with organised.context.database.writing() as session:
        session.scalars(select(Challenge)).one().join_policy = "approve"


def test_a_page_shows_the_pictures_of_the_bundle_and_none_from_elsewhere(
    offering: Organised,
) -> None:
    page = offering.visitor().get(ROOT).text

    assert f'<img src="{ROOT}/pictures/images/cells.png" alt="Two cells" loading="lazy">' in page
    assert "elsewhere.example" not in page
    assert f'src="{ROOT}/pictures/images/cells.png" alt=""' in page  # the logo
    assert "Count what is there." in offering.visitor().get("/").text


def test_a_picture_is_what_its_bytes_are_and_is_kept_until_it_changes(offering: Organised) -> None:
    answer = offering.visitor().get(f"{ROOT}/pictures/images/cells.png")

    assert answer.content == PNG
    assert answer.headers["content-type"] == "image/png"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["cache-control"] == "private, no-cache"
    again = offering.visitor().get(
        f"{ROOT}/pictures/images/cells.png", headers={"if-none-match": answer.headers["etag"]}
    )
    assert (again.status_code, again.content) == (304, b"")


@pytest.mark.parametrize(
    "path",
    ["scorer.tar", "hints.txt", "overview.md", "challenge.yaml", "images/none.png", "../kit.zip"],
)
def test_nothing_else_of_the_bundle_has_an_address(offering: Organised, path: str) -> None:
    assert offering.browser("owner").get(f"{ROOT}/pictures/{path}").status_code == 404


@pytest.mark.parametrize("name", ["scorer.tar", "base.tar", "overview.md", "challenge.yaml", "x"])
def test_only_what_is_offered_can_be_downloaded(offering: Organised, name: str) -> None:
    assert offering.browser("owner").get(f"{ROOT}/files/{name}").status_code == 404


def test_what_is_for_participants_is_for_nobody_else(offering: Organised) -> None:
    _close_to_strangers(offering)
    addresses = [
        f"{ROOT}/pages/dinner",
        f"{ROOT}/pictures/images/menu.gif",
        f"{ROOT}/files/hints.txt",
    ]
    for client in (offering.visitor(), offering.browser("member")):
        assert [client.get(address).status_code for address in addresses] == [404, 404, 404]
        page = client.get(f"{ROOT}/files").text
        assert "Starting kit" in page
        assert "Hints" not in page
        assert "There are more files for participants." in page
        assert "Dinner" not in client.get(ROOT).text
    for who in ("owner", "organiser", "reviewer", "staff"):
        client = offering.browser(who)
        assert [client.get(address).status_code for address in addresses] == [200, 200, 200]


def test_where_everybody_may_join_whoever_is_logged_in_is_a_participant(
    offering: Organised,
) -> None:
    assert offering.visitor().get(f"{ROOT}/pages/dinner").status_code == 404
    page = offering.browser("member").get(f"{ROOT}/pages/dinner")
    assert f'<img src="{ROOT}/pictures/images/menu.gif"' in page.text
    assert offering.browser("member").get(f"{ROOT}/files/hints.txt").content == DATA


def test_a_download_is_saved_resumed_and_counted_once(offering: Organised) -> None:
    client = offering.visitor()
    whole = client.get(f"{ROOT}/files/kit.zip")
    rest = client.get(f"{ROOT}/files/kit.zip", headers={"range": "bytes=10000-"})
    client.head(f"{ROOT}/files/kit.zip")

    assert whole.content == KIT
    assert whole.headers["content-disposition"] == 'attachment; filename="kit.zip"'
    assert whole.headers["content-type"] == "application/octet-stream"
    assert whole.headers["etag"] == f'"{hashlib.sha256(KIT).hexdigest()}"'
    assert (rest.status_code, rest.content) == (206, KIT[10000:])
    assert rest.headers["content-range"] == f"bytes 10000-{len(KIT) - 1}/{len(KIT)}"
    assert _fetched(offering) == {"kit.zip": 1, "hints.txt": 0, "https://papers.example/1.pdf": 0}
    assert "<td>1</td>" in offering.browser("reviewer").get(f"{ROOT}/files").text


def test_programs_list_and_download_what_their_owner_may(offering: Organised) -> None:
    _close_to_strangers(offering)
    address = f"/api/v1{ROOT}/files"
    member = offering.program("member", Scope.READ)
    reviewer = offering.program("reviewer", Scope.READ, Scope.ORGANISE)

    listed = reviewer.get(address).json()["items"]

    assert [(one["name"], one["size"], one["readers"], one["fetched"]) for one in listed] == [
        ("kit.zip", len(KIT), "everybody", 0),
        ("hints.txt", len(DATA), "participants", 0),
        (None, None, "everybody", None),
    ]
    assert listed[0]["sha256"] == hashlib.sha256(KIT).hexdigest()
    assert listed[2]["address"] == "https://papers.example/1.pdf"
    assert reviewer.get(listed[1]["address"]).content == DATA
    assert [one["name"] for one in member.get(address).json()["items"]] == ["kit.zip", None]
    assert member.get(f"{address}/hints.txt").status_code == 404
    assert _fetched(offering)["hints.txt"] == 1


def test_another_version_of_a_file_is_not_joined_to_the_first(offering: Organised) -> None:
    stale = {"range": "bytes=10000-", "if-range": f'"{"0" * 64}"'}

    assert offering.visitor().get(f"{ROOT}/files/kit.zip", headers=stale).content == KIT


def test_nothing_of_an_archive_is_counted(offering: Organised) -> None:
    with offering.context.database.writing() as session:
        session.scalars(select(Challenge)).one().state = ChallengeState.ARCHIVED

    assert offering.visitor().get(f"{ROOT}/files/kit.zip").content == KIT
    assert _fetched(offering)["kit.zip"] == 0


def test_a_file_elsewhere_is_a_link_with_its_digest(offering: Organised) -> None:
    page = offering.visitor().get(f"{ROOT}/files").text

    assert (
        '<a href="https://papers.example/1.pdf" rel="nofollow noopener noreferrer">Paper</a>'
        in page
    )
    assert "a" * 64 in page
    assert hashlib.sha256(KIT).hexdigest() in page


def test_a_changed_picture_replaces_the_first_and_one_that_no_page_shows_is_gone(
    offering: Organised,
) -> None:
    answer = _propose(
        offering, FILES | {"images/cells.png": OTHER, "inside/dinner.md": "# Dinner\n"}
    )
    assert answer.status_code == 303, answer.text
    _apply(offering)

    client = offering.browser("owner")
    assert client.get(f"{ROOT}/pictures/images/cells.png").headers["content-type"] == "image/gif"
    assert client.get(f"{ROOT}/pictures/images/menu.gif").status_code == 404


def test_one_text_is_changed_and_the_pictures_stay(offering: Organised) -> None:
    answer = offering.browser("owner").post(
        f"{ROOT}/change/text",
        data={"path": "overview.md", "text": OVERVIEW + "\nMore.\n"},
    )
    assert answer.status_code == 303, answer.text
    _apply(offering)

    assert "More." in offering.visitor().get(ROOT).text
    assert offering.visitor().get(f"{ROOT}/pictures/images/cells.png").content == PNG
    assert offering.visitor().get(f"{ROOT}/files/kit.zip").content == KIT


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({"images/cells.png": None}, "there is no file 'images/cells.png' in the challenge"),
        ({"images/cells.png": b"<svg/>"}, "'images/cells.png' is no picture that pages show"),
        (
            {"overview.md": "# Overview\n\n![](images/cells.png)\n"},
            "'overview.md', line 3: the picture 'images/cells.png' needs a description",
        ),
        ({"kit/kit.zip": None}, "there is no file 'kit/kit.zip' in the challenge"),
    ],
)
def test_what_is_wrong_with_pictures_and_files_is_said(
    organised: Organised, files: dict[str, Any], message: str
) -> None:
    answer = _propose(organised, FILES | files)

    assert answer.status_code == 422
    assert message in answer.text.replace("&#39;", "'")


def test_files_of_one_name_have_their_folders_in_their_addresses(organised: Organised) -> None:
    offered = [{"title": file, "file": file} for file in ("a/kit.zip", "b/kit.zip", "a-kit.zip")]
    files = FILES | {"a/kit.zip": b"a", "b/kit.zip": b"b", "a-kit.zip": b"c"}
    _propose(organised, files, files=offered)
    _apply(organised)

    client = organised.visitor()
    contents = {name: client.get(f"{ROOT}/files/{name}").content for name in _fetched(organised)}

    assert contents == {"a-kit.zip": b"a", "b-kit.zip": b"b", "a-kit.zip~2": b"c"}


@pytest.mark.parametrize("one", [SHOWN["files"][0], SHOWN["files"][2]], ids=["file", "url"])
def test_the_same_file_is_not_offered_twice(organised: Organised, one: dict[str, Any]) -> None:
    answer = _propose(organised, FILES, files=[one, one | {"title": "Again"}])

    assert answer.status_code == 422
    assert "has the same file or address twice" in answer.text


def test_all_that_pages_show_is_in_the_revision(offering: Organised) -> None:
    newest = offering.revisions()[-1]
    with offering.context.database.reading() as session:
        found = select(RevisionFile.path).where(RevisionFile.revision_id == newest.id)
        assert set(FILES) <= set(session.scalars(found))


def _fetched(organised: Organised) -> dict[str, int]:
    with organised.context.database.reading() as session:
        return {row.name: row.fetched for row in session.scalars(select(Download))}
