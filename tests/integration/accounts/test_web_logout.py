"""Logging out ends the session here first, whatever the provider does; and providers can end it, too."""

from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit

import anyio
import pytest
from sqlalchemy import select
from structlog.testing import capture_logs

from portal.db.tables import AuditEntry, LoginSession, SpentLogoutToken
from portal.domain.audit import Action
from portal.web.login.failures import LoginError
from tests.support.providers.client import answer_of
from tests.support.providers.hostile import Fault, HostileProvider, LogoutFault
from tests.support.providers.hostile_tokens import LOGOUT_EVENT, signed
from tests.support.web.login_steps import log_in, site_at, who
from tests.support.web.site import Site, SiteMaker

ORDER = "/login/campus/back-channel-logout"


@pytest.fixture
def site(new_site: SiteMaker, hostile: HostileProvider) -> Site:
    return site_at(new_site, hostile)


def _onward(page: str) -> str:
    return page.partition('id="onward" href="')[2].partition('"')[0].replace("&amp;", "&")


def test_logging_out_goes_on_to_the_provider_and_comes_back(
    site: Site, hostile: HostileProvider
) -> None:
    browser = site.browser()
    log_in(browser, hostile)
    stolen = browser.cookies["sealrun"]

    left = browser.post("/logout")
    ended_before = who(browser)
    asked = answer_of(_onward(left.text))
    back = hostile.answer(_onward(left.text))
    page = browser.get(back)

    assert left.headers["refresh"] == f"0; url={_onward(left.text)}"
    assert ended_before == ""
    assert urlsplit(_onward(left.text)).path == "/end_session"
    assert asked["client_id"] == hostile.client_id
    assert asked["post_logout_redirect_uri"] == f"{site.context.site_url}/logged-out"
    assert asked["id_token_hint"].count(".") == 2
    assert "sent you back after its own logout" in page.text
    thief = site.browser()
    thief.cookies["sealrun"] = stolen
    assert who(thief) == ""
    with site.context.database.reading() as session:
        actions = session.scalars(select(AuditEntry.action).order_by(AuditEntry.number)).all()
    assert actions == [Action.LOGGED_IN, Action.LOGGED_OUT]


@pytest.mark.parametrize("state", ["", "another"])
def test_an_address_cannot_claim_that_somebody_was_at_the_provider(
    site: Site, hostile: HostileProvider, state: str
) -> None:
    browser = site.browser()
    log_in(browser, hostile)
    browser.post("/logout")

    page = browser.get("/logged-out", params={"state": state})

    assert "login may still be open" in page.text


def test_logging_out_works_when_the_provider_is_down(site: Site, hostile: HostileProvider) -> None:
    browser = site.browser()
    log_in(browser, hostile)
    site.app.state.logins["campus"]._discovery.forget()
    hostile.fault = Fault.DISCOVERY_NAMES_ANOTHER_ISSUER

    left = browser.post("/logout")

    assert (left.status_code, left.headers["location"]) == (303, "/logged-out")
    assert "Max-Age=0" in left.headers["set-cookie"]
    assert who(browser) == ""


def test_a_site_can_leave_the_provider_alone(new_site: SiteMaker, hostile: HostileProvider) -> None:
    site = site_at(new_site, hostile, logout=False)
    browser = site.browser()
    log_in(browser, hostile)

    assert browser.post("/logout").headers["location"] == "/logged-out"
    assert who(browser) == ""


def test_somebody_who_is_logged_in_has_nothing_to_do_on_the_page_for_those_who_left(
    site: Site, hostile: HostileProvider
) -> None:
    browser = site.browser()
    log_in(browser, hostile)

    assert browser.get("/logged-out").headers["location"] == "/"


