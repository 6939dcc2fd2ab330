"""Logging in at a real provider, and everything that can go wrong on the way."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from urllib.parse import parse_qs, urlsplit

import pytest
from sqlalchemy import func, select
from starlette.testclient import TestClient

from portal.db.tables import Account, LoginSession, Person
from portal.domain.accounts.gates import Gate
from portal.domain.accounts.sessions import LOGIN_STATE_TTL
from portal.web.context import Provider
from tests.support import patient_http
from tests.support.servers import identity_provider
from tests.support.servers.identity_provider import IdentityProvider
from tests.support.web.site import Site, SiteMaker

BEGIN = "/login/campus"
CALLBACK = "/login/campus/callback"


@pytest.fixture(scope="session")
def provider() -> Iterator[IdentityProvider]:
    with identity_provider.running() as running:
        yield running


@pytest.fixture
def site(new_site: SiteMaker, provider: IdentityProvider) -> Site:
    return new_site(issuer=provider.issuer)


def _authorise(location: str, subject: str, action: str = "") -> str:
    """Answer the provider's form as a person would; return where it sends the browser."""
    data = {"action": action} if action else {"sub": subject}
    answer = patient_http.post(location, data=data)
    assert answer.status_code == 302
    return answer.headers["location"]


def _log_in(browser: TestClient, subject: str, back: str = "/") -> str:
    """Log in and return where the portal sends the browser in the end."""
    begun = browser.get(BEGIN, params={"next": back})
    assert begun.status_code == 302
    answer = browser.get(_authorise(begun.headers["location"], subject))
    assert answer.status_code == 303
    return answer.headers["location"]


def _count(site: Site, table: type) -> int:
    with site.context.database.reading() as session:
        return session.scalar(select(func.count()).select_from(table)) or 0


def test_a_first_login_makes_person_and_account_and_leads_back(site: Site) -> None:
    browser = site.browser()

    back = _log_in(browser, "ada", "/challenges/digits/submit")

    assert back == "/challenges/digits/submit"
    assert "Ada Vlasák" in browser.get("/account").text
    with site.context.database.reading() as session:
        account = session.scalars(select(Account)).one()
        assert account.subject == "ada"
        assert account.claims["eduperson_entitlement"] == ["urn:example:hpc"]
        assert not {"nonce", "exp", "aud"} & account.claims.keys()


def test_a_second_login_finds_the_same_person(site: Site) -> None:
    _log_in(site.browser(), "ada")
    people = _count(site, Person)

    _log_in(site.browser(), "ada")

    assert _count(site, Person) == people
    assert _count(site, Account) == 1


def test_the_request_carries_pkce_state_nonce_and_its_own_redirect_address(site: Site) -> None:
    location = site.browser().get(BEGIN).headers["location"]

    asked = parse_qs(urlsplit(location).query)

    assert asked["code_challenge_method"] == ["S256"]
    assert asked["redirect_uri"] == [f"{site.context.site_url}/login/campus/callback"]
    assert asked["response_type"] == ["code"]
    assert {"state", "nonce", "code_challenge"} <= asked.keys()


def test_staff_are_those_whom_the_providers_rule_names(site: Site) -> None:
    staff, ada = site.browser(), site.browser()
    _log_in(staff, "staff")
    _log_in(ada, "ada")

    assert staff.get("/-/patterns").status_code == 200
    assert ada.get("/-/patterns").status_code == 404


def test_a_name_from_the_provider_cannot_act(site: Site) -> None:
    browser = site.browser()
    _log_in(browser, "mallory")

    page = browser.get("/account").text

    assert "<script>alert" not in page
    assert "&lt;script&gt;alert(&#39;name&#39;)&lt;/script&gt;" in page


def test_the_cookie_changes_at_login_and_the_old_one_opens_nothing(site: Site) -> None:
    browser = site.browser()
    begun = browser.get(BEGIN)
    before = browser.cookies["sealrun"]
    browser.get(_authorise(begun.headers["location"], "ada"))

    after = browser.cookies["sealrun"]

    assert after != before
    assert (
        site.browser().get("/account", headers={"cookie": f"sealrun={before}"}).status_code == 303
    )
    assert _count(site, LoginSession) == 1


