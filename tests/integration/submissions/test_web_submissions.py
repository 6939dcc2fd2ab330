"""The list of a team's submissions, and what leads on from one of them."""

import re

import pytest

from portal.db.tables import Column, Membership, Phase, Submission, Team
from portal.domain.evaluations.states import EvaluationState
from tests.support import factories
from tests.support.web.site import Site

E = EvaluationState
LIST = "/challenges/digits/submissions"
MARK = "on the leaderboard"


def _row(page: str, submission: str) -> str:
    [row] = [one for one in re.findall(r"<tr>.*?</tr>", page, re.DOTALL) if submission in one]
    return row


def _another(site: Site, **more: object) -> str:
    with site.context.database.writing() as session:
        team = session.get_one(Team, session.get_one(Submission, site.submission_id).team_id)
        session.add(
            Membership(
                team_id=team.id, person_id=site.newcomer.id, challenge_id=team.challenge_id,
                joined_at=factories.NOW,
            )
        )  # fmt: skip
        made = factories.add_submission(session, site.digits, team, site.newcomer, **more)  # type: ignore[arg-type]
    return made.id


def test_team_mates_see_who_submitted_and_which_one_stands(site: Site) -> None:
    other = _another(site)

    page = site.browser(site.ada).get(LIST).text

    first, second = _row(page, site.submission_id), _row(page, other)
    assert f"by {site.ada.names.own}</span>" in first
    assert f"by {site.newcomer.names.own}</span>" in second
    assert re.search(rf'<svg class="shape".*?</svg>\s*{MARK}</span>', first, re.DOTALL)
    assert MARK not in second


@pytest.mark.parametrize("hidden", ["board", "column"])
def test_what_no_leaderboard_shows_is_not_marked(site: Site, hidden: str) -> None:
    with site.context.database.writing() as session:
        if hidden == "board":
            session.get_one(Phase, site.digits.dev.id).leaderboard = "organisers"
        else:
            for column in session.query(Column):
                column.private = column.is_primary

    assert MARK not in site.browser(site.ada).get(LIST).text


def test_what_can_be_cancelled_says_so_where_the_page_follows_the_state(site: Site) -> None:
    running = _another(site, state=E.RUNNING)
    browser = site.browser(site.newcomer)

    page = browser.get(f"/submissions/{running}").text
    follows = browser.get(f"/submissions/{running}/progress").text
    ended = browser.get(f"/submissions/{site.submission_id}/progress").text

    link = f'href="/submissions/{running}/cancel"'
    assert (page.count(link), follows.count(link)) == (1, 1)
    assert "/cancel" not in ended


def test_a_submission_leads_to_the_leaderboard_and_to_the_next_one(site: Site) -> None:
    own = site.browser(site.ada).get(f"/submissions/{site.submission_id}").text
    foreign = site.browser(site.organiser).get(f"/submissions/{site.submission_id}").text

    assert all(
        'href="/challenges/digits/leaderboard">Leaderboard' in page for page in (own, foreign)
    )
    assert 'href="/challenges/digits/submit">Submit again' in own
    assert "Submit again" not in foreign
