"""Organisers give a team tries beside the limits: used where a limit has no room, seen by the team, and written down."""

import pytest
from sqlalchemy import select

from portal.db.tables import AuditEntry, ExtraTries, Phase, Submission, Team
from portal.domain.accounts.tokens import Scope
from portal.domain.audit import Action
from portal.domain.challenges.life import ChallengeState
from portal.web.local_paths import API
from tests.support import factories
from tests.support.web.site import Site

ROOT = "/challenges/digits"
TRIES, SUBMIT = f"{ROOT}/tries", f"{ROOT}/submit"
FORM = {"phase": "dev", "kind": "results"}
FILE = {"file": ("predictions.csv", b"id,digit\n")}
WHY = "A <b>node</b> failed."
GIVEN = {"team": "Team Eve", "phase": "dev", "number": "2", "reason": WHY}


@pytest.fixture
def full(site: Site) -> Site:
    """Give the site, where Eve has used her one submission of the phase."""
    with site.context.database.writing() as session:
        phase = session.get_one(Phase, site.digits.dev.id)
        phase.total = 1
        team = session.scalars(select(Team).where(Team.name == "Team Eve")).one()
        factories.add_submission(session, site.digits, team, site.eve, filename="eve.zip")
    return site


def _give(site: Site, **fields: str) -> int:
    return site.browser(site.organiser).post(TRIES, data=GIVEN | fields).status_code


def _rows(site: Site) -> list[ExtraTries]:
    with site.context.database.reading() as session:
        return list(session.scalars(select(ExtraTries)))


def _of_eve(site: Site) -> list[Submission]:
    with site.context.database.reading() as session:
        found = session.scalars(select(Submission).order_by(Submission.id)).all()
    return [one for one in found if one.person_id == site.eve.id]


def test_extra_tries_are_used_where_a_limit_has_no_room(full: Site) -> None:
    eve = full.browser(full.eve)
    before = eve.post(SUBMIT, data=FORM, files=FILE).status_code

    assert _give(full) == 303
    page = eve.get(SUBMIT).text
    after = [eve.post(SUBMIT, data=FORM, files=FILE).status_code for _ in range(3)]

    assert before == 429
    assert "2 extra tries left: this submission uses one." in page
    assert "A &lt;b&gt;node&lt;/b&gt; failed." in page
    assert after == [303, 303, 429]
    assert [one.is_extra for one in _of_eve(full)] == [False, True, True]
    assert "All extra tries are used." in eve.get(SUBMIT).text


def test_while_a_limit_has_room_no_extra_try_is_used(site: Site) -> None:
    _give(site)

    site.browser(site.eve).post(SUBMIT, data=FORM, files=FILE)

    assert [one.is_extra for one in _of_eve(site)] == [False]
    assert "2 extra tries left." in site.browser(site.eve).get(SUBMIT).text


def test_an_extra_try_comes_back_where_a_submission_does_not_count(full: Site) -> None:
    _give(full, number="1")
    eve = full.browser(full.eve)
    assert eve.post(SUBMIT, data=FORM, files=FILE).status_code == 303
    with full.context.database.writing() as session:
        session.get_one(Submission, _of_eve(full)[-1].id).counts = False

    assert eve.post(SUBMIT, data=FORM, files=FILE).status_code == 303


def test_it_is_written_down_and_no_other_team_sees_it(full: Site) -> None:
    _give(full)

    with full.context.database.reading() as session:
        [entry] = session.scalars(select(AuditEntry).where(AuditEntry.action == Action.TRIES_GIVEN))
        assert entry.detail == {"phase": "dev", "number": 2, "reason": WHY}
    assert entry.actor_id == full.organiser.id
    assert "extra" not in full.browser(full.ada).get(SUBMIT).text
    assert "Oda" not in full.browser(full.eve).get(SUBMIT).text
    assert full.browser(full.ada).get(TRIES).status_code == 404


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"team": "Nobody"}, "No team of this challenge has this name."),
        ({"phase": "nothing"}, "Choose one of the phases of this challenge."),
        ({"number": "0"}, "Write a number from 1 to 100."),
        ({"number": "101"}, "Write a number from 1 to 100."),
        ({"number": "\u00b2"}, "Write a number from 1 to 100."),
        ({"reason": "  "}, "Say why: the team reads it, and the audit log keeps it."),
        ({"reason": "x" * 501}, "Write at most 500 characters."),
    ],
)
def test_what_is_wrong_is_said_and_nothing_given(
    site: Site, fields: dict[str, str], says: str
) -> None:
    answer = site.browser(site.organiser).post(TRIES, data=GIVEN | fields)

    assert answer.status_code == 422
    assert says in answer.text
    assert _rows(site) == []


def test_a_form_sent_twice_gives_once(site: Site) -> None:
    assert [_give(site, once="a"), _give(site, once="a"), _give(site, once="b")] == [303] * 3

    assert [row.number for row in _rows(site)] == [2, 2]


def test_programs_give_list_and_see_what_is_left(full: Site) -> None:
    organiser = full.program(full.token(full.organiser, Scope.ORGANISE))
    with full.context.database.reading() as session:
        team = session.scalars(select(Team.id).where(Team.name == "Team Eve")).one()
    wanted = {"phase": "dev", "team": team, "number": 1, "reason": WHY}
    key = {"idempotency-key": "one"}

    made = [organiser.post(f"{API}{TRIES}", json=wanted, headers=key) for _ in range(2)]
    other = organiser.post(f"{API}{TRIES}", json=wanted | {"number": 2}, headers=key)
    listed = organiser.get(f"{API}{TRIES}").json()
    phases = full.program(full.token(full.eve, Scope.READ)).get(f"{API}{ROOT}").json()["phases"]

    assert [one.status_code for one in made] == [200, 200]
    assert (other.status_code, other.json()["error"]["reason"]) == (422, "idempotency_key")
    assert listed["items"] == [made[0].json()]
    assert (made[0].json()["team_name"], made[0].json()["reason"]) == ("Team Eve", WHY)
    [left] = [one["left"] for one in phases if one["slug"] == "dev"]
    assert (left["total"], left["extra"]) == (0, 1)


def test_an_archive_rests(site: Site) -> None:
    with site.context.database.writing() as session:
        session.merge(site.digits.challenge).state = ChallengeState.ARCHIVED

    assert _give(site) == 403
    assert "Give a team tries" not in site.browser(site.organiser).get(TRIES).text
    assert _rows(site) == []
