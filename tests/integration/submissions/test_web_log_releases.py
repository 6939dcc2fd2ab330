"""Releasing a sealed log: organisers alone, once, written down, and for that team only."""

import html

import pytest
from sqlalchemy import select

from portal.db.tables import Attempt, AuditEntry, LogRelease, Team
from portal.domain.audit import Action
from portal.domain.permissions import Role
from portal.domain.submissions.run_logs import Tail
from portal.services.submissions import run_logs
from tests.support import factories
from tests.support.web.site import Site

SECRET = "Traceback: no column 'digit' in row 17"
ATTACK = "<script>alert(1)</script></pre>"
REASON = "Your parser fails on a <quoted> comma."


@pytest.fixture
def token(site: Site) -> str:
    """Return the attempt of Ada's run, with a log; the newcomer reviews."""
    with site.context.database.writing() as session:
        factories.add_organiser(session, site.digits, site.newcomer, Role.REVIEWER)
        found = session.scalars(select(Attempt.token)).one()
        tails = {
            "stdout": Tail(text=f"{SECRET}\n{ATTACK}\n", truncated=True),
            "stderr": Tail(text="a warning\n", truncated=False),
        }
        run_logs.keep(session, found, tails)
    return found


def _path(site: Site, token: str) -> str:
    return f"/submissions/{site.submission_id}/logs/{token}/release"


def _release(site: Site, token: str, who: str = "organiser", reason: str = REASON) -> int:
    browser = site.browser(getattr(site, who))
    return browser.post(_path(site, token), data={"reason": reason}).status_code


def _entries(site: Site, action: Action) -> list[tuple[str | None, str]]:
    with site.context.database.reading() as session:
        rows = session.scalars(select(AuditEntry).where(AuditEntry.action == action))
        return [(row.actor_id, row.subject_id) for row in rows]


def _team_page(site: Site) -> str:
    return site.browser(site.ada).get(f"/submissions/{site.submission_id}").text


def test_all_that_the_team_would_see_is_shown_first_and_the_look_is_written_down(
    site: Site, token: str
) -> None:
    page = site.browser(site.organiser).get(_path(site, token)).text

    assert SECRET in html.unescape(page)
    assert "It cannot be taken back." in page
    assert "has read the private data" in page
    assert ATTACK not in page
    assert _entries(site, Action.SEALED_LOOKED_AT) == [(site.organiser.id, site.submission_id)]
    assert _entries(site, Action.LOG_RELEASED) == []


def test_the_team_sees_it_once_it_is_released_and_not_before(site: Site, token: str) -> None:
    before = _team_page(site)

    assert _release(site, token) == 303

    after = _team_page(site)
    assert SECRET not in html.unescape(before)
    assert SECRET in html.unescape(after)
    assert "a warning" in after
    assert html.escape(REASON) in after
    assert ATTACK not in after
    assert _entries(site, Action.LOG_RELEASED) == [(site.organiser.id, site.submission_id)]


def test_nobody_else_sees_it(site: Site, token: str) -> None:
    _release(site, token)

    for person in (site.eve, None):
        answer = site.browser(person).get(f"/submissions/{site.submission_id}")
        assert SECRET not in html.unescape(answer.text)


@pytest.mark.parametrize("who", ["ada", "eve", "newcomer"])
def test_only_organisers_release(site: Site, token: str, who: str) -> None:
    assert _release(site, token, who) == 404
    assert site.browser(getattr(site, who)).get(_path(site, token)).status_code == 404
    assert SECRET not in html.unescape(_team_page(site))


def test_an_organiser_of_another_challenge_releases_nothing(site: Site, token: str) -> None:
    with site.context.database.writing() as session:
        other = factories.add_challenge(session, "other", "Another")
        factories.add_organiser(session, other, site.eve, Role.OWNER)

    assert _release(site, token, "eve") == 404


def test_releasing_again_changes_nothing(site: Site, token: str) -> None:
    _release(site, token)

    assert _release(site, token, "staff", "another reason") == 303

    with site.context.database.reading() as session:
        assert session.scalars(select(LogRelease)).one().reason == REASON
    assert len(_entries(site, Action.LOG_RELEASED)) == 1
    assert "can see it already" in site.browser(site.organiser).get(_path(site, token)).text


@pytest.mark.parametrize(("reason", "words"), [(" \n", "Say why"), ("x" * 501, "500 characters")])
def test_a_reason_is_asked_for(site: Site, token: str, reason: str, words: str) -> None:
    answer = site.browser(site.organiser).post(_path(site, token), data={"reason": reason})

    assert answer.status_code == 422
    assert words in answer.text
    assert 'id="error-reason"' in answer.text
    assert _entries(site, Action.LOG_RELEASED) == []


def test_an_attempt_of_something_else_is_not_there(site: Site, token: str) -> None:
    browser = site.browser(site.organiser)
    with site.context.database.writing() as session:
        team = session.scalars(select(Team).where(Team.name == "Team Eve")).one()
        other = factories.add_submission(session, site.digits, team, site.eve)

    assert browser.get(_path(site, "sr-nothing")).status_code == 404
    wrong = f"/submissions/{other.id}/logs/{token}/release"
    assert browser.post(wrong, data={"reason": REASON}).status_code == 404
    assert SECRET not in html.unescape(_team_page(site))


def test_what_is_sealed_leads_there_for_whoever_may(site: Site, token: str) -> None:
    sealed = f"/submissions/{site.submission_id}/sealed"

    links = {
        who: f'href="{_path(site, token)}"' in site.browser(getattr(site, who)).get(sealed).text
        for who in ("organiser", "staff", "newcomer")
    }

    assert links == {"organiser": True, "staff": True, "newcomer": False}


def test_it_goes_with_the_log_when_its_time_is_over(site: Site, token: str) -> None:
    _release(site, token)
    with site.context.database.writing() as session:
        run_logs.keep(session, token, {})

    page = _team_page(site)

    assert SECRET not in html.unescape(page)
    assert REASON not in html.unescape(page)
