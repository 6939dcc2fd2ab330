"""Getting in as somebody else: by another provider's answer, an address, a planted or an old cookie."""

from collections.abc import Iterator

import pytest
from sqlalchemy import select

from portal.db.tables import Account, LoginSession
from tests.support.providers import hostile as hostile_provider
from tests.support.providers.hostile import HostileProvider
from tests.support.web.login_steps import campus, log_in, register, who
from tests.support.web.site import Site, SiteMaker

MISPLACED = "came to the address of another"


@pytest.fixture
def partner() -> Iterator[HostileProvider]:
    with hostile_provider.running() as running:
        yield running


@pytest.fixture
def site(new_site: SiteMaker, hostile: HostileProvider, partner: HostileProvider) -> Site:
    """Return a site with two providers, at both of which ``ada`` is known."""
    site = new_site(
        providers=(campus(hostile), campus(partner, id="partner", title="Partner University"))
    )
    register(site, hostile)
    register(site, partner)
    return site


@pytest.mark.attack(47)
def test_an_answer_at_the_address_of_another_provider_logs_nobody_in(
    site: Site, hostile: HostileProvider, partner: HostileProvider
) -> None:
    browser = site.browser()
    answer = hostile.answer(browser.get("/login/campus").headers["location"])
    misplaced = answer.replace("/login/campus/", "/login/partner/")

    page = browser.get(misplaced)

    assert page.status_code == 400
    assert who(browser) == ""
    # The code was not shown to the provider that it is not from: that one could have used it.
    assert [one for one in partner.requests if one.endpoint == "token"] == []
    # At its own address a fresh answer of the same provider is good.
    assert log_in(browser, hostile).status == 303
    assert who(browser) == "Ada Vlasák"


@pytest.mark.attack(47)
def test_an_answer_that_somebody_else_begun_is_worth_nothing_in_my_browser(
    site: Site, hostile: HostileProvider
) -> None:
    attacker, victim = site.browser(), site.browser()
    planted = hostile.answer(attacker.get("/login/campus").headers["location"])

    page = victim.get(planted)

    assert page.status_code == 400
    assert who(victim) == ""
    # In the browser that it was made for it is good: what the victim lacks is the state's owner.
    assert attacker.get(planted).status_code == 303


@pytest.mark.attack(48)
def test_the_same_address_from_another_issuer_is_somebody_else(
    site: Site, hostile: HostileProvider, partner: HostileProvider
) -> None:
    victim, attacker = site.browser(), site.browser()
    log_in(victim, hostile)
    log_in(attacker, partner, "/login/partner")

    with site.context.database.reading() as session:
        accounts = session.scalars(select(Account)).all()

    # All that an e-mail address could be matched by is equal.
    assert {row.claims["email"] for row in accounts} == {"ada@nordholm.example"}
    assert {row.subject for row in accounts} == {"ada"}
    assert len({row.person_id for row in accounts}) == 2


@pytest.mark.attack(52)
def test_a_planted_cookie_does_not_become_the_victims_session(
    site: Site, hostile: HostileProvider
) -> None:
    attacker, victim = site.browser(), site.browser()
    attacker.get("/login/campus")
    planted = attacker.cookies["sealrun"]
    victim.cookies.set("sealrun", planted, domain="127.0.0.1", path="/")
    log_in(victim, hostile)

    assert who(victim) == "Ada Vlasák"
    assert who(attacker) == ""
    assert victim.cookies["sealrun"] != planted


@pytest.mark.attack(52)
def test_a_cookie_that_was_copied_before_the_logout_opens_nothing_after_it(site: Site) -> None:
    browser, thief = site.browser(site.ada), site.browser()
    thief.cookies["sealrun"] = browser.cookies["sealrun"]
    assert thief.get("/account").status_code == 200

    browser.post("/logout")

    answer = thief.get("/account")
    assert (answer.status_code, answer.headers["location"].partition("?")[0]) == (303, "/login")
    with site.context.database.reading() as session:
        assert session.scalars(select(LoginSession)).all() == []
