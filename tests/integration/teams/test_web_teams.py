"""Teams, invitations and mergers through the pages, and what organisers see of them."""

import hashlib
import re

import pytest
from sqlalchemy import select
from starlette.testclient import TestClient

from portal.db.tables import (
    Challenge,
    Invitation,
    MergeRequest,
    Participation,
    PastMembership,
    Person,
    Submission,
    Team,
)
from portal.domain.accounts.people import Actor
from portal.domain.ids import new_id
from portal.domain.teams.membership_rules import ParticipationState
from portal.services.teams import joining as team_joining
from portal.services.teams import teams
from portal.services.teams.participant_views import MAX_REQUESTS
from tests.support import factories
from tests.support.factories import MINUTE, NOW
from tests.support.web.site import Site

ROOT = "/challenges/digits"
LINK = re.compile(r"https?://[^<\s]+/invitation\?code=([\w-]{43})")


def _join(site: Site, *people: Person) -> None:
    for person in people:
        with site.context.database.writing() as session:
            team_joining.join(
                session, actor=Actor(person_id=person.id), slug="digits", accepts=True, note="",
                now=NOW,
            )  # fmt: skip


def _link(browser: TestClient) -> str:
    [code] = LINK.findall(browser.post(f"{ROOT}/team/invitations").text)
    return str(code)


def test_a_link_is_shown_once_and_lets_somebody_in(site: Site) -> None:
    _join(site, site.ada)
    ada, newcomer = site.browser(site.ada), site.browser(site.newcomer)

    code = _link(ada)
    again = ada.get(f"{ROOT}/team").text
    shown = newcomer.get(f"/invitation?code={code}")
    joined = newcomer.post("/invitation", data={"code": code, "accept": "yes"})

    assert code not in again
    assert "Links that work" in again
    assert "Join Team Ada" in shown.text
    assert "It has 1 member of at most 4." in shown.text
    assert joined.headers["location"] == f"{ROOT}/team"
    assert "Nina New" in ada.get(f"{ROOT}/team").text


def test_the_login_says_that_one_was_invited_and_not_into_which_team(site: Site) -> None:
    _join(site, site.ada)
    code = _link(site.browser(site.ada))
    browser = site.browser()

    sent = browser.get(f"/invitation?code={code}")
    login = browser.get(sent.headers["location"])

    assert "You have followed an invitation into a team." in login.text
    assert "Team Ada" not in login.text
    assert "invitation" not in browser.get("/login?next=/account").text


def test_pages_say_what_the_team_is_whoever_is_in_it(site: Site) -> None:
    _join(site, site.ada, site.newcomer)
    ada, newcomer = site.browser(site.ada), site.browser(site.newcomer)
    newcomer.post("/invitation", data={"code": _link(ada)})

    assert "<h1>Your team: Team Ada</h1>" in newcomer.get(f"{ROOT}/team").text
    join = newcomer.get(f"{ROOT}/join").text
    assert "shows who is in it and how others can join it" in join
    assert "alone" not in join


def test_whoever_joins_a_team_is_shown_the_terms_and_accepts_them(site: Site) -> None:
    _join(site, site.ada)
    newcomer = site.browser(site.newcomer)
    code = _link(site.browser(site.ada))
    with site.context.database.reading() as session:
        terms = session.get_one(Challenge, site.digits.challenge.id).terms

    shown = newcomer.get(f"/invitation?code={code}").text
    refused = newcomer.post("/invitation", data={"code": code})
    with site.context.database.reading() as session:
        before = session.get(Participation, (site.digits.challenge.id, site.newcomer.id))
    newcomer.post("/invitation", data={"code": code, "accept": "yes"})

    assert "Terms of the challenge" in shown
    assert 'name="accept"' in shown
    assert refused.status_code == 422
    assert "Tick that you accept the terms to take part." in refused.text
    assert 'href="#field-accept"' in refused.text
    assert before is None
    with site.context.database.reading() as session:
        row = session.get_one(Participation, (site.digits.challenge.id, site.newcomer.id))
        assert row.terms_sha256 == hashlib.sha256(terms.encode()).hexdigest()


def test_terms_that_have_changed_are_accepted_with_an_invitation(site: Site) -> None:
    _join(site, site.ada, site.newcomer)
    newcomer = site.browser(site.newcomer)
    code = _link(site.browser(site.ada))
    unchanged = newcomer.get(f"/invitation?code={code}").text
    with site.context.database.writing() as session:
        challenge = session.get_one(Challenge, site.digits.challenge.id)
        challenge.terms, challenge.join_policy = "Other terms.", "approve"

    shown = newcomer.get(f"/invitation?code={code}").text
    refused = newcomer.post("/invitation", data={"code": code})
    joined = newcomer.post("/invitation", data={"code": code, "accept": "yes"})

    assert 'name="accept"' not in unchanged
    assert "Other terms." in shown
    assert (refused.status_code, joined.status_code) == (422, 303)