@pytest.mark.parametrize("by", ["session", "person", "both"])
def test_a_provider_ends_the_session_that_it_names(
    site: Site, hostile: HostileProvider, by: str
) -> None:
    first, second, other = site.browser(), site.browser(), site.browser()
    log_in(first, hostile)
    log_in(second, hostile)
    sid = hostile.last_login().sid
    hostile.subject = "grace"
    log_in(other, hostile)
    names = {"session": {"sid": sid}, "person": {"subject": "ada"},
             "both": {"sid": sid, "subject": "ada"}}  # fmt: skip

    answer = site.browser().post(ORDER, data={"logout_token": hostile.logout_token(**names[by])})

    assert (answer.status_code, answer.headers["cache-control"]) == (200, "no-store")
    assert (who(first), who(second)) == ("" if by == "person" else "Ada Vlasák", "")
    assert who(other) == "grace.okafor"
    with site.context.database.reading() as session:
        entry = session.scalars(select(AuditEntry).order_by(AuditEntry.number.desc())).first()
        assert entry is not None
        assert (entry.action, entry.actor_id) == (Action.SESSIONS_ENDED, None)
        assert entry.detail["sessions"] == (2 if by == "person" else 1)


@pytest.mark.parametrize(
    "names",
    [{"sid": "nobody knows it"}, {"subject": "nobody"}, {"subject": "grace", "sid": "SID"}],
)
def test_an_order_about_nobody_here_is_no_fault_and_ends_nothing(
    site: Site, hostile: HostileProvider, names: dict[str, str]
) -> None:
    browser = site.browser()
    log_in(browser, hostile)
    if names.get("sid") == "SID":
        names = {**names, "sid": hostile.last_login().sid}

    answer = site.browser().post(ORDER, data={"logout_token": hostile.logout_token(**names)})

    assert answer.status_code == 200
    assert who(browser) == "Ada Vlasák"


REASONS = {
    LogoutFault.WRONG_ISSUER: "token_of_another_issuer",
    LogoutFault.WRONG_AUDIENCE: "token_for_another_client",
    LogoutFault.NO_EVENTS: "logout_without_event",
    LogoutFault.OTHER_EVENT: "logout_without_event",
    LogoutFault.WITH_NONCE: "logout_with_nonce",
    LogoutFault.EXPIRED: "token_expired",
    LogoutFault.ISSUED_IN_THE_FUTURE: "token_too_early",
    LogoutFault.NO_JTI: "logout_without_name",
    LogoutFault.NOBODY: "logout_of_nobody",
    LogoutFault.UNSIGNED: "token_algorithm",
    LogoutFault.UNKNOWN_KEY: "token_signature",
    LogoutFault.SIGNED_WITH_THE_CLIENT_SECRET: "token_algorithm",
}


@pytest.mark.parametrize("fault", LogoutFault)
def test_a_logout_token_with_a_fault_ends_nothing(
    site: Site, hostile: HostileProvider, fault: LogoutFault
) -> None:
    browser = site.browser()
    log_in(browser, hostile)

    with capture_logs() as entries:
        answer = site.browser().post(
            ORDER, data={"logout_token": hostile.logout_token(fault=fault)}
        )

    assert (answer.status_code, answer.json()) == (400, {"error": "invalid_request"})
    assert answer.headers["cache-control"] == "no-store"
    assert _reason(entries) == REASONS[fault]
    assert who(browser) == "Ada Vlasák"


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        ({}, "token_unreadable"),
        ({"logout_token": "nonsense"}, "token_unreadable"),
        ({"logout_token": "é.é.é"}, "token_unreadable"),
        ({"logout_token": "a" * 30_000}, "token_unreadable"),
    ],
)
def test_what_is_no_token_is_refused(site: Site, data: dict[str, str], reason: str) -> None:
    with capture_logs() as entries:
        answer = site.browser().post(ORDER, data=data)

    assert answer.status_code == 400
    assert _reason(entries) == reason


def _reason(entries: object) -> str:
    assert isinstance(entries, list)
    [entry] = [one for one in entries if one["event"] == "logout_rejected"]
    return str(entry["reason"])


def test_an_id_token_logs_nobody_out(site: Site, hostile: HostileProvider) -> None:
    browser = site.browser()
    log_in(browser, hostile)
    with site.context.database.reading() as session:
        id_token = session.scalars(select(LoginSession.id_token)).one()

    answer = site.browser().post(ORDER, data={"logout_token": id_token})

    assert answer.status_code == 400
    assert who(browser) == "Ada Vlasák"


