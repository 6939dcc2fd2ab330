"""News as an Atom feed (RFC 4287): made as a tree of elements, which escapes whatever stands in it."""

import re
from datetime import UTC, datetime
from xml.etree import ElementTree as ET

from portal.domain.challenges.announcements import feed_id
from portal.services.challenges.news import Feed, NewsItem
from portal.web.rendering.markdown import html_of

ATOM = "application/atom+xml"

_NAMESPACE = "http://www.w3.org/2005/Atom"
_NOT_IN_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""Characters that no XML document can hold, not even escaped."""


def atom_of(feed: Feed, site_url: str, site_name: str) -> bytes:
    """Return the feed's document."""
    news = f"{site_url}/challenges/{feed.slug}/news"
    root = ET.Element("feed", {"xmlns": _NAMESPACE, "xml:lang": "en"})
    _add(root, "id", feed_id(feed.challenge_id))
    _add(root, "title", f"{feed.title}: news")
    _add(root, "subtitle", site_name)
    _add(root, "updated", _moment(feed.updated_at))
    _link(root, "self", f"{news}.atom", ATOM)
    _link(root, "alternate", news, "text/html")
    for item in feed.items:
        _entry(root, item, news)
    document: bytes = ET.tostring(root, encoding="utf-8", xml_declaration=True)
    return document


def _entry(root: ET.Element, item: NewsItem, news: str) -> None:
    entry = ET.SubElement(root, "entry")
    _add(entry, "id", feed_id(item.id))
    _add(entry, "title", item.title)
    _add(entry, "published", _moment(item.made_at))
    _add(entry, "updated", _moment(item.updated_at))
    _add(ET.SubElement(entry, "author"), "name", item.by)
    _link(entry, "alternate", f"{news}/{item.id}", "text/html")
    content = ET.SubElement(entry, "content", {"type": "html", "xml:base": f"{news}/{item.id}"})
    content.text = _plain(html_of(item.text))


def _add(parent: ET.Element, name: str, text: str) -> None:
    ET.SubElement(parent, name).text = _plain(text)


def _link(parent: ET.Element, rel: str, address: str, kind: str) -> None:
    ET.SubElement(parent, "link", {"rel": rel, "href": _plain(address), "type": kind})


def _plain(text: str) -> str:
    return _NOT_IN_XML.sub("\ufffd", text)


def _moment(value: datetime) -> str:
    return f"{value.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"
