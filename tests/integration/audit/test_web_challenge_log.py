"""Organisers read their challenge's part of the audit log, and nothing that is the site's or another challenge's."""

import csv
import io

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from portal.db.tables import AuditEntry, Challenge, Person
from portal.domain.accounts.people import Actor, operator
from portal.domain.audit import ORGANISERS_READ, Action, Subject
from portal.domain.permissions import Role
from portal.services.audit import log as audit_log
from tests.support import factories
from tests.support.factories import DAY, NOW
from tests.support.web.site import Site

ROOT = "/challenges/digits/log"
ORIGIN = "203.0.113.77"
SECRET = "/srv/private/path"


def _note(
    session: Session, site: Site, actor: Actor, action: Action, subject: Subject, **more: object
) -> None:
    values = {"challenge_id": site.digits.challenge.id, "now": NOW} | more
    audit_log.note(session, actor=actor, action=action, subject=subject, **values)  # type: ignore[arg-type]


@pytest.fixture
def logged(site: Site) -> Site:
    """Let all kinds of things have happened."""
    with site.context.database.writing() as session:
        other = factories.add_challenge(session, slug="other")
        staff = Actor(person_id=site.staff.id, origin=ORIGIN)
        oda = Actor(person_id=site.organiser.id, origin=ORIGIN)
        ada = Subject(kind="person", id=site.ada.id)
        submission = Subject(kind="submission", id=site.submission_id)
        _note(session, site, oda, Action.JOIN_ADMITTED, ada)
        _note(
            session, site, oda, Action.SUBMISSION_MARKED, submission, mark="hidden",
            reason="=1+1", hidden_detail=SECRET,
        )  # fmt: skip
        _note(session, site, staff, Action.SEALED_LOOKED_AT, submission)
        _note(
            session, site, staff, Action.TROUBLE_RETRIED, submission, choice="retry", number=1,
            problem=SECRET, what="internal",
        )  # fmt: skip
        _note(
            session,
            site,
            operator("root"),
            Action.CHALLENGE_CHANGED,
            Subject(kind="challenge", id=site.digits.challenge.id),
            revision=2,
        )
        _note(
            session, site, oda, Action.ROLE_GIVEN, Subject(kind="person", id=site.eve.id),
            challenge_id=other.challenge.id, role="owner",
        )  # fmt: skip
        _note(session, site, staff, Action.PERSON_BLOCKED, ada, challenge_id=None)
        _note(session, site, staff, Action.PERSON_LOOKED_AT, ada)
    return site


def _rows(site: Site, query: str = "") -> list[dict[str, str]]:
    answer = site.browser(site.organiser).get(f"{ROOT}.csv{query}")
    assert answer.status_code == 200
    return list(csv.DictReader(io.StringIO(answer.text)))


def test_organisers_read_what_was_done_in_their_challenge_and_no_more(logged: Site) -> None:
    page = logged.browser(logged.organiser).get(ROOT).text
    rows = _rows(logged)

    assert "Oda Organiser" in page
    assert [row["action"] for row in rows[:5]] == [
        "join.admitted", "submission.marked", "sealed.looked_at", "trouble.retried",
        "challenge.changed",
    ]  # fmt: skip
    assert [row["who"] for row in rows[:5]] == [
        "Oda Organiser", "Oda Organiser", "Site staff", "Site staff", "operator",
    ]  # fmt: skip
    assert rows[1]["more"] == "mark: hidden, reason: =1+1"
    everything = page + str(rows)
    for hidden in (ORIGIN, SECRET, "internal", logged.staff.id, "blocked", "other", "/staff/"):
        assert hidden not in everything, hidden


def test_no_cell_is_a_formula(logged: Site) -> None:
    with logged.context.database.writing() as session:
        session.get_one(Person, logged.organiser.id).display_name = "=cmd|x"

    assert {row["who"] for row in _rows(logged)} >= {"'=cmd|x"}


