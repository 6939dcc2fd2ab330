"""Whose an account is: issuer and subject say so, and only a person themselves can add another one."""

from collections.abc import Iterator

import pytest
from sqlalchemy import select
from starlette.testclient import TestClient

from portal.db.tables import Account, AuditEntry, LoginSession, Person, TermsAcceptance
from portal.domain.audit import Action
from portal.services.accounts.identity_linking import LAST_ONE, OF_SOMEBODY_ELSE
from portal.services.accounts.sign_in import BLOCKED
from portal.web.login.failures import SOMEBODY_ELSE
from tests.support import factories
from tests.support.providers import hostile as hostile_provider
from tests.support.providers.hostile import HostileProvider
from tests.support.web.login_steps import campus, log_in, register, who
from tests.support.web.site import Site, SiteMaker

ADD = "/account/logins/partner"


@pytest.fixture
def partner() -> Iterator[HostileProvider]:
    with hostile_provider.running() as running:
        yield running


@pytest.fixture
def site(new_site: SiteMaker, hostile: HostileProvider, partner: HostileProvider) -> Site:
    """Return a site with two providers, at both of which ``ada`` and others are known."""
    site = new_site(
        providers=(campus(hostile), campus(partner, id="partner", title="Partner University"))
    )
    register(site, hostile)
    register(site, partner)
    return site


def _onward(page: str) -> str:
    """Return where the page that a form answers with leads on to."""
    return page.partition('id="onward" href="')[2].partition('"')[0].replace("&amp;", "&")


def _add(browser: TestClient, provider: HostileProvider) -> str:
    """Begin to add a login and return the address with the provider's answer."""
    page = browser.post(ADD)
    assert page.status_code == 200
    assert page.headers["refresh"] == f"0; url={_onward(page.text)}"
    return provider.answer(_onward(page.text))


def _accounts(site: Site) -> dict[tuple[str, str], str]:
    with site.context.database.reading() as session:
        return {
            (one.issuer, one.subject): one.person_id for one in session.scalars(select(Account))
        }


def _audited(site: Site) -> list[tuple[Action, str]]:
    with site.context.database.reading() as session:
        entries = session.scalars(select(AuditEntry).order_by(AuditEntry.number))
        return [(entry.action, entry.subject_id) for entry in entries]


def test_the_same_email_address_at_two_providers_is_two_people(
    site: Site, hostile: HostileProvider, partner: HostileProvider
) -> None:
    log_in(site.browser(), hostile)
    log_in(site.browser(), partner, "/login/partner")

    accounts = _accounts(site)

    assert accounts.keys() == {(hostile.issuer, "ada"), (partner.issuer, "ada")}
    assert len(set(accounts.values())) == 2
    with site.context.database.reading() as session:
        rows = session.scalars(select(Account)).all()
        assert {row.claims["email"] for row in rows} == {"ada@nordholm.example"}
        assert {row.unique_id for row in rows} == {"a1b2c3@nordholm.example"}


def test_a_person_adds_a_login_and_finds_the_same_account_through_both(
    site: Site, hostile: HostileProvider, partner: HostileProvider
) -> None:
    browser = site.browser()
    log_in(browser, hostile)
    [ada] = set(_accounts(site).values())

    added = browser.get(_add(browser, partner))
    through_partner = site.browser()
    log_in(through_partner, partner, "/login/partner")

    assert (added.status_code, added.headers["location"]) == (303, "/account#logins")
    assert _accounts(site) == {(hostile.issuer, "ada"): ada, (partner.issuer, "ada"): ada}
    assert "Partner University" in browser.get("/account").text
    assert _audited(site) == [
        (Action.LOGGED_IN, ada), (Action.LOGIN_LINKED, ada), (Action.LOGGED_IN, ada),
    ]  # fmt: skip
    assert [login.asked.get("prompt") for login in partner.logins.values()] == ["login", None]


def test_the_cookie_changes_when_a_login_is_added_and_the_old_one_opens_nothing(
    site: Site, hostile: HostileProvider, partner: HostileProvider
) -> None:
    browser, copied = site.browser(), site.browser()
    log_in(browser, hostile)
    answer = _add(browser, partner)
    before = copied.cookies["sealrun"] = browser.cookies["sealrun"]

    browser.get(answer)

    assert browser.cookies["sealrun"] != before
    assert browser.get("/account").status_code == 200
    assert copied.get("/account").headers["location"].startswith("/login")
    with site.context.database.reading() as session:
        assert len(session.scalars(select(LoginSession)).all()) == 1


