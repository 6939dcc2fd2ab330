"""Whoever tries too often is asked to wait, in a page or in JSON."""

import time
from collections.abc import Iterator

import pytest
from starlette.testclient import TestClient

from portal.domain.accounts.tokens import Scope
from portal.web.context import Rates
from portal.web.middleware.rate_limits import RateLimits
from portal.web.middleware.shared_rate_limits import CountingServer, SharedCounting
from tests.support.factories import DAY
from tests.support.web.site import Site, SiteMaker


@pytest.fixture(params=["memory", "shared"])
def new_site(request: pytest.FixtureRequest, new_site: SiteMaker) -> Iterator[SiteMaker]:
    """Return a maker of sites that count as one process does, and as several do."""
    if request.param == "memory":
        yield new_site
        return
    with CountingServer() as server:
        shared = SharedCounting(server.path)

        def make(**settings: object) -> Site:
            site = new_site(**settings)
            site.app.state.rates = RateLimits(site.served.rates, shared)
            return site

        yield make
        shared.close()


def _from(site: Site, host: str) -> TestClient:
    return TestClient(
        site.app,
        base_url=site.context.site_url,
        client=(host, 5000),
        follow_redirects=False,
        raise_server_exceptions=False,
    )


@pytest.mark.parametrize(
    ("path", "answer"),
    [
        # The provider of this site is nobody: a login that passes finds it silent.
        pytest.param("/login/campus", 503, id="begun"),
        pytest.param("/login/campus/callback", 400, id="answered"),
    ],
)
def test_logins_are_begun_and_answered_as_often_as_the_site_says_from_one_address(
    new_site: SiteMaker, path: str, answer: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    site = new_site(rates=Rates(login="2/minute"))
    browser, other = _from(site, "192.0.2.7"), _from(site, "192.0.2.8")
    began = time.time()
    monkeypatch.setattr(time, "time", lambda: began)
    passed = [browser.get(path).status_code for _ in range(2)]

    refused = browser.get(path)
    elsewhere = other.get(path).status_code
    monkeypatch.setattr(time, "time", lambda: began + 61)
    later = browser.get(path).status_code

    assert passed == [answer, answer]
    assert (refused.status_code, refused.headers["retry-after"]) == (429, "61")
    assert "This was tried too often. Try again in 61 seconds." in refused.text
    assert (elsewhere, later) == (answer, answer)


def test_choosing_a_login_is_not_counted(new_site: SiteMaker) -> None:
    site = new_site(rates=Rates(login="1/minute"))
    browser = site.browser()

    answers = [browser.get("/login").status_code for _ in range(5)]

    assert answers == [200] * 5


def test_tokens_are_made_as_often_as_the_site_says_by_one_person(new_site: SiteMaker) -> None:
    site = new_site(rates=Rates(token_made="2/hour"))
    form = {"name": "a script", "scope_read": "on", "days": "7"}
    ada, eve = site.browser(site.ada), site.browser(site.eve)
    made = [ada.post("/account/tokens", data=form).status_code for _ in range(2)]

    refused = ada.post("/account/tokens", data=form)
    by_another = eve.post("/account/tokens", data=form).status_code
    elsewhere = site.browser(site.ada).post("/account/tokens", data=form).status_code

    assert made == [200, 200]
    assert refused.status_code == 429
    assert int(refused.headers["retry-after"]) in range(3590, 3602)
    # It is the person that counts, not the browser.
    assert (by_another, elsewhere) == (200, 429)


def test_invitations_are_made_as_often_as_the_site_says_by_one_person(
    new_site: SiteMaker,
) -> None:
    site = new_site(rates=Rates(invitation="2/hour"))
    path = "/challenges/digits/team/invitations"
    ada = site.browser(site.ada)
    made = [ada.post(path).status_code for _ in range(2)]

    refused = ada.post(path)
    by_another = site.browser(site.eve).post(path).status_code

    assert made == [200, 200]
    assert refused.status_code == 429
    assert int(refused.headers["retry-after"]) in range(3590, 3602)
    assert by_another == 200


def test_invitations_are_tried_as_often_as_the_site_says_from_one_address(
    new_site: SiteMaker,
) -> None:
    site = new_site(rates=Rates(invitation_tried="2/minute"))
    browser = site.browser(site.ada)
    wrong = {"code": "w" * 43}
    looked = browser.get("/invitation", params=wrong).status_code
    used = browser.post("/invitation", data=wrong).status_code

    refused = [browser.get("/invitation", params=wrong), browser.post("/invitation", data=wrong)]
    other_person = site.browser(site.eve).get("/invitation", params=wrong).status_code
    elsewhere = _from(site, "192.0.2.8").get("/invitation", params=wrong).status_code

    assert 429 not in {looked, used}
    assert [answer.status_code for answer in refused] == [429, 429]
    # The address counts here, so that nobody guesses with many accounts.
    assert (other_person, elsewhere) == (429, 303)


def test_files_are_uploaded_as_often_as_the_site_says_by_one_person(new_site: SiteMaker) -> None:
    site = new_site(rates=Rates(upload="2/hour"))
    program = site.program(site.token(site.newcomer, Scope.SUBMIT, lasts=DAY))
    form = {"phase": "dev", "kind": "results", "note": ""}
    page, api = "/challenges/digits/weights", "/api/v1/challenges/digits/submissions"
    ways = [
        lambda: site.browser(site.newcomer).post(page, files={"file": ("m.bin", b"x")}),
        lambda: program.post(api, data=form, files={"file": ("a.csv", b"x")}),
    ]
    taken = [way().status_code for way in ways]

    refused = [way() for way in ways]
    by_another = site.browser(site.ada).post(page, files={"file": ("m.bin", b"x")}).status_code

    assert taken == [303, 201]
    assert [answer.status_code for answer in refused] == [429, 429]
    assert by_another == 303