def test_entries_are_found_by_person_action_and_day(logged: Site) -> None:
    with logged.context.database.writing() as session:
        _note(
            session, logged, Actor(person_id=logged.ada.id), Action.JOINED,
            Subject(kind="person", id=logged.ada.id), now=NOW - 3 * DAY,
        )  # fmt: skip

    def actions(query: str) -> list[str]:
        return [row["action"] for row in _rows(logged, query) if row["action"] != "audit.looked_at"]

    assert actions("?who=vlas") == ["join.admitted", "join.joined"]
    assert actions(f"?who={logged.ada.id}") == ["join.admitted", "join.joined"]
    assert actions("?who=operator") == ["challenge.changed"]
    assert actions("?who=Site") == []
    assert actions(f"?who={logged.staff.id}") == []
    assert actions("?what=submissions") == ["submission.marked", "trouble.retried"]
    assert actions("?to=2026-11-22") == ["join.joined"]
    assert actions("?from=2026-11-23&what=joining") == ["join.admitted"]
    organiser = logged.browser(logged.organiser)
    assert organiser.get(f"{ROOT}?from=yesterday").status_code == 422
    assert organiser.get(f"{ROOT}.csv?from=yesterday").status_code == 404
    assert organiser.get(f"{ROOT}?what=else").status_code == 422
    assert "There is no such entry." in organiser.get(f"{ROOT}?who=nobody").text


def test_a_look_is_written_down_once_for_all_of_its_pages(logged: Site) -> None:
    with logged.context.database.writing() as session:
        for _ in range(60):
            _note(
                session, logged, Actor(person_id=logged.ada.id), Action.TEAM_RENAMED,
                Subject(kind="team", id="x"),
            )  # fmt: skip
    organiser = logged.browser(logged.organiser)

    first, second = organiser.get(f"{ROOT}?what=teams"), organiser.get(f"{ROOT}?what=teams&page=2")

    assert (first.status_code, second.status_code) == (200, 200)
    assert organiser.get(f"{ROOT}?what=teams&page=3").status_code == 404
    with logged.context.database.reading() as session:
        looks = session.scalars(
            select(AuditEntry).where(AuditEntry.action == Action.LOG_LOOKED_AT)
        ).all()
    assert [(one.challenge_id, one.detail) for one in looks] == [
        (logged.digits.challenge.id, {"what": "teams", "challenge": "digits"})
    ]


@pytest.mark.parametrize("who", ["ada", "newcomer", "reviewer", "another"])
@pytest.mark.parametrize("path", [ROOT, f"{ROOT}.csv"])
def test_nobody_else_reads_it(logged: Site, who: str, path: str) -> None:
    person = {"ada": logged.ada}.get(who, logged.newcomer)
    with logged.context.database.writing() as session:
        if who == "reviewer":
            factories.add_organiser(session, logged.digits, person, Role.REVIEWER)
        if who == "another":
            other = session.scalars(select(Challenge).where(Challenge.slug == "other")).one()
            session.add(factories.Organiser(challenge_id=other.id, person_id=person.id))

    answer = logged.browser(person).get(path)

    assert answer.status_code == 404
    assert "Oda" not in answer.text


@pytest.mark.parametrize("number", [1, 30])
def test_the_page_takes_a_fixed_number_of_queries(logged: Site, number: int) -> None:
    with logged.context.database.writing() as session:
        for n in range(number):
            person = factories.add_person(session, f"Person {n}")
            _note(
                session, logged, Actor(person_id=person.id), Action.JOINED,
                Subject(kind="person", id=person.id),
            )  # fmt: skip
    organiser = logged.browser(logged.organiser)

    with logged.counted_queries() as queries:
        organiser.get(ROOT)

    assert len(queries) == 12


def test_details_that_organisers_read_are_of_entries_that_have_them() -> None:
    assert Action.ROLE_GIVEN in ORGANISERS_READ
    for action in (
        Action.PERSON_BLOCKED,
        Action.LOGGED_IN,
        Action.TOKEN_MADE,
        Action.DATA_MEASURED,
    ):
        assert action not in ORGANISERS_READ
