"""The people of a challenge on its organisers' pages: found, put out, and downloaded."""

import csv
import io

import pytest
from sqlalchemy import insert, select

from portal.db.tables import AuditEntry, Participation, Person
from portal.domain.audit import Action
from portal.domain.ids import new_id
from portal.domain.teams.membership_rules import ParticipationState
from portal.web.rendering.filters import machine_moment
from tests.support import factories
from tests.support.factories import NOW
from tests.support.web.site import Site

ROOT = "/challenges/digits"
PEOPLE = f"{ROOT}/participants/people"
CSV = f"{ROOT}/participants.csv"
SECRET = "ada.private@nordholm.example"
CLAIMS = {
    "name": "Ada Q. Vlasák",
    "affiliation": ["member@nordholm.example", "staff@nordholm.example"],
    "identity_provider": "https://idp.nordholm.example",
    "email": SECRET,
    "email_verified": True,
}


def _takes_part(site: Site, person: Person, **more: object) -> None:
    with site.context.database.writing() as session:
        values = {"state": ParticipationState.ADMITTED, "asked_at": NOW} | more
        session.add(
            Participation(challenge_id=site.digits.challenge.id, person_id=person.id, **values)
        )


def _log_in_with(site: Site, person: Person, **claims: object) -> None:
    with site.context.database.writing() as session:
        account = factories.add_account(session, person, "somebody")
        account.claims = claims


def _table(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text)))


def test_a_request_shows_what_the_login_says_and_no_address(site: Site) -> None:
    _takes_part(site, site.ada, state=ParticipationState.ASKED)
    _log_in_with(site, site.ada, **CLAIMS)
    organiser = site.browser(site.organiser)

    pages = [
        organiser.get(address).text
        for address in (f"{ROOT}/participants", PEOPLE, f"{ROOT}/participants/{site.ada.id}")
    ]

    for page in pages:
        assert "Ada Q. Vlasák" in page
        assert "member@nordholm.example" in page
        assert "https://idp.nordholm.example" in page
        assert SECRET not in page


def test_what_a_login_does_not_say_is_absent(site: Site) -> None:
    _takes_part(site, site.ada)

    page = site.browser(site.organiser).get(f"{ROOT}/participants/{site.ada.id}").text

    assert page.count("not said") == 2
    assert "none any more" in page


def test_people_are_found_by_name_and_state(site: Site) -> None:
    _takes_part(site, site.ada)
    _takes_part(site, site.eve, state=ParticipationState.BANNED, reason="Cheated")
    organiser = site.browser(site.organiser)

    def found(query: str) -> tuple[bool, bool]:
        page = organiser.get(PEOPLE + query).text
        return "Ada Vlasák" in page, "Eve Other" in page

    assert found("") == (True, True)
    assert found("?q=vlas") == (True, False)
    assert found("?state=banned") == (False, True)
    assert found(f"?q={site.eve.id}") == (False, True)
    assert found("?q=vlas&state=banned") == (False, False)
    assert found("?q=%25") == (False, False)
    assert organiser.get(f"{PEOPLE}?state=else").status_code == 404
    assert organiser.get(f"{PEOPLE}?page=2").status_code == 404


def test_the_list_takes_as_many_queries_for_ten_thousand_as_for_two(site: Site) -> None:
    organiser = site.browser(site.organiser)
    _takes_part(site, site.ada)
    _takes_part(site, site.eve)

    with site.counted_queries() as few:
        organiser.get(PEOPLE)
    with site.context.database.writing() as session:
        people = [
            {"id": new_id(NOW), "name": f"Person {n:05}", "pseudonym": f"P {n}", "created_at": NOW}
            for n in range(10_000)
        ]
        session.execute(insert(Person), people)
        session.execute(
            insert(Participation),
            [
                {
                    "challenge_id": site.digits.challenge.id, "person_id": one["id"],
                    "state": ParticipationState.ADMITTED, "asked_at": NOW,
                }
                for one in people
            ],
        )  # fmt: skip
    with site.counted_queries() as many:
        page = organiser.get(f"{PEOPLE}?q=person").text
    with site.counted_queries() as whole:
        organiser.get(f"{ROOT}/participants")
    rows = _table(organiser.get(CSV).text)

    assert "10000 people" in page or "10,000 people" in page
    assert len(few) == len(many) == 9
    assert len(whole) == 18
    assert len(rows) == 10_002