def test_a_secret_that_the_browser_brings_along_is_never_taken_up(site: Site) -> None:
    planted = "A" * 43
    browser = site.browser()
    browser.cookies["sealrun"] = planted

    begun = browser.get(BEGIN)

    assert planted not in begun.headers["set-cookie"]


def test_logging_out_deletes_the_session_so_that_a_copied_cookie_is_dead(site: Site) -> None:
    browser = site.browser(site.ada)
    stolen = browser.cookies["sealrun"]

    left = browser.post("/logout")

    assert left.status_code == 303
    assert "Max-Age=0" in left.headers["set-cookie"]
    thief = site.browser()
    thief.cookies["sealrun"] = stolen
    assert thief.get("/account").status_code == 303
    assert _count(site, LoginSession) == 0


def test_visitors_cost_no_row_until_they_begin_to_log_in(site: Site) -> None:
    browser = site.browser()
    for path in ("/", "/challenges/digits", "/login", "/nowhere"):
        assert "set-cookie" not in browser.get(path).headers

    rows = _count(site, LoginSession)
    browser.get(BEGIN)

    assert (rows, _count(site, LoginSession)) == (0, 1)


def test_an_unfinished_login_is_swept_when_its_time_is_over(
    site: Site, new_site: SiteMaker
) -> None:
    site.browser().get(BEGIN)
    _set_clock(site, site.context.clock() + LOGIN_STATE_TTL)

    site.browser().get(BEGIN)

    assert _count(site, LoginSession) == 1


@pytest.mark.parametrize(
    ("change", "status", "says"),
    [
        pytest.param("wrong_state", 400, "begun in another window", id="wrong-state"),
        pytest.param("no_state", 400, "begun in another window", id="no-state"),
        pytest.param("wrong_code", 400, "", id="wrong-code"),
        pytest.param("other_issuer", 400, "another login service", id="answer-of-another-issuer"),
        pytest.param("other_browser", 400, "begun in another window", id="another-browser"),
    ],
)
def test_an_answer_that_was_tampered_with_logs_nobody_in(
    site: Site, change: str, status: int, says: str
) -> None:
    browser = site.browser()
    answer = urlsplit(_authorise(browser.get(BEGIN).headers["location"], "ada"))
    values = {key: value[0] for key, value in parse_qs(answer.query).items()}
    match change:
        case "wrong_state":
            values["state"] = "x" * 20
        case "no_state":
            del values["state"]
        case "wrong_code":
            values["code"] = "x" * 20
        case "other_issuer":
            values["iss"] = "https://elsewhere.example.org"
        case "other_browser":
            browser = site.browser()

    page = browser.get(CALLBACK, params=values)

    assert page.status_code == status
    assert says in page.text
    assert "You are not logged in" in page.text
    assert browser.get("/account").status_code == 303


def test_an_answer_for_another_login_of_the_same_browser_is_not_trusted(site: Site) -> None:
    browser = site.browser()
    answer = _authorise(browser.get(BEGIN).headers["location"], "ada")
    with site.context.database.writing() as session:
        row = session.scalars(select(LoginSession)).one()
        [(state, kept)] = row.data["logins"].items()
        row.data = {"logins": {state: {**kept, "nonce": "another"}}}

    page = browser.get(answer)

    assert page.status_code == 400
    assert "could not be trusted" in page.text
    assert browser.get("/account").status_code == 303


def test_several_windows_can_log_in_at_once_and_only_the_last_few(site: Site) -> None:
    browser = site.browser()
    begun = [browser.get(BEGIN).headers["location"] for _ in range(6)]

    oldest = browser.get(_authorise(begun[0], "ada"))
    second = browser.get(_authorise(begun[1], "ada"))

    assert (oldest.status_code, "begun in another window" in oldest.text) == (400, True)
    assert second.status_code == 303
    assert browser.get("/account").status_code == 200


def test_a_login_that_took_too_long_is_begun_again(site: Site) -> None:
    browser = site.browser(site.ada)
    answer = _authorise(browser.get(BEGIN).headers["location"], "grace")
    _set_clock(site, site.context.clock() + LOGIN_STATE_TTL + timedelta(seconds=1))

    page = browser.get(answer)

    assert (page.status_code, "took too long" in page.text) == (400, True)
    assert "Ada Vlasák" in browser.get("/account").text