def test_whoever_takes_part_alone_can_make_a_link_before_submitting(site: Site) -> None:
    _join(site, site.newcomer)
    browser = site.browser(site.newcomer)

    before = browser.get(f"{ROOT}/team").text
    code = _link(browser)

    assert "You are in no team yet" in before
    assert "Make a link" in before
    assert "Join Nina New" in site.browser(site.staff).get(f"/invitation?code={code}").text


@pytest.mark.parametrize("code", ["", "x", "ä" * 500, "x" * 43])
def test_a_code_that_is_none_says_so(site: Site, code: str) -> None:
    browser = site.browser(site.newcomer)

    answers = (
        browser.get("/invitation", params={"code": code}),
        browser.post("/invitation", data={"code": code}),
    )

    assert [answer.status_code for answer in answers] == [404, 422]
    assert all("This invitation does not work" in answer.text for answer in answers)


def test_a_link_can_be_withdrawn(site: Site) -> None:
    ada = site.browser(site.ada)
    code = _link(ada)
    with site.context.database.reading() as session:
        made = session.scalars(select(Invitation.id)).one()

    ada.post(f"{ROOT}/team/invitations/{made}/withdraw")

    assert (
        "This invitation does not work"
        in site.browser(site.newcomer).get(f"/invitation?code={code}").text
    )


def test_a_visitor_with_a_link_logs_in_and_comes_back(site: Site) -> None:
    answer = site.browser().get("/invitation?code=abc")

    assert answer.headers["location"] == "/login?next=%2Finvitation%3Fcode%3Dabc"


def test_a_name_that_is_taken_is_said_at_the_field(site: Site) -> None:
    answer = site.browser(site.ada).post(f"{ROOT}/team/rename", data={"name": "team EVE"})

    assert answer.status_code == 422
    assert "Another team of this challenge has this name, or one that looks like it." in answer.text
    assert 'value="team EVE"' in answer.text
    assert "Team Ada" in site.browser(site.ada).get(f"{ROOT}/team").text


def test_teams_merge_through_the_pages(site: Site) -> None:
    ada, eve = site.browser(site.ada), site.browser(site.eve)

    ada.post(f"{ROOT}/team/merges", data={"team": "team eve"})
    asked = eve.get(f"{ROOT}/team").text
    with site.context.database.reading() as session:
        request = session.scalars(select(MergeRequest.id)).one()
    eve.post(f"{ROOT}/team/merges/{request}/accept")

    assert "Team Ada asks to become one team with yours" in asked
    board = site.browser().get(f"{ROOT}/leaderboard").text
    assert "Team Eve" in board
    assert "Team Ada" not in board
    assert "Ada Vlasák" in eve.get(f"{ROOT}/team").text


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("Team Nobody", "No team of this challenge has this name."),
        ("Team Ada", "This is your own team."),
    ],
)
def test_a_team_to_merge_with_is_another_one(site: Site, name: str, message: str) -> None:
    answer = site.browser(site.ada).post(f"{ROOT}/team/merges", data={"team": name})

    assert answer.status_code == 422
    assert message in answer.text


def test_others_see_the_public_name_and_mates_the_own(site: Site) -> None:
    with site.context.database.writing() as session:
        person = session.get_one(Person, site.newcomer.id)
        person.shown_as, person.pseudonym = "pseudonym", "Quiet Heron"
    _join(site, site.newcomer)
    browser = site.browser(site.newcomer)
    code = _link(browser)

    shown = site.browser(site.eve).get(f"/invitation?code={code}").text

    assert "Join Quiet Heron" in shown
    assert "Nina New" not in shown
    assert "Nina New" in browser.get(f"{ROOT}/team").text
    assert "Nina New" in site.browser(site.organiser).get(f"{ROOT}/participants").text


