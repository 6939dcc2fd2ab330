"""A provider that misbehaves in one way at a time logs nobody in, and the log says which way."""

import json
from datetime import timedelta

import pytest
from sqlalchemy import func, select

from portal.db.tables import Account
from portal.domain.accounts.gates import Gate
from portal.domain.accounts.provider_defaults import LoginProfile
from portal.web.login.failures import (
    CLOCKS,
    EXPIRED,
    MISDESCRIBED,
    MISPLACED,
    UNREACHABLE,
    UNTRUSTED,
    WEAK,
)
from tests.support.providers.client import answer_of
from tests.support.providers.hostile import Fault, HostileProvider
from tests.support.providers.people import MFA
from tests.support.web.login_steps import CALLBACK, campus, log_in, register, site_at, who
from tests.support.web.site import Site, SiteMaker

STRONG = Gate(title="A second factor", claims={"acr": (MFA,)}, ask="the help desk, room 3")


@pytest.fixture
def site(new_site: SiteMaker, hostile: HostileProvider) -> Site:
    return site_at(new_site, hostile)


def _accounts(site: Site) -> int:
    with site.context.database.reading() as session:
        return session.scalar(select(func.count()).select_from(Account)) or 0


def _plain(message: str) -> str:
    return message.replace("'", "&#39;")


def test_a_provider_that_behaves_logs_in(site: Site, hostile: HostileProvider) -> None:
    browser = site.browser()

    outcome = log_in(browser, hostile)

    assert (outcome.status, outcome.location) == (303, "/")
    assert who(browser) == "Ada Vlasák"


