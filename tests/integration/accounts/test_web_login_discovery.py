"""Providers change their keys and their addresses; secrets and codes go nowhere unsafe for that."""

import pytest
from structlog.testing import capture_logs

from portal.web.login import oidc_discovery
from portal.web.login.failures import MISDESCRIBED, LoginError
from portal.web.login.identity_providers import logins_of
from portal.web.login.oidc_discovery import (
    MAX_FORCED_PER_MINUTE,
    METADATA_TTL_SECONDS,
    is_safe,
    parse_metadata,
)
from tests.support.providers.hostile import Fault, HostileProvider
from tests.support.web.login_steps import PATIENCE, log_in, site_at
from tests.support.web.site import Site, SiteMaker


class Later:
    """A clock that tests move on, in seconds."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def site(new_site: SiteMaker, hostile: HostileProvider) -> Site:
    return site_at(new_site, hostile)


@pytest.fixture
def later(site: Site) -> Later:
    """Return the clock by which the site's knowledge of its provider grows old."""
    clock = Later()
    site.app.state.logins = logins_of(site.context, timeout=PATIENCE, clock=clock)
    return clock


def _asked(hostile: HostileProvider, endpoint: str) -> int:
    return sum(one.endpoint == endpoint for one in hostile.requests)


def test_the_document_and_the_keys_are_fetched_once_an_hour(
    site: Site, hostile: HostileProvider, later: Later
) -> None:
    for _ in range(2):
        log_in(site.browser(), hostile)
    within = (_asked(hostile, "discovery"), _asked(hostile, "keys"))

    later.now += METADATA_TTL_SECONDS
    log_in(site.browser(), hostile)

    assert within == (1, 1)
    assert (_asked(hostile, "discovery"), _asked(hostile, "keys")) == (2, 2)


def test_an_unknown_key_is_looked_for_once_and_a_retired_one_no_longer_counts(
    site: Site, hostile: HostileProvider
) -> None:
    log_in(site.browser(), hostile)
    signed_before = hostile.logout_token()

    hostile.rotate_keys()
    outcome = log_in(site.browser(), hostile)
    fetched = _asked(hostile, "keys")
    with capture_logs() as entries:
        status = _order(site, signed_before)

    assert (outcome.status, fetched) == (303, 2)
    assert status == 400
    [entry] = [one for one in entries if one["event"] == "logout_rejected"]
    assert entry["reason"] == "token_of_an_unknown_key"


def test_a_key_that_is_kept_for_a_while_still_counts(site: Site, hostile: HostileProvider) -> None:
    log_in(site.browser(), hostile)
    signed_before = hostile.logout_token()

    hostile.rotate_keys(keep_old=True)
    log_in(site.browser(), hostile)

    assert _order(site, signed_before) == 200


def test_keys_cannot_be_made_to_be_fetched_without_end(
    site: Site, hostile: HostileProvider, later: Later
) -> None:
    log_in(site.browser(), hostile)
    token = hostile.logout_token()
    for _ in range(MAX_FORCED_PER_MINUTE + 5):
        hostile.rotate_keys()
        assert _order(site, hostile.logout_token()) in {200, 400}

    assert _asked(hostile, "keys") == 1 + MAX_FORCED_PER_MINUTE
    later.now += 60
    assert (_order(site, hostile.logout_token()), _order(site, token)) == (200, 400)


def _order(site: Site, token: str) -> int:
    address = "/login/campus/back-channel-logout"
    return site.browser().post(address, data={"logout_token": token}).status_code


def test_addresses_that_moved_on_the_same_host_are_followed_and_logged(
    site: Site, hostile: HostileProvider, later: Later
) -> None:
    log_in(site.browser(), hostile)
    hostile.fault = Fault.ENDPOINTS_MOVED
    later.now += METADATA_TTL_SECONDS

    outcome = log_in(site.browser(), hostile)

    assert outcome.status == 303
    [entry] = [one for one in outcome.entries if one["event"] == "provider_metadata_changed"]
    assert entry["changes"]["token_endpoint"] == (
        f"{hostile.issuer}/token",
        f"{hostile.issuer}/moved/token",
    )


def test_after_a_failure_the_document_is_fetched_again_at_once(
    site: Site, hostile: HostileProvider
) -> None:
    log_in(site.browser(), hostile)
    browser = site.browser()
    begun = hostile.answer(browser.get("/login/campus").headers["location"])
    hostile.fault = Fault.ENDPOINTS_MOVED

    failed = browser.get(begun)
    again = log_in(site.browser(), hostile)

    assert (failed.status_code, again.status) == (503, 303)


