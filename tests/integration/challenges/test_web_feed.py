"""The Atom feed of a challenge's news: well-formed whatever stands in it, and asked about cheaply."""

from xml.etree import ElementTree as ET

import pytest
from sqlalchemy import update

from portal.db.tables import Announcement, Challenge
from portal.services.challenges.news import MAX_FEED_ENTRIES
from tests.support import factories
from tests.support.factories import DAY, MINUTE, NOW
from tests.support.web.site import Site

NEWS = "/challenges/digits/news"
FEED = f"{NEWS}.atom"
ATOM = "{http://www.w3.org/2005/Atom}"
HOSTILE = "</title>]]><script>alert(1)</script> & \"'"


def _add(site: Site, **values: object) -> Announcement:
    with site.context.database.writing() as session:
        return factories.add_announcement(session, site.digits, site.organiser, **values)  # type: ignore[arg-type]


def _read(site: Site) -> ET.Element:
    return ET.fromstring(site.browser().get(FEED).content)  # noqa: S314 - our own


def _texts(entry: ET.Element, *names: str) -> list[str | None]:
    return [entry.findtext(f"{ATOM}{name}") for name in names]


def test_it_has_what_a_reader_needs(site: Site) -> None:
    row = _add(site, edited_at=NOW)

    answer = site.browser().get(FEED)
    feed = ET.fromstring(answer.content)  # noqa: S314 - our own
    [entry] = feed.findall(f"{ATOM}entry")

    assert answer.headers["content-type"] == "application/atom+xml"
    assert answer.headers["cache-control"] == "public, no-cache"
    assert feed.tag == f"{ATOM}feed"
    assert _texts(feed, "title", "updated") == ["Read the digits: news", "2026-11-24T10:05:42Z"]
    assert [link.get("href") for link in feed.findall(f"{ATOM}link")] == [
        f"{site.context.site_url}{FEED}",
        f"{site.context.site_url}{NEWS}",
    ]
    assert _texts(entry, "title", "published", "updated", "content") == [
        "The test set was extended",
        "2026-11-23T10:05:42Z",
        "2026-11-24T10:05:42Z",
        "<p>It has <em>300</em> images more.</p>\n",
    ]
    assert entry.findtext(f"{ATOM}author/{ATOM}name") == "Oda Organiser"
    [link] = entry.findall(f"{ATOM}link")
    assert link.get("href") == f"{site.context.site_url}{NEWS}/{row.id}"
    assert site.browser().get(f"{NEWS}/{row.id}").status_code == 200


def test_an_empty_one_is_a_feed(site: Site) -> None:
    feed = _read(site)

    assert feed.findall(f"{ATOM}entry") == []
    assert all(_texts(feed, "id", "title", "updated"))


def test_names_of_entries_stay_whatever_is_corrected_and_wherever_the_site_is(site: Site) -> None:
    _add(site)
    before = [element.text for element in _read(site).iter(f"{ATOM}id")]
    with site.context.database.writing() as session:
        session.execute(update(Announcement).values(title="Other", edited_at=NOW))
        session.execute(update(Challenge).values(title="Other"))
    site.change(site_url="https://elsewhere.example")

    after = [element.text for element in _read(site).iter(f"{ATOM}id")]

    assert before == after
    assert len(set(after)) == 2
    assert all(str(name).startswith("urn:uuid:") for name in after)


def test_whatever_stands_in_it_stays_text(site: Site) -> None:
    # Not as the service would take it: the database may hold anything.
    _add(
        site,
        title=f"{HOSTILE}\x0b\ufffe",
        text=f"{HOSTILE}\x0b\x1b\n\n[x](javascript:alert(1))",
    )
    with site.context.database.writing() as session:
        session.execute(update(Challenge).values(title=HOSTILE))

    feed = _read(site)
    [entry] = feed.findall(f"{ATOM}entry")
    title, content = _texts(entry, "title", "content")

    assert feed.findtext(f"{ATOM}title") == f"{HOSTILE}: news"
    assert title == f"{HOSTILE}\ufffd\ufffd"
    assert content is not None
    assert "<script" not in content
    assert "href" not in content
    assert {element.tag for element in entry.iter()} == {
        ATOM + name
        for name in (
            "entry", "id", "title", "published", "updated", "author", "name", "link", "content",
        )
    }  # fmt: skip


@pytest.mark.parametrize("asked", ["{}", "W/{}", '"other", {}', "*"])
def test_a_reader_that_has_it_gets_nothing_again(site: Site, asked: str) -> None:
    _add(site)
    browser = site.browser()
    tag = browser.get(FEED).headers["etag"]

    again = browser.get(FEED, headers={"if-none-match": asked.format(tag)})
    _add(site, title="Another")
    changed = browser.get(FEED, headers={"if-none-match": tag})

    assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", tag)
    assert changed.status_code == 200
    assert changed.headers["etag"] != tag


def test_a_long_one_has_the_newest_and_takes_two_queries(site: Site) -> None:
    for number in range(MAX_FEED_ENTRIES + 3):
        _add(site, title=f"Number {number}", at=NOW - DAY + number * MINUTE)
    browser = site.browser()
    browser.get(FEED)

    with site.counted_queries() as statements:
        browser.get(FEED)
    titles = [_texts(entry, "title")[0] for entry in _read(site).findall(f"{ATOM}entry")]

    assert len([one for one in statements if one.startswith("SELECT")]) == 2
    assert titles[0] == f"Number {MAX_FEED_ENTRIES + 2}"
    assert len(titles) == MAX_FEED_ENTRIES


def test_a_cookie_changes_nothing(site: Site) -> None:
    _add(site, withdrawn_at=NOW)

    assert site.browser(site.organiser).get(FEED).content == site.browser().get(FEED).content


def test_nothing_that_is_private_is_in_it(site: Site) -> None:
    """Ada's submission has a score, a note and a file's name, and the challenge a private column."""
    _add(site)

    texts = [site.browser().get(path).text for path in (FEED, NEWS)]

    for private in ("0.912", "a note of Ada's", "ada.zip", "Ada Vlas", "loss"):
        assert all(private not in text for text in texts)
