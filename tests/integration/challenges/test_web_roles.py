"""Who works for a challenge: named in two steps by owners, and there is always an owner."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import select

from portal.db.engine import Database
from portal.db.tables import AuditEntry, Organiser, Person
from portal.domain.accounts.people import Actor
from portal.domain.audit import Action
from portal.domain.errors import ParticipantError
from portal.domain.permissions import Role
from portal.services.challenges import roles
from tests.support import factories
from tests.support.factories import NOW
from tests.support.web.site import Site

ROOT = "/challenges/digits"
ROLES = f"{ROOT}/roles"


def _add(site: Site, person: Person, role: Role) -> None:
    with site.context.database.writing() as session:
        factories.add_organiser(session, site.digits, person, role)


def _roles(site: Site) -> dict[str, Role]:
    with site.context.database.reading() as session:
        return {row.person_id: row.role for row in session.scalars(select(Organiser))}


def _entries(site: Site) -> list[AuditEntry]:
    with site.context.database.reading() as session:
        return list(session.scalars(select(AuditEntry).order_by(AuditEntry.number)))


def test_the_name_is_shown_before_a_role_is_given(site: Site) -> None:
    browser = site.browser(site.organiser)
    fields = {"person": f" {site.newcomer.id} ", "role": "reviewer"}

    asked = browser.post(ROLES, data=fields)

    assert asked.status_code == 200
    assert "Is this the right person?" in asked.text
    assert "<strong>Nina New</strong> will be" in asked.text
    assert f'name="person" value="{site.newcomer.id}"' in asked.text
    assert _roles(site) == {site.organiser.id: Role.OWNER}
    assert _entries(site) == []


def test_a_role_is_given_when_it_is_confirmed(site: Site) -> None:
    browser = site.browser(site.organiser)
    fields = {"person": site.newcomer.id, "role": "reviewer", "sure": "yes"}

    answer = browser.post(ROLES, data=fields)

    assert (answer.status_code, answer.headers["location"]) == (303, ROLES)
    assert _roles(site) == {site.organiser.id: Role.OWNER, site.newcomer.id: Role.REVIEWER}
    [entry] = _entries(site)
    assert (entry.action, entry.actor_id, entry.subject_id) == (
        Action.ROLE_GIVEN, site.organiser.id, site.newcomer.id,
    )  # fmt: skip
    assert (entry.challenge_id, entry.origin) == (site.digits.challenge.id, "testclient")
    assert entry.detail == {"role": "reviewer", "before": None}
    assert "Nina New" in browser.get(ROLES).text


def test_another_role_takes_the_place_of_the_first(site: Site) -> None:
    _add(site, site.newcomer, Role.REVIEWER)
    fields = {"person": site.newcomer.id, "role": "owner"}
    browser = site.browser(site.organiser)

    asked = browser.post(ROLES, data=fields)
    browser.post(ROLES, data={**fields, "sure": "yes"})

    assert "an owner of this challenge, and is no longer reviewer" in " ".join(asked.text.split())
    assert _roles(site)[site.newcomer.id] is Role.OWNER
    assert _entries(site)[0].detail == {"role": "owner", "before": "reviewer"}


@pytest.mark.parametrize("sure", ["", "yes"])
@pytest.mark.parametrize(
    ("person", "role", "message"),
    [
        ("nobody", "owner", "Nobody has this account number."),
        ("", "owner", "Nobody has this account number."),
        ("NEW", "king", "Choose what the person is to do."),
        ("NEW", "", "Choose what the person is to do."),
        ("ME", "reviewer", "Nobody changes their own role."),
        ("ADA", "reviewer", "This person has this role already."),
        ("EVE", "reviewer", "Nobody has this account number."),
    ],
)
def test_what_cannot_be_is_said_beside_the_form(
    site: Site, person: str, role: str, message: str, sure: str
) -> None:
    _add(site, site.ada, Role.REVIEWER)
    with site.context.database.writing() as session:
        session.get_one(Person, site.eve.id).blocked_at = NOW
    known = {
        "NEW": site.newcomer.id, "ME": site.organiser.id, "ADA": site.ada.id, "EVE": site.eve.id,
    }  # fmt: skip
    before = _roles(site)

    fields = {"person": known.get(person, person), "role": role, "sure": sure}
    answer = site.browser(site.organiser).post(ROLES, data=fields)

    assert answer.status_code == 422
    assert message in answer.text
    assert _roles(site) == before
    assert _entries(site) == []


def test_a_role_is_taken_away(site: Site) -> None:
    _add(site, site.newcomer, Role.ORGANISER)

    answer = site.browser(site.organiser).post(f"{ROLES}/{site.newcomer.id}/remove")

    assert (answer.status_code, answer.headers["location"]) == (303, ROLES)
    assert _roles(site) == {site.organiser.id: Role.OWNER}
    [entry] = _entries(site)
    assert (entry.action, entry.subject_id) == (Action.ROLE_TAKEN, site.newcomer.id)
    assert entry.detail == {"role": "organiser"}


@pytest.mark.parametrize("role", [Role.ORGANISER, Role.REVIEWER, Role.OWNER])
def test_everybody_may_step_down(site: Site, role: Role) -> None:
    _add(site, site.newcomer, role)

    answer = site.browser(site.newcomer).post(f"{ROLES}/{site.newcomer.id}/remove")

    assert (answer.status_code, answer.headers["location"]) == (303, ROOT)
    assert _roles(site) == {site.organiser.id: Role.OWNER}
    assert _entries(site)[0].actor_id == site.newcomer.id


@pytest.mark.parametrize("who", ["organiser", "staff"])
def test_the_last_owner_stays(site: Site, who: str) -> None:
    _add(site, site.newcomer, Role.ORGANISER)
    browser = site.browser(getattr(site, who))

    answer = browser.post(f"{ROLES}/{site.organiser.id}/remove")

    assert answer.status_code == 422
    assert "A challenge keeps an owner" in answer.text
    assert _roles(site)[site.organiser.id] is Role.OWNER
    assert f"{site.organiser.id}/remove" not in browser.get(ROLES).text


def test_the_last_owner_is_not_made_something_less_either(site: Site) -> None:
    fields = {"person": site.organiser.id, "role": "reviewer", "sure": "yes"}

    answer = site.browser(site.staff).post(ROLES, data=fields)

    assert answer.status_code == 422
    assert "A challenge keeps an owner" in answer.text
    assert _roles(site) == {site.organiser.id: Role.OWNER}


def test_staff_may_name_themselves(site: Site) -> None:
    fields = {"person": site.staff.id, "role": "owner", "sure": "yes"}

    answer = site.browser(site.staff).post(ROLES, data=fields)

    assert answer.status_code == 303
    assert _roles(site)[site.staff.id] is Role.OWNER


@pytest.mark.parametrize("role", [Role.ORGANISER, Role.REVIEWER])
def test_organisers_and_reviewers_see_the_roles_and_change_none(site: Site, role: Role) -> None:
    _add(site, site.newcomer, role)
    browser = site.browser(site.newcomer)
    fields = {"person": site.ada.id, "role": "reviewer"}

    page = browser.get(ROLES)
    answers = [
        browser.post(ROLES, data=fields),
        browser.post(ROLES, data={**fields, "sure": "yes"}),
        browser.post(f"{ROLES}/{site.organiser.id}/remove"),
    ]

    assert page.status_code == 200
    assert "Oda Organiser" in page.text
    assert "Give somebody a role" not in page.text
    assert f"{site.organiser.id}/remove" not in page.text
    assert f"{site.newcomer.id}/remove" in page.text
    assert [answer.status_code for answer in answers] == [403, 403, 403]
    assert _roles(site) == {site.organiser.id: Role.OWNER, site.newcomer.id: role}
    assert _entries(site) == []


def test_others_are_told_that_there_is_nothing(site: Site) -> None:
    for person in (site.ada, site.newcomer):
        browser = site.browser(person)
        fields = {"person": site.ada.id, "role": "owner", "sure": "yes"}
        answers = (
            browser.get(ROLES),
            browser.post(ROLES, data=fields),
            browser.post(f"{ROLES}/{site.organiser.id}/remove"),
            browser.post("/challenges/nothing/roles", data=fields),
        )
        assert [answer.status_code for answer in answers] == [404, 404, 404, 404]

    visitor = site.browser().post(ROLES, data={})
    assert visitor.headers["location"] == "/login?next=%2F"
    assert _roles(site) == {site.organiser.id: Role.OWNER}


def test_an_owner_of_one_challenge_is_nobody_in_another(site: Site) -> None:
    with site.context.database.writing() as session:
        other = factories.add_challenge(session, "other", "Another")
        factories.add_organiser(session, other, site.newcomer)
    fields = {"person": site.newcomer.id, "role": "owner", "sure": "yes"}

    answer = site.browser(site.newcomer).post(ROLES, data=fields)

    assert answer.status_code == 404


def test_two_owners_who_remove_each_other_at_once_leave_one(database: Database) -> None:
    with database.writing() as session:
        digits = factories.add_challenge(session)
        one, other = (factories.add_person(session, name) for name in ("One", "Other"))
        for person in (one, other):
            factories.add_organiser(session, digits, person)
    start = threading.Barrier(2)

    def remove(actor: Person, whom: Person) -> str:
        start.wait()
        try:
            with database.writing() as session:
                roles.take(
                    session, actor=Actor(person_id=actor.id), slug="digits", person_id=whom.id,
                    now=NOW,
                )  # fmt: skip
        except ParticipantError as refusal:
            return refusal.reason
        return "done"

    with ThreadPoolExecutor(2) as pool:
        answers = sorted(pool.map(remove, (one, other), (other, one)))

    with database.reading() as session:
        left = session.scalars(select(Organiser)).all()
    assert len(left) == 1
    # The second is nobody any more by the time that it is their turn.
    assert answers == ["done", "not_found"]


@pytest.mark.parametrize("more", [0, 20])
def test_the_roles_take_as_many_queries_however_many_there_are(site: Site, more: int) -> None:
    with site.context.database.writing() as session:
        for n in range(more):
            factories.add_organiser(
                session, site.digits, factories.add_person(session, f"P{n}"), Role.REVIEWER
            )

    browser = site.browser(site.organiser)
    with site.counted_queries() as statements:
        page = browser.get(ROLES)

    assert page.text.count('<th scope="row"') == 1 + more
    # The login, the challenge with its phases, titles of its pages, the roles; the challenge and its invitations.
    assert len([s for s in statements if s.lstrip().upper().startswith("SELECT")]) == 6
