"""Marks on pages and in the API: who sees which, the board at once, and nothing that is private."""

import html
import re

import pytest
from sqlalchemy import select

from portal.db.tables import Challenge, Phase, Standing, SubmissionMark, Team
from portal.domain.accounts.tokens import Scope
from portal.domain.permissions import Audience, Role
from portal.web.local_paths import API
from tests.support import factories
from tests.support.factories import DAY, NOW
from tests.support.web.site import Site

BOARD = "/challenges/digits/leaderboard"
WHY = "A <secret> is in it."
PRIVATE = ("0.885", "0.923")
"""Hold-out scores of what is submitted here."""


@pytest.fixture
def better(site: Site) -> str:
    """Let Ada's team have another submission, which is better than hers; return which."""
    with site.context.database.writing() as session:
        standing = session.scalars(select(Standing)).one()
        team = session.get_one(Team, standing.team_id)
        better = factories.add_submission(
            session, site.digits, team, site.ada, accuracy=0.95, at=NOW - DAY,
            filename="better.zip",
        )  # fmt: skip
        standing.submission_id, standing.achieved_at = better.id, better.created_at
        standing.scores = {key: round(value, 3) for key, value in factories.scores_of(0.95).items()}
        standing.rank_value = 0.95
    return better.id


def _mark(site: Site, submission: str, change: str = "disqualified", who: str = "organiser") -> int:
    browser = site.browser(getattr(site, who))
    answer = browser.post(
        f"/submissions/{submission}/marks", data={"change": change, "reason": WHY}
    )
    return answer.status_code


def _board(site: Site, who: str | None = None) -> str:
    return site.browser(who and getattr(site, who)).get(BOARD).text


def test_a_visitor_sees_at_once_what_a_mark_does_and_not_the_mark(site: Site, better: str) -> None:
    visitor = site.browser()
    assert "0.950" in visitor.get(BOARD).text

    assert _mark(site, better) == 303
    marked = visitor.get(BOARD).text
    assert _mark(site, better, "off-disqualified") == 303

    assert "0.912" in marked
    assert "0.950" not in marked
    assert "isqualified" not in marked
    assert html.escape(WHY) not in marked
    assert "0.950" in visitor.get(BOARD).text


@pytest.mark.parametrize("mark", ["hidden", "disqualified", "unranked", "verified"])
def test_the_team_sees_the_mark_and_why_and_others_nothing(
    site: Site, better: str, mark: str
) -> None:
    assert _mark(site, better, mark) == 303

    own = site.browser(site.ada).get(f"/submissions/{better}")
    listed = site.browser(site.ada).get("/challenges/digits/submissions").text
    other = site.browser(site.eve).get(f"/submissions/{better}")

    word = {"unranked": "Not ranked"}.get(mark, mark.capitalize())
    assert (f"<span>{word}</span>" in own.text, html.escape(WHY) in own.text) == (True, True)
    assert f"<span>{word}</span>" in listed
    assert site.organiser.name not in own.text
    assert other.status_code == 404
    assert WHY not in _board(site, "eve")


def test_a_verified_one_is_marked_and_an_unranked_one_has_no_rank(site: Site, better: str) -> None:
    with site.context.database.writing() as session:
        factories.add_ranked(session, site.digits, "Behind", 0.9)
    _mark(site, better, "verified")
    verified = _board(site)
    for submission in (better, site.submission_id):
        _mark(site, submission, "unranked")
    unranked, own = _board(site), _board(site, "ada")

    ranks = [
        re.findall(r'class="number rank">\s*(?:<span[^>]*>)?([^<]+)', page)
        for page in (verified, unranked)
    ]
    assert ranks == [["1", "2"], ["\N{EN DASH}", "1"]]
    assert "<span>Verified</span>" in verified
    assert "<span>Not ranked</span>" not in verified
    assert "<span>Not ranked</span>" in unranked
    assert "Your team is shown without a rank" in own