def test_an_address_cannot_begin_to_add_a_login(
    site: Site, hostile: HostileProvider, partner: HostileProvider
) -> None:
    browser = site.browser()
    log_in(browser, hostile)

    assert browser.get(ADD).status_code == 405
    assert site.browser().post(ADD).headers["location"].startswith("/login?")
    foreign = browser.post(ADD, headers={"sec-fetch-site": "cross-site"})
    assert foreign.status_code == 403
    assert partner.requests == []


def test_a_login_that_was_begun_by_one_person_is_not_added_to_another(
    site: Site, hostile: HostileProvider, partner: HostileProvider
) -> None:
    browser = site.browser()
    log_in(browser, hostile)
    answer = _add(browser, partner)
    with site.context.database.writing() as session:
        row = session.scalars(select(LoginSession).where(LoginSession.person_id.is_not(None))).one()
        row.person_id = site.eve.id

    page = browser.get(answer)

    assert (page.status_code, SOMEBODY_ELSE in page.text) == (403, True)
    assert _accounts(site).keys() == {(hostile.issuer, "ada")}


def test_an_answer_that_another_browser_brings_adds_nothing(
    site: Site, hostile: HostileProvider, partner: HostileProvider
) -> None:
    browser, victim = site.browser(), site.browser(site.eve)
    log_in(browser, hostile)

    page = victim.get(_add(browser, partner))

    assert (page.status_code, "begun in another window" in page.text) == (400, True)
    assert _accounts(site).keys() == {(hostile.issuer, "ada")}
    assert who(victim) == "Eve Other"


def test_somebody_who_has_done_nothing_here_becomes_the_one_who_adds_them(
    site: Site, hostile: HostileProvider, partner: HostileProvider
) -> None:
    other, browser = site.browser(), site.browser()
    log_in(other, partner, "/login/partner")
    [nobody] = _accounts(site).values()
    with site.context.database.writing() as session:
        session.add(
            TermsAcceptance(person_id=nobody, version="1", accepted_at=site.context.clock())
        )
    log_in(browser, hostile)

    browser.get(_add(browser, partner))

    accounts = _accounts(site)
    assert accounts[hostile.issuer, "ada"] == accounts[partner.issuer, "ada"] != nobody
    with site.context.database.reading() as session:
        assert session.get(Person, nobody) is None
    assert who(other) == ""
    assert (Action.PEOPLE_JOINED, nobody) in _audited(site)


@pytest.mark.parametrize("trace", ["team", "role", "staff", "blocked"])
def test_a_login_of_somebody_who_has_taken_part_is_not_added(
    site: Site, hostile: HostileProvider, partner: HostileProvider, trace: str
) -> None:
    browser = site.browser()
    log_in(site.browser(), partner, "/login/partner")
    [theirs] = _accounts(site).values()
    with site.context.database.writing() as session:
        person = session.get_one(Person, theirs)
        match trace:
            case "team":
                factories.add_team(session, site.digits, "Team of theirs", person)
            case "role":
                factories.add_organiser(session, site.digits, person)
            case "staff":
                person.is_staff = True
            case "blocked":
                person.blocked_at = site.context.clock()
    log_in(browser, hostile)

    page = browser.get(_add(browser, partner))

    assert (page.status_code, OF_SOMEBODY_ELSE in page.text) == (403, True)
    assert _accounts(site)[partner.issuer, "ada"] == theirs
    assert who(browser) == "Ada Vlasák"


def test_a_login_is_taken_away_and_what_came_through_it_is_logged_out(
    site: Site, hostile: HostileProvider, partner: HostileProvider
) -> None:
    browser, through_partner = site.browser(), site.browser()
    log_in(browser, hostile)
    browser.get(_add(browser, partner))
    log_in(through_partner, partner, "/login/partner")

    removed = browser.post(
        "/account/logins/remove", data={"issuer": partner.issuer, "subject": "ada"}
    )
    last = browser.post("/account/logins/remove", data={"issuer": hostile.issuer, "subject": "ada"})

    assert removed.headers["location"] == "/account#logins"
    assert who(through_partner) == ""
    assert (last.status_code, LAST_ONE in last.text) == (422, True)
    assert _accounts(site).keys() == {(hostile.issuer, "ada")}
    assert who(browser) == "Ada Vlasák"
    assert _audited(site)[-1][0] is Action.LOGIN_UNLINKED


