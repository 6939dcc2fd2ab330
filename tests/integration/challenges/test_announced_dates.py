"""A revision that has changed dates offers an announcement of them, which nobody but organisers publish."""

import yaml
from sqlalchemy import select

from portal.db.tables import Announcement, Challenge
from tests.support.web.organised import ROOT, Organised

FORM = {
    "start-0": "2026-11-01T00:00", "end-0": "2027-02-01T12:30",
    "per_day-0": "3", "total-0": "5", "running-0": "2",
}  # fmt: skip


def _apply(site: Organised, **fields: str) -> str:
    revision = site.browser("owner").post(f"{ROOT}/change/phases", data=FORM | fields)
    address = revision.headers["location"]
    assert site.browser("owner").post(f"{address}/apply").status_code == 303
    return address


def test_an_extension_offers_an_announcement_with_old_and_new_dates(organised: Organised) -> None:
    with organised.context.database.writing() as session:
        session.scalars(select(Challenge)).one().timezone = "Europe/Berlin"
    address = _apply(organised)
    offered = f"{ROOT}/news/write?revision={address.rsplit('/', 1)[1]}"

    page = organised.browser("owner").get(address).text
    form = organised.browser("owner").get(offered).text

    assert f'href="{offered}"' in page
    assert 'value="More time"' in form
    assert "closes 2027-02-01 12:30 UTC. It was 2027-01-01 00:00 UTC." in form
    with organised.context.database.reading() as session:
        assert session.scalars(select(Announcement)).all() == []
    assert offered not in organised.browser("reviewer").get(address).text
    assert organised.browser("member").get(offered).status_code == 404


def test_other_limits_are_no_news_of_dates(organised: Organised) -> None:
    address = _apply(organised, **{"end-0": "2027-01-01T00:00", "per_day-0": "1"})
    number = address.rsplit("/", 1)[1]

    assert "Announce the new dates" not in organised.browser("owner").get(address).text
    form = organised.browser("owner").get(f"{ROOT}/news/write?revision={number}").text
    assert "More time" not in form


def test_the_number_of_no_revision_is_answered_like_any_other(organised: Organised) -> None:
    for number in ("99", "x", "\u00b2"):
        answer = organised.browser("owner").get(f"{ROOT}/news/write", params={"revision": number})
        assert answer.status_code in {200, 404}


def test_the_time_zone_stands_beside_utc_on_pages_and_in_the_bundle(organised: Organised) -> None:
    text = organised.settings(timezone="Europe/Berlin")
    sent = organised.browser("owner").post(
        f"{ROOT}/change/text", data={"path": "challenge.yaml", "text": text}
    )
    applied = organised.browser("owner").post(f"{sent.headers['location']}/apply")

    page = organised.browser("member").get(ROOT).text

    assert applied.status_code == 303
    assert "1 Jan 2027, 00:00 UTC</time> (01:00 in Europe/Berlin)" in page
    assert yaml.safe_load(organised.revisions()[-1].settings)["timezone"] == "Europe/Berlin"
