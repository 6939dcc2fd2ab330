"""A challenge that is over: who took part still reads their own pages, and changes nothing by them."""

import re

import pytest
from sqlalchemy.orm import Session

from portal.db.tables import (
    Challenge,
    Invitation,
    Membership,
    Participation,
    Person,
    Submission,
    Team,
    Weights,
)
from portal.domain.accounts.tokens import Scope
from portal.domain.challenges.life import ChallengeState
from portal.domain.ids import new_id
from portal.domain.teams.membership_rules import ParticipationState
from portal.web.middleware.cookies import digest
from tests.support import factories
from tests.support.factories import DAY, NOW
from tests.support.web.site import Site

ROOT = "/challenges/digits"
OVER = "The organisers have closed this challenge."
SECRET = "i" * 43


@pytest.fixture
def closed(site: Site) -> Site:
    with site.context.database.writing() as session:
        session.get_one(Challenge, site.digits.challenge.id).state = ChallengeState.CLOSED
    return site


def _forms(page: str) -> set[str]:
    """Return where the forms of a page lead, but for those of the page's head."""
    return set(re.findall(r'<form[^>]*method="post"[^>]*action="([^"]*)"', page)) - {"/logout"}


def _part(site: Site, person: Person, state: ParticipationState, terms: str = "") -> None:
    with site.context.database.writing() as session:
        session.add(
            Participation(
                challenge_id=site.digits.challenge.id, person_id=person.id, state=state,
                note="I count cells.", asked_at=NOW, terms_sha256=digest(terms),
            )
        )  # fmt: skip


def _add_weights(site: Site) -> str:
    with site.context.database.writing() as session:
        submission = session.get_one(Submission, site.submission_id)
        row = Weights(
            id=new_id(NOW), challenge_id=site.digits.challenge.id, team_id=submission.team_id,
            person_id=site.ada.id, blob_sha256=submission.blob_sha256, filename="model.bin",
            created_at=NOW,
        )  # fmt: skip
        session.add(row)
        return row.id


def _invite(session: Session, site: Site) -> None:
    team_id = session.get_one(Submission, site.submission_id).team_id
    session.add(
        Invitation(
            id=new_id(NOW), team_id=team_id, secret_sha256=digest(SECRET),
            created_by=site.ada.id, created_at=NOW, expires_at=NOW + DAY,
        )
    )  # fmt: skip


def test_a_member_reads_the_own_pages_and_that_it_is_over(closed: Site) -> None:
    browser = closed.browser(closed.ada)

    team, weights, join, mine = (
        browser.get(f"{ROOT}/{page}") for page in ("team", "weights", "join", "submissions")
    )

    for page in (team, weights, join, mine):
        assert (page.status_code, _forms(page.text)) == (200, set())
        assert OVER in page.text
    assert "Your team: Team Ada" in team.text
    assert "Ada Vlasák" in team.text
    assert "You took part." in join.text
    assert "ada.zip" in mine.text


def test_the_own_submission_offers_no_other(closed: Site) -> None:
    page = closed.browser(closed.ada).get(f"/submissions/{closed.submission_id}")

    assert page.status_code == 200
    assert f"{ROOT}/submit" not in page.text


def test_weights_can_be_removed_and_not_uploaded(closed: Site) -> None:
    address = f"{ROOT}/weights/{_add_weights(closed)}/remove"
    browser = closed.browser(closed.ada)

    shown = browser.get(f"{ROOT}/weights").text
    refused = browser.post(f"{ROOT}/weights", files={"file": ("more.bin", b"1")})
    removed = browser.post(address)
    listed = closed.program(closed.token(closed.ada, Scope.READ)).get(f"/api/v1{ROOT}/weights")

    assert _forms(shown) == {address}
    assert (refused.status_code, OVER in refused.text) == (403, True)
    assert removed.status_code == 303
    assert (listed.status_code, listed.json()["items"]) == (200, [])


def test_changed_terms_hide_nothing_of_what_is_over(closed: Site) -> None:
    """Nobody can accept them any more."""
    _add_weights(closed)
    _part(closed, closed.ada, ParticipationState.ADMITTED, terms="others")
    with closed.context.database.writing() as session:
        row = session.get_one(Challenge, closed.digits.challenge.id)
        row.terms, row.join_policy = "Be kind.", "approve"

    pages = [closed.browser(closed.ada).get(f"{ROOT}/{page}") for page in ("weights", "join")]

    assert [page.status_code for page in pages] == [200, 200]
    assert "model.bin" in pages[0].text
    assert _forms(pages[1].text) == set()


@pytest.mark.parametrize(
    ("address", "form"),
    [
        ("team/rename", {"name": "Another"}),
        ("team/leave", {}),
        ("team/invitations", {}),
        ("team/merges", {"team": "Team Eve"}),
        ("join", {"accept": "yes"}),
    ],
)
def test_commands_are_refused_with_the_same_sentence(
    closed: Site, address: str, form: dict[str, str]
) -> None:
    answer = closed.browser(closed.ada).post(f"{ROOT}/{address}", data=form)

    assert answer.status_code == 403
    assert OVER in answer.text
    with closed.context.database.reading() as session:
        team = session.get_one(Team, session.get_one(Submission, closed.submission_id).team_id)
        assert team.name == "Team Ada"
        assert session.get(Membership, (team.id, closed.ada.id)) is not None
        assert session.query(Invitation).count() == 0


def test_a_link_into_a_team_says_that_it_is_over(closed: Site) -> None:
    with closed.context.database.writing() as session:
        _invite(session, closed)
    browser = closed.browser(closed.newcomer)

    shown = browser.get(f"/invitation?code={SECRET}")
    followed = browser.post("/invitation", data={"code": SECRET, "accept": "yes"})

    assert (shown.status_code, OVER in shown.text) == (404, True)
    assert (followed.status_code, OVER in followed.text) == (403, True)


def test_who_was_let_in_and_never_submitted_reads_so(closed: Site) -> None:
    _part(closed, closed.newcomer, ParticipationState.ADMITTED)

    page = closed.browser(closed.newcomer).get(f"{ROOT}/team")

    assert page.status_code == 200
    assert "You were in no team" in page.text
    assert _forms(page.text) == set()


def test_who_has_asked_reads_how_far_they_are_and_can_do_nothing(closed: Site) -> None:
    _part(closed, closed.newcomer, ParticipationState.ASKED)

    page = closed.browser(closed.newcomer).get(f"{ROOT}/join")

    assert page.status_code == 200
    assert "You wrote: I count cells." in page.text
    assert "you can submit once" not in page.text
    assert _forms(page.text) == set()


def test_who_had_no_part_reads_that_it_is_over_and_not_to_log_in(closed: Site) -> None:
    browser = closed.browser(closed.newcomer)

    answers = [browser.get(f"{ROOT}/{page}") for page in ("submit", "join", "team", "weights")]

    assert [answer.status_code for answer in answers] == [403] * 4
    assert all(OVER in page.text for page in answers)
    assert all("Log in to" not in page.text for page in answers)


def test_what_the_pages_show_comes_back_with_the_challenge(closed: Site) -> None:
    with closed.context.database.writing() as session:
        session.get_one(Challenge, closed.digits.challenge.id).state = ChallengeState.PUBLISHED
        factories.add_account(session, closed.ada, "ada@nordholm.example")

    page = closed.browser(closed.ada).get(f"{ROOT}/team").text

    assert {f"{ROOT}/team/rename", f"{ROOT}/team/leave", f"{ROOT}/team/merges"} <= _forms(page)
    assert OVER not in page