def test_a_login_of_somebody_else_cannot_be_taken_away(
    site: Site, hostile: HostileProvider, partner: HostileProvider
) -> None:
    browser = site.browser()
    log_in(browser, hostile)
    log_in(site.browser(), partner, "/login/partner")

    page = browser.post("/account/logins/remove", data={"issuer": partner.issuer, "subject": "ada"})

    assert page.status_code == 404
    assert len(_accounts(site)) == 2


def test_staff_are_staff_only_through_the_account_that_says_so_and_only_as_long(
    site: Site, hostile: HostileProvider, partner: HostileProvider
) -> None:
    hostile.subject = "staff"
    as_staff, as_guest, later = site.browser(), site.browser(), site.browser()
    log_in(as_staff, hostile)
    as_staff.get(_add(as_staff, partner))
    log_in(as_guest, partner, "/login/partner")
    before = [one.get("/staff").status_code for one in (as_staff, as_guest)]

    hostile.claims = {"eduperson_entitlement": ["urn:example:hpc"]}
    log_in(later, hostile)

    assert before == [200, 404]
    assert [one.get("/staff").status_code for one in (as_staff, as_guest, later)] == [404] * 3


def test_somebody_who_is_blocked_does_not_get_in_through_any_login(
    site: Site, hostile: HostileProvider, partner: HostileProvider
) -> None:
    browser = site.browser()
    log_in(browser, hostile)
    browser.get(_add(browser, partner))
    with site.context.database.writing() as session:
        for person in session.scalars(select(Person)):
            person.blocked_at = site.context.clock()

    outcome = log_in(site.browser(), partner, "/login/partner")

    assert (outcome.status, BLOCKED in outcome.page) == (403, True)
    assert outcome.reason == "blocked"


def test_a_login_can_open_a_challenges_door_with_a_second_factor(
    site: Site, hostile: HostileProvider
) -> None:
    mfa = "https://refeds.org/profile/mfa"
    with site.context.database.writing() as session:
        challenge = session.merge(site.digits.challenge)
        challenge.join_policy = "claims"
        challenge.join_gate = {"title": "Two factors", "claims": {"acr": [mfa]}, "ask": ""}
    browser = site.browser()
    log_in(browser, hostile)
    plain = dict(hostile.asked("authorization"))

    hostile.fault = hostile_provider.Fault.WEAKER_ACR
    weak = log_in(browser, hostile, "/login/campus?for=digits&next=/challenges/digits")
    hostile.fault = None
    strong = log_in(browser, hostile, "/login/campus?for=digits&next=/challenges/digits")

    assert "acr_values" not in plain
    assert (weak.reason, weak.entry["rule"]) == ("acr_too_weak", "Two factors")
    assert "for=digits" in weak.page
    assert strong.location == "/challenges/digits"
    assert hostile.asked("authorization")["acr_values"] == mfa
    with site.context.database.reading() as session:
        row = session.scalars(select(LoginSession).where(LoginSession.person_id.is_not(None))).one()
        assert row.acr == mfa


def test_whoever_takes_away_the_login_that_they_came_through_is_logged_out(
    site: Site, hostile: HostileProvider, partner: HostileProvider
) -> None:
    browser = site.browser()
    log_in(browser, hostile)
    browser.get(_add(browser, partner))

    browser.post("/account/logins/remove", data={"issuer": hostile.issuer, "subject": "ada"})

    assert who(browser) == ""
    assert _accounts(site).keys() == {(partner.issuer, "ada")}


def test_a_login_service_that_is_down_adds_nothing(
    site: Site, hostile: HostileProvider, partner: HostileProvider
) -> None:
    browser = site.browser()
    log_in(browser, hostile)
    partner.fault = hostile_provider.Fault.DISCOVERY_NAMES_ANOTHER_ISSUER

    page = browser.post(ADD)

    assert (page.status_code, "This login did not work" in page.text) == (503, True)
    assert who(browser) == "Ada Vlasák"


def test_adding_a_login_that_is_mine_already_changes_nothing(
    site: Site, hostile: HostileProvider, partner: HostileProvider
) -> None:
    browser = site.browser()
    log_in(browser, hostile)
    browser.get(_add(browser, partner))

    again = browser.get(_add(browser, partner))

    assert again.status_code == 303
    assert len(_accounts(site)) == 2