def test_the_list_as_a_file_is_no_formula_and_is_written_down(site: Site) -> None:
    _takes_part(site, site.ada, note='=HYPERLINK("https://evil.example")')
    _log_in_with(site, site.ada, **(CLAIMS | {"name": "@SUM(A1)", "affiliation": ["+1@x.example"]}))
    _takes_part(site, site.eve, state=ParticipationState.DECLINED)

    answer = site.browser(site.organiser).get(CSV)

    rows = {row["account"]: row for row in _table(answer.text)}
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert answer.headers["content-disposition"] == 'attachment; filename="digits-participants.csv"'
    assert rows[site.ada.id] == {
        "account": site.ada.id,
        "name": "Ada Vlasák",
        "verified_name": "'@SUM(A1)",
        "affiliation": "'+1@x.example",
        "identity_provider": "https://idp.nordholm.example",
        "login": "https://login.example.org",
        "status": "admitted",
        "asked_at": machine_moment(NOW),
        "decided_at": "",
        "team": "Team Ada",
        "note": '\'=HYPERLINK("https://evil.example")',
    }
    assert rows[site.eve.id]["status"] == "declined"
    assert SECRET not in answer.text
    with site.context.database.reading() as session:
        entry = session.scalars(select(AuditEntry).order_by(AuditEntry.number.desc())).first()
    assert (entry.action, entry.actor_id, entry.challenge_id) == (
        Action.PARTICIPANTS_EXPORTED, site.organiser.id, site.digits.challenge.id,
    )  # fmt: skip


@pytest.mark.parametrize("address", [CSV, PEOPLE, f"{ROOT}/participants/{{ada}}"])
def test_participants_get_none_of_it(site: Site, address: str) -> None:
    _takes_part(site, site.ada)
    _takes_part(site, site.eve)

    answer = site.browser(site.eve).get(address.format(ada=site.ada.id))

    assert answer.status_code == 404
    assert "Ada" not in answer.text


def test_a_ban_is_made_changed_and_lifted_on_the_page_of_the_person(site: Site) -> None:
    _takes_part(site, site.ada)
    organiser, ada = site.browser(site.organiser), site.browser(site.ada)
    address = f"{ROOT}/participants/{site.ada.id}"

    refused = organiser.post(f"{address}/ban", data={"ban_reason": ""})
    made = organiser.post(
        f"{address}/ban",
        data={"ban_reason": "Two <b>accounts</b>", "contact": "board@x.example", "mark": "hidden"},
    )
    banned = organiser.get(address).text
    join, overview = ada.get(f"{ROOT}/join").text, ada.get(ROOT).text
    submit = ada.get(f"{ROOT}/submit")
    lifted = organiser.post(f"{address}/lift-ban")

    assert refused.status_code == 422
    assert "Say why: the person reads it." in refused.text
    assert (made.status_code, made.headers["location"]) == (303, address)
    assert "The person reads: Two &lt;b&gt;accounts&lt;/b&gt;" in banned
    assert "Their reason: Two &lt;b&gt;accounts&lt;/b&gt;" in join
    assert "board@x.example" in join
    assert "The organisers have banned you from this challenge." in overview
    assert "Two" not in site.browser(site.eve).get(ROOT).text
    assert submit.status_code == 403
    assert lifted.status_code == 303
    assert ada.get(f"{ROOT}/submit").status_code == 200
    assert "Hidden" in ada.get(f"/submissions/{site.submission_id}").text


def test_a_wrong_mark_is_refused(site: Site) -> None:
    _takes_part(site, site.ada)

    answer = site.browser(site.organiser).post(
        f"{ROOT}/participants/{site.ada.id}/ban", data={"ban_reason": "So", "mark": "verified"}
    )

    assert answer.status_code == 422
    assert "Choose one of these." in answer.text


def test_a_removed_person_reads_why_and_joins_again(site: Site) -> None:
    _takes_part(site, site.ada)
    ada = site.browser(site.ada)

    site.browser(site.organiser).post(
        f"{ROOT}/participants/{site.ada.id}/remove", data={"reason": "Not in the course"}
    )
    join = ada.get(f"{ROOT}/join").text
    again = ada.post(f"{ROOT}/join", data={"accept": "yes"})

    assert "Their reason: Not in the course" in join
    assert again.headers["location"] == f"{ROOT}/team"
    assert ada.get(f"{ROOT}/submit").status_code == 200