def test_a_login_ends_when_nothing_was_asked_for_long(site: Site) -> None:
    busy, idle = site.browser(site.ada), site.browser(site.ada)
    start = site.context.clock()

    for hours in (7, 14):
        _set_clock(site, start + timedelta(hours=hours))
        assert busy.get("/account").status_code == 200

    assert idle.get("/account").status_code == 303
    _set_clock(site, start + site.context.session_limits.longest)
    assert busy.get("/account").status_code == 303


def _set_clock(site: Site, now: datetime) -> None:
    site.change(clock=lambda: now)


def test_a_callback_works_only_once(site: Site) -> None:
    browser = site.browser()
    answer = _authorise(browser.get(BEGIN).headers["location"], "ada")
    begun = browser.cookies["sealrun"]
    browser.get(answer)

    again = browser.get(answer)
    replayed = site.browser()
    replayed.cookies["sealrun"] = begun

    assert again.status_code == 400
    assert "already been used" in again.text
    assert replayed.get(answer).status_code == 400


def test_a_declined_login_is_a_page_that_says_so(site: Site) -> None:
    browser = site.browser()
    answer = _authorise(browser.get(BEGIN).headers["location"], "", action="deny")

    page = browser.get(CALLBACK, params=parse_qs(urlsplit(answer).query))

    assert page.status_code == 403
    assert "declined" in page.text


def test_what_an_error_describes_itself_as_is_not_shown(site: Site) -> None:
    told = {"error": "server_error", "error_description": "Call this number: 555"}

    page = site.browser().get(CALLBACK, params=told)

    assert page.status_code == 400
    assert "555" not in page.text


def test_a_provider_that_is_down_is_a_page_that_says_so(new_site: SiteMaker) -> None:
    site = new_site(issuer="http://localhost:9")

    page = site.browser().get(BEGIN)

    assert page.status_code == 503
    assert "does not answer" in page.text


def test_a_provider_that_calls_itself_otherwise_is_not_used(
    new_site: SiteMaker, provider: IdentityProvider
) -> None:
    site = new_site(issuer=provider.issuer.replace("localhost", "127.0.0.1") + "/")

    assert site.browser().get(BEGIN).status_code == 503


def test_an_unknown_provider_is_not_found(site: Site) -> None:
    browser = site.browser()

    assert browser.get("/login/nobody").status_code == 404
    assert browser.get("/login/nobody/callback").status_code == 404


@pytest.mark.parametrize("wish", ["//evil.example", "https://evil.example/", "/\\evil.example"])
def test_a_login_never_leads_to_another_site(site: Site, wish: str) -> None:
    assert _log_in(site.browser(), "ada", wish) == "/"
    assert "evil.example" not in site.browser().get("/login", params={"next": wish}).text


def test_whoever_lacks_what_the_site_requires_is_not_logged_in(
    new_site: SiteMaker, provider: IdentityProvider
) -> None:
    site = new_site(
        providers=(
            Provider(
                id="campus",
                title="Campus",
                issuer=provider.issuer,
                client_id="sealrun",
                client_secret="not a secret",
                require=(
                    Gate(
                        title="Members of the HPC project",
                        claims={"eduperson_entitlement": ("urn:example:hpc",)},
                    ),
                ),
            ),
        )
    )
    grace = site.browser()
    begun = grace.get(BEGIN)

    refused = grace.get(_authorise(begun.headers["location"], "grace"))

    assert refused.status_code == 403
    assert "not what this site asks for" in refused.text
    assert _log_in(site.browser(), "ada") == "/"


def test_somebody_who_is_blocked_is_told_so_and_stays_outside(site: Site) -> None:
    _log_in(site.browser(), "ada")
    with site.context.database.writing() as session:
        person = session.get_one(Person, session.scalars(select(Account.person_id)).one())
        person.blocked_at = site.context.clock()
    sessions = _count(site, LoginSession)
    browser = site.browser()
    begun = browser.get(BEGIN)

    answer = browser.get(_authorise(begun.headers["location"], "ada"))

    assert answer.status_code == 403
    assert "Your account is blocked." in answer.text
    assert browser.get("/account").status_code == 303
    # The one that was begun is there, and nobody is logged in with it.
    assert _count(site, LoginSession) == sessions + 1
