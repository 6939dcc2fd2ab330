"""What organisers and staff see of what goes and has gone."""

import re
from datetime import timedelta

import pytest
from sqlalchemy import select

from portal.db.tables import Blob, Challenge, Deletion, Submission
from portal.domain.ids import new_id
from portal.domain.retention import ArtifactKind
from tests.support.factories import DAY, NOW
from tests.support.web.site import Site

OF_CHALLENGE = "/challenges/digits/retention"
OF_SITE = "/staff/retention"
NOTHING = "\N{EN DASH}"


@pytest.fixture(autouse=True)
def _gone(site: Site) -> None:
    with site.context.database.writing() as session:
        session.get_one(Challenge, site.digits.challenge.id).retention = {
            "uploads": (10 * DAY).total_seconds()
        }
        for n in range(3):
            session.add(
                Deletion(
                    id=new_id(NOW), kind=ArtifactKind.LOG, subject=f"sr-token-{n}", sha256=f"{n:064}",
                    challenge_id=site.digits.challenge.id if n < 2 else None, size=2048,
                    policy=f"logs: {n} days", intended_at=NOW - DAY,
                    done_at=NOW - DAY if n != 1 else None,
                )
            )  # fmt: skip


def _rows(page: str, caption: str) -> list[list[str]]:
    table = page.partition(f">{caption}</caption>")[2].partition("</table>")[0]
    return [
        [re.sub(r"<[^>]*>|\s+", " ", cell).strip() for cell in re.split(r"</t[dh]>", row)[:-1]]
        for row in table.split("<tr>")[2:]
    ]


def test_organisers_see_the_rules_and_when_each_kind_goes(site: Site) -> None:
    page = site.browser(site.organiser).get(OF_CHALLENGE).text

    rows = _rows(page, "What is kept, and until when")
    end = max(phase.ends_at for phase in site.digits.phases.values()) + timedelta(days=10)
    assert rows == [
        [
            "Upload", f"{end.day} {end:%b %Y}",
            "10 days after the end of the challenge; the challenge&#39;s retention", "1", "47.1 KiB",
        ],
        ["Image", "never", "for ever; this site&#39;s default", "0", NOTHING],
        ["Logs of a run", "never", "for ever; this site&#39;s default", "1", NOTHING],
        ["Output of a run", "never", "for ever; this site&#39;s default", "1", NOTHING],
    ]  # fmt: skip


def test_what_has_gone_stays_as_a_row(site: Site) -> None:
    own = _rows(site.browser(site.organiser).get(OF_CHALLENGE).text, DELETED)
    everything = _rows(site.browser(site.staff).get(OF_SITE).text, DELETED)

    # What was only begun is not said to have gone; what is of no challenge is the staff's.
    assert [row[2] for row in own] == ["sr-token-0"]
    assert [row[2] for row in everything] == ["sr-token-2", "sr-token-0"]
    assert own[0][3:] == [f"{0:064}", "2 KiB", "logs: 0 days"]


DELETED = "What was deleted, the newest first"


def test_the_team_is_told_that_its_upload_is_gone(site: Site) -> None:
    with site.context.database.writing() as session:
        digest = session.scalars(select(Submission.blob_sha256)).first()
        session.get_one(Blob, digest).deleted_at = NOW

    page = site.browser(site.ada).get(f"/submissions/{site.submission_id}").text

    assert "ada.zip, deleted <time" in page


def test_others_see_neither(site: Site) -> None:
    for person in (site.ada, site.newcomer):
        assert site.browser(person).get(OF_CHALLENGE).status_code == 404
        assert site.browser(person).get(OF_SITE).status_code == 404
    assert site.browser(site.organiser).get(OF_SITE).status_code == 404