FAULTS = {
    Fault.WRONG_NONCE: ("token_of_another_login", 400, UNTRUSTED),
    Fault.MISSING_NONCE: ("token_of_another_login", 400, UNTRUSTED),
    Fault.WRONG_ISSUER: ("token_of_another_issuer", 400, UNTRUSTED),
    Fault.WRONG_ISS_PARAMETER: ("answer_of_another_issuer", 400, MISPLACED),
    Fault.MISSING_ISS_PARAMETER: ("answer_without_issuer", 400, MISPLACED),
    Fault.EXPIRED: ("token_expired", 400, CLOCKS),
    Fault.ISSUED_IN_THE_FUTURE: ("token_too_early", 400, CLOCKS),
    Fault.NOT_YET_VALID: ("token_too_early", 400, CLOCKS),
    Fault.UNSIGNED: ("token_algorithm", 400, UNTRUSTED),
    Fault.SIGNED_WITH_THE_CLIENT_SECRET: ("token_algorithm", 400, UNTRUSTED),
    Fault.UNKNOWN_KEY: ("token_signature", 400, UNTRUSTED),
    Fault.WRONG_AUDIENCE: ("token_for_another_client", 400, UNTRUSTED),
    Fault.FOREIGN_AZP: ("token_for_another_party", 400, UNTRUSTED),
    Fault.USERINFO_OF_ANOTHER: ("userinfo_of_another", 400, UNTRUSTED),
    Fault.USERINFO_FAILS: ("userinfo_unreachable", 503, UNREACHABLE),
    Fault.TOKEN_FAILS: ("token_unreachable", 503, UNREACHABLE),
    Fault.TOKEN_HANGS: ("token_unreachable", 503, UNREACHABLE),
    Fault.TOKEN_IS_NO_JSON: ("token_answer_unreadable", 400, UNTRUSTED),
    Fault.KEYS_FAIL: ("keys_unreachable", 503, UNREACHABLE),
    Fault.DISCOVERY_NAMES_ANOTHER_ISSUER: ("discovery_misnamed", 503, MISDESCRIBED),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_each_fault_of_a_provider_has_its_reason_and_its_sentence(
    site: Site, hostile: HostileProvider, fault: Fault
) -> None:
    reason, status, message = FAULTS[fault]
    browser = site.browser()
    hostile.fault = fault

    outcome = log_in(browser, hostile)

    assert (outcome.reason, outcome.status) == (reason, status)
    assert _plain(message) in outcome.page
    assert who(browser) == ""
    assert _accounts(site) == 0


def test_every_fault_that_should_stop_a_login_is_in_the_table() -> None:
    elsewhere = {
        Fault.MISSING_ACR, Fault.WEAKER_ACR, Fault.ENDPOINTS_MOVED,
        Fault.TOKEN_ENDPOINT_ON_ANOTHER_HOST,
    }  # fmt: skip
    harmless = {Fault.MISSING_AUTH_TIME, Fault.STALE_AUTH_TIME}

    assert set(Fault) == FAULTS.keys() | elsewhere | harmless


@pytest.mark.parametrize(
    ("spoilt", "reason", "message"),
    [
        pytest.param({"state": "x" * 32}, "state", EXPIRED, id="wrong-state"),
        pytest.param({"state": ""}, "state", EXPIRED, id="empty-state"),
        pytest.param({"code": "x" * 32}, "code_refused", EXPIRED, id="another-code"),
        pytest.param({"code": ""}, "answer_without_code", UNTRUSTED, id="no-code"),
        pytest.param({"error": "server_error"}, "refused", UNTRUSTED, id="error"),
    ],
)
def test_an_answer_spoilt_on_its_way_logs_nobody_in(
    site: Site, hostile: HostileProvider, spoilt: dict[str, str], reason: str, message: str
) -> None:
    browser = site.browser()
    begun = browser.get("/login/campus").headers["location"]
    kept = answer_of(hostile.answer(begun))

    page = browser.get(CALLBACK, params=kept | spoilt)

    assert page.status_code == 400
    assert _plain(message) in page.text
    assert who(browser) == ""


def test_a_code_works_once_even_for_the_browser_that_it_was_for(
    site: Site, hostile: HostileProvider
) -> None:
    browser = site.browser()
    answer = hostile.answer(browser.get("/login/campus").headers["location"])
    browser.get(answer)

    again = browser.get(answer)

    assert (again.status_code, EXPIRED in again.text) == (400, True)
    assert who(browser) == "Ada Vlasák"


def test_an_answer_of_one_provider_is_not_taken_at_anothers_address(
    new_site: SiteMaker, hostile: HostileProvider
) -> None:
    site = new_site(
        providers=(campus(hostile), campus(hostile, id="partner", title="Partner University"))
    )
    register(site, hostile)
    browser = site.browser()
    answer = hostile.answer(browser.get("/login/campus").headers["location"])

    page = browser.get(answer.replace("/login/campus/", "/login/partner/"))

    assert (page.status_code, MISPLACED in page.text) == (400, True)
    assert hostile.asked("authorization")["redirect_uri"].endswith("/login/campus/callback")
    assert [one for one in hostile.requests if one.endpoint == "token"] == []


@pytest.mark.parametrize("place", ["site", "provider"])
@pytest.mark.parametrize(
    ("fault", "reason"),
    [(Fault.MISSING_ACR, "acr_missing"), (Fault.WEAKER_ACR, "acr_too_weak")],
)
def test_a_second_factor_is_asked_for_and_looked_for_in_the_answer(
    new_site: SiteMaker, hostile: HostileProvider, place: str, fault: Fault, reason: str
) -> None:
    site = (
        new_site(providers=(campus(hostile),), gates=(STRONG,))
        if place == "site"
        else new_site(providers=(campus(hostile, require=(STRONG,)),))
    )
    register(site, hostile)
    browser = site.browser()
    hostile.fault = fault

    refused = log_in(browser, hostile, "/login/campus?next=/challenges/digits")
    asked = hostile.asked("authorization")
    hostile.fault = None
    again = log_in(browser, hostile, "/login/campus?next=/challenges/digits&again=yes")

    assert (refused.reason, refused.status) == (reason, 403)
    assert _plain(WEAK) in refused.page
    assert "the help desk, room 3" in refused.page
    assert 'href="/login/campus?next=%2Fchallenges%2Fdigits&amp;again=yes"' in refused.page
    assert (asked["acr_values"], asked.get("prompt")) == (MFA, None)
    assert hostile.asked("authorization")["prompt"] == "login"
    assert again.location == "/challenges/digits"
    assert who(browser) == "Ada Vlasák"


def test_user_info_cannot_say_that_a_login_was_stronger(
    new_site: SiteMaker, hostile: HostileProvider
) -> None:
    site = site_at(new_site, hostile, require=(STRONG,))
    hostile.fault = Fault.MISSING_ACR
    hostile.claims = {"acr": MFA, "amr": ["mfa"]}

    outcome = log_in(site.browser(), hostile)

    assert outcome.reason == "acr_missing"


@pytest.mark.parametrize("method", ["mfa", ["mfa"], 3, None])
def test_what_a_token_says_of_how_and_when_stops_no_login(
    new_site: SiteMaker, hostile: HostileProvider, method: object
) -> None:
    site = site_at(new_site, hostile)
    hostile.tells = {"amr": method, "auth_time": "an hour ago"}
    browser = site.browser()

    assert log_in(browser, hostile).status == 303
    assert who(browser) == "Ada Vlasák"


def test_a_method_alone_counts_as_a_list_of_one(
    new_site: SiteMaker, hostile: HostileProvider
) -> None:
    site = site_at(new_site, hostile)
    hostile.tells = {"amr": "mfa"}
    log_in(site.browser(), hostile)

    with site.context.database.reading() as session:
        assert session.scalars(select(Account)).one().claims["amr"] == ["mfa"]


def test_user_info_that_is_signed_is_checked_and_used(
    new_site: SiteMaker, hostile: HostileProvider
) -> None:
    members = Gate(title="Members", claims={"affiliation": ("member@nordholm.example",)})
    site = site_at(new_site, hostile, require=(members,))
    hostile.signs_user_info = True
    hostile.claims = {"affiliation": "member@nordholm.example"}
    browser = site.browser()

    assert log_in(browser, hostile).status == 303
    assert who(browser) == "Ada Vlasák"


@pytest.mark.parametrize(
    ("claims", "reason"),
    [
        ({"iss": "https://elsewhere.example.org"}, "token_of_another_issuer"),
        ({"aud": "another client"}, "token_for_another_client"),
        ({"exp": 1}, "token_expired"),
    ],
)
def test_signed_user_info_for_somebody_else_is_refused(
    new_site: SiteMaker, hostile: HostileProvider, claims: dict[str, object], reason: str
) -> None:
    site = site_at(new_site, hostile)
    hostile.signs_user_info, hostile.claims = True, claims

    assert log_in(site.browser(), hostile).reason == reason
    assert _accounts(site) == 0


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        (Fault.UNKNOWN_KEY, "token_signature"),
        (Fault.UNSIGNED, "token_algorithm"),
        (Fault.SIGNED_WITH_THE_CLIENT_SECRET, "token_algorithm"),
    ],
)
def test_signed_user_info_that_is_not_the_providers_is_refused(
    new_site: SiteMaker, hostile: HostileProvider, fault: Fault, reason: str
) -> None:
    site = site_at(new_site, hostile)
    hostile.signs_user_info, hostile.user_info_fault = True, fault

    assert log_in(site.browser(), hostile).reason == reason
    assert _accounts(site) == 0


