"""Every page for every kind of person: what is not open looks as if it were not there."""

import pytest

from portal.db.tables import Challenge
from portal.domain.challenges.life import ChallengeState
from tests.support.web.site import Site

ROOT = "/challenges/digits"
LOGIN = 303

# visitor, newcomer, Ada, Eve of another team, organiser, staff
EXPECTED = {
    "/": (200, 200, 200, 200, 200, 200),
    ROOT: (200, 200, 200, 200, 200, 200),
    f"{ROOT}/pages/evaluation": (200, 200, 200, 200, 200, 200),
    f"{ROOT}/pages/nothing": (404, 404, 404, 404, 404, 404),
    f"{ROOT}/terms": (200, 200, 200, 200, 200, 200),
    f"{ROOT}/leaderboard": (200, 200, 200, 200, 200, 200),
    f"{ROOT}/leaderboard?phase=dev": (200, 200, 200, 200, 200, 200),
    f"{ROOT}/leaderboard?phase=final": (404, 404, 404, 404, 200, 200),
    f"{ROOT}/leaderboard?page=2": (404, 404, 404, 404, 404, 404),
    f"{ROOT}/leaderboard?page=-1": (404, 404, 404, 404, 404, 404),
    f"{ROOT}/submit": (LOGIN, 200, 200, 200, 200, 200),
    f"{ROOT}/submissions": (LOGIN, 200, 200, 200, 200, 200),
    f"{ROOT}/attention": (LOGIN, 404, 404, 404, 200, 200),
    f"{ROOT}/roles": (LOGIN, 404, 404, 404, 200, 200),
    "/challenges/nothing": (404, 404, 404, 404, 404, 404),
    "/challenges/nothing/submit": (LOGIN, 404, 404, 404, 404, 404),
    "/submissions/SUBMISSION": (LOGIN, 404, 200, 404, 200, 200),
    "/submissions/SUBMISSION/progress": (LOGIN, 404, 200, 404, 200, 200),
    "/submissions/SUBMISSION/sealed": (LOGIN, 404, 404, 404, 200, 200),
    "/submissions/nothing": (LOGIN, 404, 404, 404, 404, 404),
    "/account": (LOGIN, 200, 200, 200, 200, 200),
    "/account/tokens": (LOGIN, 200, 200, 200, 200, 200),
    "/account/export": (LOGIN, 200, 200, 200, 200, 200),
    "/account/delete": (LOGIN, 200, 200, 200, 200, 200),
    "/welcome": (LOGIN, 303, 303, 303, 303, 303),
    "/terms": (404, 404, 404, 404, 404, 404),
    "/staff": (LOGIN, 404, 404, 404, 404, 200),
    "/staff/people": (LOGIN, 404, 404, 404, 404, 200),
    "/staff/people/PERSON": (LOGIN, 404, 404, 404, 404, 200),
    "/staff/people/nobody": (LOGIN, 404, 404, 404, 404, 404),
    "/staff/audit": (LOGIN, 404, 404, 404, 404, 200),
    "/staff/audit/entries.jsonl": (LOGIN, 404, 404, 404, 404, 200),
    "/login": (200, 303, 303, 303, 303, 303),
    "/logged-out": (200, 303, 303, 303, 303, 303),
    "/healthz": (200, 200, 200, 200, 200, 200),
    "/-/patterns": (404, 404, 404, 404, 404, 200),
    "/nowhere": (404, 404, 404, 404, 404, 404),
    "/static/nothing.css": (404, 404, 404, 404, 404, 404),
}


@pytest.mark.parametrize("path", EXPECTED)
def test_each_page_is_open_to_exactly_these_people(site: Site, path: str) -> None:
    people = (None, site.newcomer, site.ada, site.eve, site.organiser, site.staff)
    address = path.replace("SUBMISSION", site.submission_id).replace("PERSON", site.ada.id)

    answers = tuple(site.browser(person).get(address).status_code for person in people)

    assert answers == EXPECTED[path]


def test_a_visitor_is_sent_to_the_login_and_back(site: Site) -> None:
    answer = site.browser().get(f"{ROOT}/submissions?page=2")

    assert answer.headers["location"] == (
        "/login?next=%2Fchallenges%2Fdigits%2Fsubmissions%3Fpage%3D2"
    )


@pytest.mark.parametrize(
    "path",
    [ROOT, f"{ROOT}/pages/evaluation", f"{ROOT}/terms", f"{ROOT}/leaderboard", f"{ROOT}/submit",
     f"{ROOT}/submissions"],
)  # fmt: skip
def test_an_unpublished_challenge_is_there_for_organisers_and_staff_only(
    site: Site, path: str
) -> None:
    with site.context.database.writing() as session:
        session.get_one(Challenge, site.digits.challenge.id).state = ChallengeState.DRAFT
    people = (site.newcomer, site.ada, site.organiser, site.staff)

    answers = [site.browser(person).get(path).status_code for person in people]

    assert answers == [404, 404, 200, 200]


def test_an_unpublished_challenge_is_not_on_the_list(site: Site) -> None:
    with site.context.database.writing() as session:
        session.get_one(Challenge, site.digits.challenge.id).state = ChallengeState.DRAFT

    shown = [
        "Read the digits" in site.browser(person).get("/").text
        for person in (None, site.ada, site.organiser, site.staff)
    ]

    assert shown == [False, False, True, True]


def test_a_list_of_submissions_holds_the_own_teams_only(site: Site) -> None:
    lists = [
        "a note of Ada&#39;s" in site.browser(person).get(f"{ROOT}/submissions").text
        for person in (site.newcomer, site.ada, site.eve, site.organiser, site.staff)
    ]

    assert lists == [False, True, False, True, True]


def test_only_organisers_and_staff_see_private_columns_exact_scores_and_details(
    site: Site,
) -> None:
    told = []
    for person in (site.ada, site.organiser, site.staff):
        browser = site.browser(person)
        submission = browser.get(f"/submissions/{site.submission_id}").text
        sealed = browser.get(f"/submissions/{site.submission_id}/sealed").text
        board = browser.get(f"{ROOT}/leaderboard").text
        told.append(
            (
                "0.912" in submission and "0.912" in board,
                "Hold-out" in board,
                "Hold-out" in submission,
                "0.9120123" in submission or "gpu03" in submission,
                "0.9120123" in sealed,
                "gpu03" in sealed,
                "Hold-out" in sealed,
            )
        )

    assert told == [
        (True, False, False, False, False, False, False),
        (True, True, True, False, True, True, True),
        (True, True, True, False, True, True, True),
    ]


def test_times_are_told_to_the_minute_only(site: Site) -> None:
    page = site.browser(site.ada).get(f"/submissions/{site.submission_id}").text

    assert 'datetime="2026-11-24T09:35Z"' in page
    assert ":42" not in page