@pytest.mark.parametrize("mark", ["hidden", "disqualified", "unranked", "verified"])
def test_no_mark_discloses_what_is_private(site: Site, better: str, mark: str) -> None:
    with site.context.database.writing() as session:
        session.get_one(Challenge, site.digits.challenge.id).reveal_at = NOW + DAY
    _mark(site, better, mark)
    token = site.token(site.ada, Scope.READ)

    seen = [
        *(_board(site, who) for who in (None, "newcomer", "eve", "ada")),
        *(site.browser(site.ada).get(f"/submissions/{one}").text for one in (better, site.submission_id)),
        site.browser(site.ada).get("/challenges/digits/submissions").text,
        *(
            site.program(token).get(f"{API}{path}").text
            for path in (BOARD, f"/submissions/{better}", "/challenges/digits/submissions")
        ),
    ]  # fmt: skip

    for text in seen:
        assert [value for value in PRIVATE if value in text] == []
    assert any(value in _board(site, "organiser") for value in PRIVATE)


def test_a_board_for_organisers_stays_theirs_whatever_is_marked(site: Site, better: str) -> None:
    with site.context.database.writing() as session:
        phase = session.get_one(Phase, site.digits.dev.id)
        phase.leaderboard, phase.feedback = Audience.ORGANISERS, "none"

    _mark(site, better)

    for who in (site.ada, site.eve):
        assert site.browser(who).get(f"{BOARD}?phase=dev").status_code == 404
    own = site.browser(site.ada).get(f"/submissions/{better}").text
    assert "<span>Disqualified</span>" in own
    assert "0.95" not in own


@pytest.mark.parametrize(
    ("data", "said"),
    [
        ({"change": "hidden", "reason": " "}, "Say why"),
        ({"change": "hidden", "reason": "x" * 501}, "at most 500 characters"),
        ({"change": "best", "reason": WHY}, "Choose what to change."),
        ({"change": "withdrawn", "reason": WHY}, "Only its team"),
        ({"change": "off-withdrawn", "reason": WHY}, "Only its team"),
        ({}, "Choose what to change."),
    ],
)
def test_the_form_comes_back_with_what_is_wrong(
    site: Site, data: dict[str, str], said: str
) -> None:
    answer = site.browser(site.organiser).post(
        f"/submissions/{site.submission_id}/marks", data=data
    )

    assert answer.status_code == 422
    assert said in answer.text
    if data.get("reason") == WHY:
        assert html.escape(WHY) in answer.text
    with site.context.database.reading() as session:
        assert session.scalars(select(SubmissionMark)).all() == []


def test_the_page_of_marks_says_by_whom_and_offers_the_others(site: Site, better: str) -> None:
    _mark(site, better, "verified")

    page = site.browser(site.organiser).get(f"/submissions/{better}/marks").text

    assert site.organiser.name in page
    assert html.escape(WHY) in page
    assert re.findall(r'name="change"\s+value="([^"]+)"', page) == [
        "hidden", "disqualified", "unranked", "off-verified",
    ]  # fmt: skip


def test_reviewers_see_marks_and_change_none(site: Site, better: str) -> None:
    with site.context.database.writing() as session:
        factories.add_organiser(session, site.digits, site.newcomer, Role.REVIEWER)
    _mark(site, better)
    reviewer = site.browser(site.newcomer)

    page = reviewer.get(f"/submissions/{better}").text

    assert "<span>Disqualified</span>" in page
    assert f"/submissions/{better}/marks" not in page
    assert reviewer.get(f"/submissions/{better}/marks").status_code == 404
    assert _mark(site, better, "hidden", "newcomer") == 404


def test_a_team_withdraws_and_takes_it_back_on_pages(site: Site, better: str) -> None:
    ada, address = site.browser(site.ada), f"/submissions/{better}"
    before = _board(site)

    asked = ada.get(f"{address}/withdraw").text
    done = ada.post(f"{address}/withdraw")
    withdrawn, page = _board(site), ada.get(address).text
    asked_back = ada.get(f"{address}/withdraw").text
    ada.post(f"{address}/reinstate")

    assert "It still counts against the limits of the team." in asked
    assert "You can take this back until the phase ends" in asked
    assert (done.status_code, done.headers["location"]) == (303, address)
    assert ("0.950" in withdrawn, "0.912" in withdrawn) == (False, True)
    assert "<span>Withdrawn</span>" in page
    assert "still counts against the limits" in page
    assert "Let it count again" in page
    assert "Let it count again" in asked_back
    assert _board(site) == before