def test_whoever_lacks_a_claim_is_told_the_rule_and_the_log_names_the_claim(
    new_site: SiteMaker, hostile: HostileProvider
) -> None:
    members = Gate(
        title="Members of Nordholm", claims={"affiliation": ("member@nordholm.example",)}
    )
    site = site_at(new_site, hostile, require=(members,))
    hostile.subject = "grace"

    outcome = log_in(site.browser(), hostile)

    assert (outcome.reason, outcome.status) == ("claim_missing", 403)
    assert "Members of Nordholm" in outcome.page
    assert "the support of this site, hpc-support@nordholm.example" in outcome.page
    assert "student@nordholm.example" not in outcome.page + str(outcome.entry)
    assert (outcome.entry["claim"], outcome.entry["rule"]) == ("affiliation", "Members of Nordholm")
    assert "second factor" not in outcome.page


def test_groups_that_a_provider_keeps_back_have_a_reason_of_their_own(
    new_site: SiteMaker, hostile: HostileProvider
) -> None:
    rule = Gate(title="Members of the project", claims={"group": ("1234",)})
    site = site_at(new_site, hostile, require=(rule,))
    hostile.claims = {"_claim_names": {"groups": "src1"}}

    assert log_in(site.browser(), hostile).reason == "claim_kept_back"