def test_a_logout_token_logs_nobody_in(site: Site, hostile: HostileProvider) -> None:
    hostile.begin({})
    verifier = site.app.state.logins["campus"]._verifier

    async def take() -> None:
        await verifier.id_token(hostile.logout_token(), nonce="n", access_token="a")

    with pytest.raises(LoginError) as caught:
        anyio.run(take)
    assert caught.value.reason == "token_kind"


def test_an_order_works_once_and_is_forgotten_when_it_has_expired(
    site: Site, hostile: HostileProvider
) -> None:
    hostile.begin({})
    token = hostile.logout_token(jti="once")
    first = site.browser().post(ORDER, data={"logout_token": token})
    browser = site.browser()
    log_in(browser, hostile)

    with capture_logs() as entries:
        again = site.browser().post(ORDER, data={"logout_token": token})

    assert (first.status_code, again.status_code) == (200, 400)
    assert _reason(entries) == "logout_again"
    assert who(browser) == "Ada Vlasák"
    tomorrow = datetime.now(UTC) + timedelta(days=1)
    site.change(clock=lambda: tomorrow)
    site.browser().post(ORDER, data={"logout_token": hostile.logout_token(jti="another")})
    with site.context.database.reading() as session:
        assert session.scalars(select(SpentLogoutToken.jti)).all() == ["another"]


def test_an_order_needs_no_cookie_and_a_page_of_another_site_cannot_send_one(
    site: Site, hostile: HostileProvider
) -> None:
    hostile.begin({})
    program = site.browser()
    del program.headers["sec-fetch-site"]

    taken = program.post(ORDER, data={"logout_token": hostile.logout_token()})
    foreign = program.post(
        ORDER,
        data={"logout_token": hostile.logout_token()},
        headers={"origin": "https://evil.example"},
    )

    assert (taken.status_code, foreign.status_code) == (200, 403)
    assert "set-cookie" not in taken.headers


def test_a_provider_that_is_not_there_gives_no_orders(site: Site) -> None:
    assert site.browser().post("/login/nobody/back-channel-logout").status_code == 404


def _signed(hostile: HostileProvider, **changes: object) -> str:
    """Return a logout token of our own making; what is None is left out."""
    now = int(hostile.clock())
    right = {
        "iss": hostile.issuer,
        "aud": hostile.client_id,
        "iat": now,
        "exp": now + 60,
        "jti": "of our own",
        "events": {LOGOUT_EVENT: {}},
        "sub": "ada",
    }
    claims = {name: one for name, one in (right | changes).items() if one is not None}
    kind = str(claims.pop("typ", "logout+jwt"))
    return signed(claims, None, keys=hostile.keys, secret="", kind=kind)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"exp": 9_999_999_999}, "logout_lasts_too_long"),
        ({"exp": None, "iat": 1_000_000_000}, "token_expired"),
        ({"iat": None}, "token_without_time"),
        ({"iat": "now"}, "token_too_early"),
        ({"jti": 7}, "logout_without_name"),
        ({"jti": "x" * 300}, "logout_without_name"),
        ({"sub": 7}, "token_about_nobody"),
        ({"sid": ""}, "logout_of_nobody"),
        ({"events": [LOGOUT_EVENT]}, "logout_without_event"),
        ({"events": {LOGOUT_EVENT: True}}, "logout_without_event"),
        ({"typ": "at+jwt"}, "token_kind"),
    ],
)
def test_an_order_in_another_form_ends_nothing(
    site: Site, hostile: HostileProvider, changes: dict[str, object], reason: str
) -> None:
    browser = site.browser()
    log_in(browser, hostile)

    with capture_logs() as entries:
        answer = site.browser().post(ORDER, data={"logout_token": _signed(hostile, **changes)})

    assert (answer.status_code, _reason(entries)) == (400, reason)
    assert who(browser) == "Ada Vlasák"


@pytest.mark.parametrize(
    "changes", [{"typ": "JWT", "exp": None}, {"typ": "Logout+JWT"}, {"aud": ["sealrun", "more"]}]
)
def test_an_order_may_be_as_providers_of_before_the_standard_give_it(
    site: Site, hostile: HostileProvider, changes: dict[str, object]
) -> None:
    browser = site.browser()
    log_in(browser, hostile)

    answer = site.browser().post(ORDER, data={"logout_token": _signed(hostile, **changes)})

    assert answer.status_code == 200
    assert who(browser) == ""