def test_after_the_phase_the_page_says_that_nothing_can_be_changed(site: Site, better: str) -> None:
    with site.context.database.writing() as session:
        session.get_one(Phase, site.digits.dev.id).ends_at = NOW
    ada, address = site.browser(site.ada), f"/submissions/{better}"

    asked, answer = ada.get(f"{address}/withdraw").text, ada.post(f"{address}/withdraw")

    assert "The phase is over" in asked
    assert f'action="{address}/withdraw"' not in asked
    assert (answer.status_code, "The phase is over" in answer.text) == (422, True)
    assert f"{address}/withdraw" not in ada.get(address).text


def test_programs_mark_and_withdraw(site: Site, better: str) -> None:
    organiser = site.program(site.token(site.organiser, Scope.ORGANISE))
    team = site.program(site.token(site.ada, Scope.SUBMIT, Scope.READ))
    address = f"{API}/submissions/{better}"

    marked = organiser.post(f"{address}/marks", json={"mark": "hidden", "reason": WHY})
    again = organiser.post(f"{address}/marks", json={"mark": "hidden", "reason": WHY})
    withdrawn = team.post(f"{address}/withdraw")
    seen = team.get(address).json()["marks"]
    off = organiser.post(f"{address}/marks/hidden/remove", json={"reason": WHY})
    back = team.post(f"{address}/reinstate")

    mark = {"mark": "hidden", "reason": WHY, "made_at": "2026-11-24T10:05:00Z"}
    own = {"mark": "withdrawn", "reason": "", "made_at": "2026-11-24T10:05:00Z"}
    assert marked.json() == again.json() == {"id": better, "marks": [mark]}
    assert withdrawn.json()["marks"] == seen == [mark, own]
    assert off.json()["marks"] == [own]
    assert back.json() == {"id": better, "marks": []}


@pytest.mark.parametrize(
    ("path", "sent", "reason"),
    [
        ("marks", {"mark": "best", "reason": WHY}, "mark"),
        ("marks", {"mark": "withdrawn", "reason": WHY}, "mark"),
        ("marks", {"mark": "hidden", "reason": " "}, "reason"),
        ("marks", {"mark": "hidden"}, "reason"),
        ("marks/withdrawn/remove", {"reason": WHY}, "mark"),
    ],
)
def test_the_api_says_what_is_wrong(
    site: Site, path: str, sent: dict[str, str], reason: str
) -> None:
    organiser = site.program(site.token(site.organiser, Scope.ORGANISE))

    answer = organiser.post(f"{API}/submissions/{site.submission_id}/{path}", json=sent)

    assert answer.status_code == 422
    assert reason in answer.text


def test_a_mark_that_there_is_not_is_nothing_in_the_api(site: Site) -> None:
    organiser = site.program(site.token(site.organiser, Scope.ORGANISE))
    address = f"{API}/submissions/{site.submission_id}/marks/best/remove"

    assert organiser.post(address, json={"reason": WHY}).status_code == 404


def test_the_board_of_the_api_has_marks_too(site: Site, better: str) -> None:
    token = site.token(site.eve, Scope.READ)
    _mark(site, better, "verified")
    verified = site.program(token).get(f"{API}{BOARD}").json()["items"]
    for submission in (better, site.submission_id):
        _mark(site, submission, "unranked")
    unranked = site.program(token).get(f"{API}{BOARD}").json()["items"]

    assert [(row["rank"], row["is_verified"]) for row in (*verified, *unranked)] == [
        (1, True), (None, True),
    ]  # fmt: skip


def test_marks_cost_the_board_no_query(site: Site, better: str) -> None:
    for mark in ("verified", "unranked"):
        _mark(site, better, mark)
    ada = site.browser(site.ada)

    with site.counted_queries() as statements:
        ada.get(BOARD)

    assert len([one for one in statements if one.startswith(("SELECT", "WITH"))]) == 4