def test_a_provider_that_is_down_has_its_own_sentence(new_site: SiteMaker) -> None:
    site = new_site(issuer="http://localhost:9")

    page = site.browser().get("/login/campus")

    assert (page.status_code, UNREACHABLE.replace("'", "&#39;") in page.text) == (503, True)


def test_a_clock_may_differ_as_far_as_the_settings_say(
    new_site: SiteMaker, hostile: HostileProvider
) -> None:
    strict = site_at(new_site, hostile, clock_skew=timedelta(seconds=5))
    now = hostile.clock
    hostile.clock = lambda: now() + 30

    refused = log_in(strict.browser(), hostile)
    strict.change(providers=(campus(hostile),))
    register(strict, hostile)
    taken = log_in(strict.browser(), hostile)

    assert (refused.reason, taken.status) == ("token_too_early", 303)


def test_a_weak_login_is_enough_where_nobody_asks_for_more(
    site: Site, hostile: HostileProvider
) -> None:
    log_in(site.browser(), hostile)

    assert "acr_values" not in hostile.asked("authorization")


def test_a_provider_that_hears_it_is_told_that_a_second_factor_is_essential(
    new_site: SiteMaker, hostile: HostileProvider
) -> None:
    site = site_at(new_site, hostile, require=(STRONG,))
    hostile.describes = {"claims_parameter_supported": True}

    log_in(site.browser(), hostile)

    asked = json.loads(hostile.asked("authorization")["claims"])
    assert asked == {"id_token": {"acr": {"essential": True, "values": [MFA]}}}


def test_a_profile_that_needs_user_info_refuses_a_provider_without_it(
    new_site: SiteMaker, hostile: HostileProvider
) -> None:
    site = site_at(new_site, hostile, profile=LoginProfile.SHIBBOLETH)
    hostile.describes = {"userinfo_endpoint": None}

    outcome = log_in(site.browser(), hostile)

    assert (outcome.reason, outcome.status) == ("userinfo_missing", 400)


def test_a_provider_without_user_info_is_believed_by_its_token(
    new_site: SiteMaker, hostile: HostileProvider
) -> None:
    site = site_at(new_site, hostile)
    hostile.describes = {"userinfo_endpoint": None}
    browser = site.browser()

    outcome = log_in(browser, hostile)

    assert (outcome.status, who(browser)) == (303, "ada")


@pytest.mark.parametrize("subject", ["s" * 256, "a\x00b", "a\nb", ""])
def test_a_name_that_cannot_be_kept_is_nobody(
    site: Site, hostile: HostileProvider, subject: str
) -> None:
    hostile.subject = subject

    outcome = log_in(site.browser(), hostile)

    assert (outcome.reason, outcome.status) == ("token_about_nobody", 400)
    assert _accounts(site) == 0


def test_an_answer_without_a_token_is_none(site: Site, hostile: HostileProvider) -> None:
    hostile.describes = {"token_endpoint": f"{hostile.issuer}/keys"}

    outcome = log_in(site.browser(), hostile)

    assert (outcome.reason, outcome.status) == ("token_answer_unreadable", 400)


def test_a_provider_that_does_not_know_the_client_says_so_in_the_log_only(
    new_site: SiteMaker, hostile: HostileProvider
) -> None:
    site = site_at(new_site, hostile, client_secret="another secret")

    outcome = log_in(site.browser(), hostile)

    assert (outcome.reason, outcome.entry["error"]) == ("token_refused", "invalid_client")
    assert "invalid_client" not in outcome.page
    assert "another secret" not in outcome.page + str(outcome.entries)