@pytest.mark.parametrize("more", [1, 3])
def test_who_takes_part_takes_a_fixed_number_of_queries(site: Site, more: int) -> None:
    with site.context.database.writing() as session:
        for n in range(more):
            person = factories.add_person(session, f"Person {n}")
            actor = Actor(person_id=person.id)
            team_joining.join(session, actor=actor, slug="digits", accepts=True, note="", now=NOW)
            team = teams.join_alone(
                session, actor=actor, challenge_id=site.digits.challenge.id, now=NOW
            )
            row = factories.add_submission(session, site.digits, team, person)
            theirs = session.get_one(Submission, site.submission_id)
            row.blob_sha256 = theirs.blob_sha256
            session.add(
                PastMembership(
                    id=new_id(NOW), team_id=theirs.team_id, person_id=person.id,
                    challenge_id=theirs.challenge_id, joined_at=NOW, left_at=NOW,
                )
            )  # fmt: skip
            twin = factories.add_person(session, f"Twin {n}")
            joining = Actor(person_id=twin.id)
            team_joining.join(session, actor=joining, slug="digits", accepts=True, note="", now=NOW)
            for one in (person, twin):
                factories.add_account(session, one, f"{one.name}").unique_id = f"unique-{n}"
            asking = factories.add_person(session, f"Asking {n}")
            session.add(
                team_joining.Participation(
                    challenge_id=site.digits.challenge.id, person_id=asking.id,
                    state=ParticipationState.ASKED, asked_at=NOW,
                )
            )  # fmt: skip
    organiser, ada = site.browser(site.organiser), site.browser(site.ada)

    for n in range(more):
        ada.post(f"{ROOT}/team/invitations")
        ada.post(f"{ROOT}/team/merges", data={"team": f"Person {n}"})

    with site.counted_queries() as by_organiser:
        page = organiser.get(f"{ROOT}/participants").text
    with site.counted_queries() as by_ada:
        own = ada.get(f"{ROOT}/team").text

    count = {1: "Two"}.get(more, str(more + 1))
    assert page.count(f"{count} teams have submitted the same file.") == 1
    assert page.count("Two accounts have the same unique id") == more
    assert page.count("Somebody has left a team") == more
    assert page.count("Waiting for the organisers") == more
    assert own.count("You have asked Person") == more
    assert (len(by_organiser), len(by_ada)) == (18, 12)


def test_a_hint_leads_to_the_team_on_its_page_of_the_list(site: Site) -> None:
    with site.context.database.writing() as session:
        for n in range(60):
            factories.add_team(session, site.digits, f"A team {n:03}")
        eve = session.scalars(select(Team).where(Team.name == "Team Eve")).one()
        row = factories.add_submission(session, site.digits, eve, site.eve)
        row.blob_sha256 = session.get_one(Submission, site.submission_id).blob_sha256
        address = f"?page=2#team-{eve.id}"
    organiser = site.browser(site.organiser)

    page = organiser.get(f"{ROOT}/participants").text
    there = organiser.get(f"{ROOT}/participants?page=2").text

    assert f'<a href="{address}">Team Eve</a>' in page
    assert f'id="team-{eve.id}"' not in page
    assert f'id="team-{eve.id}"' in there


def test_a_full_team_can_take_back_what_it_has_begun(site: Site) -> None:
    ada = site.browser(site.ada)
    ada.post(f"{ROOT}/team/invitations")
    ada.post(f"{ROOT}/team/merges", data={"team": "Team Eve"})
    with site.context.database.writing() as session:
        session.get_one(Challenge, site.digits.challenge.id).team_size = 1

    page = ada.get(f"{ROOT}/team").text
    [link] = re.findall(rf"{ROOT}/team/invitations/(\w+)/withdraw", page)
    [wish] = re.findall(rf"{ROOT}/team/merges/(\w+)/withdraw", page)
    ada.post(f"{ROOT}/team/invitations/{link}/withdraw")
    ada.post(f"{ROOT}/team/merges/{wish}/withdraw")
    after = ada.get(f"{ROOT}/team").text

    assert "Your team is full." in page
    assert "Make a link" not in page
    assert "Ask the other team" not in page
    assert "Links that work" not in after
    assert "You have asked" not in after


def test_more_requests_than_the_page_shows_are_not_passed_over(site: Site) -> None:
    with site.context.database.writing() as session:
        for n in range(MAX_REQUESTS + 1):
            person = factories.add_person(session, f"Person {n:03}")
            state = ParticipationState.DECLINED if n == 0 else ParticipationState.ASKED
            session.add(
                team_joining.Participation(
                    challenge_id=site.digits.challenge.id, person_id=person.id, state=state,
                    asked_at=NOW + n * MINUTE,
                )
            )  # fmt: skip
    organiser = site.browser(site.organiser)

    many = organiser.get(f"{ROOT}/participants").text
    first = re.findall(r"/participants/(\w+)/admit", many)[0]
    organiser.post(f"{ROOT}/participants/{first}/admit")
    fewer = organiser.get(f"{ROOT}/participants").text

    assert ("Person 000" in many, "There are more." in many) == (False, True)
    assert ("Person 000" in fewer, "There are more." in fewer) == (True, False)


def test_many_teams_are_listed_in_pages(site: Site) -> None:
    with site.context.database.writing() as session:
        for n in range(60):
            session.add(
                Team(
                    id=f"team{n:016}", challenge_id=site.digits.challenge.id, name=f"Team {n:03}",
                    created_at=NOW,
                )
            )  # fmt: skip
    organiser = site.browser(site.organiser)

    first = organiser.get(f"{ROOT}/participants").text
    second = organiser.get(f"{ROOT}/participants?page=2").text

    assert ("Team 000" in first, "Team 059" in first) == (True, False)
    assert ("Team 000" in second, "Team 059" in second) == (False, True)
    assert organiser.get(f"{ROOT}/participants?page=3").status_code == 404