def test_nothing_secret_goes_to_a_host_that_appears_in_the_document_later(
    site: Site, hostile: HostileProvider, later: Later
) -> None:
    log_in(site.browser(), hostile)
    before = _asked(hostile, "token")
    hostile.fault = Fault.TOKEN_ENDPOINT_ON_ANOTHER_HOST
    later.now += METADATA_TTL_SECONDS

    with capture_logs() as entries:
        page = site.browser().get("/login/campus")

    assert (page.status_code, MISDESCRIBED in page.text) == (503, True)
    assert _asked(hostile, "token") == before
    [entry] = [one for one in entries if one["event"] == "login_failed"]
    assert entry["reason"] == "discovery_moved"
    assert [host.partition(":")[0] for host in entry["hosts"]] == ["127.0.0.1"]
    assert entry["changes"]["token_endpoint"][0] == f"{hostile.issuer}/token"


def test_another_host_is_taken_from_the_first_document_on(
    site: Site, hostile: HostileProvider
) -> None:
    hostile.fault = Fault.TOKEN_ENDPOINT_ON_ANOTHER_HOST

    assert log_in(site.browser(), hostile).status == 303
    assert [one.host for one in hostile.requests if one.endpoint == "token"] == ["127.0.0.1"]


@pytest.mark.parametrize(
    ("word", "value"),
    [
        ("proxy", "http://127.0.0.1:9"),
        ("base_url", "http://127.0.0.1:9"),
        ("trust_env", "no"),
        ("headers", {"host": "elsewhere.example"}),
        ("timeout", 0.000001),
        ("token_placement", "uri"),
        ("code_challenge_method", "plain"),
        ("grant_type", "client_credentials"),
        ("authorization_endpoint_auth_method", "none"),
        ("client_id", "somebody-else"),
        ("jwks", {"keys": []}),
        ("_loaded_at", 1),
    ],
)
def test_no_other_word_of_the_document_becomes_an_option_of_the_client(
    site: Site, hostile: HostileProvider, word: str, value: object
) -> None:
    hostile.describes = {word: value}

    assert log_in(site.browser(), hostile).status == 303
    [token] = [one for one in hostile.requests if one.endpoint == "token"]
    assert (token.host, token.values["grant_type"]) == ("localhost", "authorization_code")
    assert hostile.asked("authorization")["code_challenge_method"] == "S256"


ISSUER = "https://login.uni.example/oidc"
DOCUMENT = {
    "issuer": ISSUER,
    "authorization_endpoint": "https://login.uni.example/a",
    "token_endpoint": "https://api.uni.example/t",
    "jwks_uri": "https://login.uni.example/k",
}


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"issuer": f"{ISSUER}/"}, "discovery_misnamed"),
        ({"issuer": None}, "discovery_misnamed"),
        ({"token_endpoint": "http://login.uni.example/t"}, "discovery_unsafe"),
        ({"token_endpoint": "http://localhost/t"}, "discovery_unsafe"),
        ({"jwks_uri": "file:///etc/passwd"}, "discovery_unsafe"),
        ({"jwks_uri": None}, "discovery_unsafe"),
        ({"userinfo_endpoint": "https://a@evil.example/u"}, "discovery_unsafe"),
        ({"userinfo_endpoint": 7}, "discovery_unsafe"),
        ({"end_session_endpoint": "javascript:alert(1)"}, "discovery_unsafe"),
        ({"authorization_endpoint": "https://[broken"}, "discovery_unsafe"),
        ({"id_token_signing_alg_values_supported": ["HS256", "none"]}, "discovery_unsafe"),
        ({"id_token_signing_alg_values_supported": "RS256"}, "discovery_unsafe"),
    ],
)
def test_a_document_that_leads_anywhere_unsafe_is_not_used(
    changes: dict[str, object], reason: str
) -> None:
    with pytest.raises(LoginError) as caught:
        parse_metadata(DOCUMENT | changes, ISSUER)

    assert caught.value.reason == reason


def test_of_a_good_document_only_safe_signatures_are_taken() -> None:
    offered = {"id_token_signing_alg_values_supported": ["none", "HS256", "ES256", "RS256"]}

    assert parse_metadata(DOCUMENT | offered, ISSUER).algorithms == {"ES256", "RS256"}
    assert parse_metadata(DOCUMENT, ISSUER).algorithms == {"RS256"}
    assert parse_metadata(DOCUMENT, ISSUER).hosts == {"login.uni.example", "api.uni.example"}


def test_the_way_of_the_secret_is_the_header_unless_only_the_form_is_offered() -> None:
    in_form = {"token_endpoint_auth_methods_supported": ["client_secret_post"]}

    assert parse_metadata(DOCUMENT, ISSUER).takes_basic is True
    assert parse_metadata(DOCUMENT | in_form, ISSUER).takes_basic is False


def test_addresses_without_tls_stay_on_this_machine() -> None:
    assert is_safe("http://127.0.0.1:9/t", "http://localhost:9")
    assert not is_safe("http://127.0.0.1:9/t", "https://login.uni.example")
    assert not is_safe("http://198.51.100.1/t", "http://localhost:9")
    assert oidc_discovery.SAFE_ALGORITHMS.isdisjoint({"none", "HS256", "HS384", "HS512"})
