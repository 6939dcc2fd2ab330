"""The providers that the tests log in at do what the tests of logging in take for granted."""

import secrets
from collections.abc import Iterator
from dataclasses import dataclass, field
from urllib.parse import urlencode

import httpx2
import pytest
from playwright.sync_api import Browser, Page
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from tests.support import patient_http
from tests.support.providers.client import Client, answer_of, challenge
from tests.support.providers.glewlwyd import Glewlwyd
from tests.support.providers.hostile import HostileProvider
from tests.support.providers.jupyterhub import JupyterHub
from tests.support.providers.oidc_provider import OidcProvider
from tests.support.providers.people import MFA, ORDINARY, USERS
from tests.support.required import required
from tests.support.servers.portal import free_port, serving
from tests.support.web.chromium import PROGRAM, chromium

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    required("Debian's Chromium", PROGRAM.exists())
    with chromium() as running:
        yield running


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    context = browser.new_context()
    yield context.new_page()
    context.close()


@dataclass(kw_only=True)
class Landing:
    """Where the providers send browsers and logout tokens."""

    callback: str
    logout: str
    logout_tokens: list[str] = field(default_factory=list)


@pytest.fixture(scope="module")
def landing() -> Iterator[Landing]:
    address = f"http://127.0.0.1:{(port := free_port())}"
    place = Landing(callback=f"{address}/callback", logout=f"{address}/logout")

    async def note(request: Request) -> PlainTextResponse:
        place.logout_tokens.append(str((await request.form())["logout_token"]))
        return PlainTextResponse("")

    routes = [
        Route("/callback", lambda _: PlainTextResponse("back")),
        Route("/logout", note, methods=["POST"]),
    ]
    with serving(Starlette(routes=routes), port):
        yield place


def _keys_before_during_and_after(provider: OidcProvider | Glewlwyd) -> list[set[str]]:
    """Change the keys twice, the second time for good; return which were published."""
    published = [_key_ids(provider)]
    for keep_old in (True, False):
        provider.rotate_keys(keep_old=keep_old)
        published.append(_key_ids(provider))
    return published


def _key_ids(provider: OidcProvider | Glewlwyd) -> set[str]:
    return {key["kid"] for key in patient_http.get(f"{provider.issuer}/jwks").json()["keys"]}


def test_oidc_provider_sends_the_browser_back_with_a_code_and_swaps_it(
    oidc_provider: OidcProvider, page: Page, landing: Landing
) -> None:
    oidc_provider.register(redirect_uris=[landing.callback])
    client = Client(oidc_provider, landing.callback, "openid profile email")

    page.goto(client.address())
    oidc_provider.log_in(page, "ada")
    answer = answer_of(page.url)
    token = client.token(answer["code"])

    assert page.url.startswith(landing.callback)
    assert (answer["state"], answer["iss"]) == ("of the test", oidc_provider.issuer)
    assert client.verified(token["id_token"])["nonce"] == "n-1"
    assert client.user_info(token) == {"sub": "ada", **USERS["ada"].claims}
    assert client.metadata["authorization_response_iss_parameter_supported"] is True
    assert client.metadata["code_challenge_methods_supported"] == ["S256"]
    assert client.metadata["backchannel_logout_session_supported"] is True


@pytest.mark.parametrize(("subject", "acr"), [("ada", MFA), ("grace", ORDINARY)])
def test_oidc_provider_honours_a_wish_for_a_strong_login_where_it_can(
    oidc_provider: OidcProvider, page: Page, landing: Landing, subject: str, acr: str
) -> None:
    oidc_provider.register(redirect_uris=[landing.callback])
    client = Client(oidc_provider, landing.callback, "openid")
    page.goto(client.address())
    oidc_provider.log_in(page, subject)
    weak = client.verified(client.token(answer_of(page.url)["code"])["id_token"])

    page.goto(client.address(acr_values=MFA))
    oidc_provider.log_in(page, subject)

    assert "acr" not in weak
    assert client.verified(client.token(answer_of(page.url)["code"])["id_token"])["acr"] == acr


def test_oidc_provider_changes_its_keys_when_told(oidc_provider: OidcProvider) -> None:
    before, both, after = _keys_before_during_and_after(oidc_provider)

    assert before < both
    assert not both & after


def test_oidc_provider_refuses_direct_requests_when_told(oidc_provider: OidcProvider) -> None:
    address = f"{oidc_provider.issuer}/jwks"

    oidc_provider.break_back_channel()
    broken = patient_http.get(address).status_code
    oidc_provider.mend_back_channel()

    assert (broken, patient_http.get(address).status_code) == (503, 200)


def test_oidc_provider_logs_out_and_says_so_to_the_client(
    oidc_provider: OidcProvider, page: Page, landing: Landing
) -> None:
    oidc_provider.register(
        redirect_uris=[landing.callback],
        post_logout_redirect_uris=[landing.callback],
        back_channel_logout_uri=landing.logout,
    )
    client = Client(oidc_provider, landing.callback, "openid")
    page.goto(client.address())
    oidc_provider.log_in(page, "ada")
    token = client.token(answer_of(page.url)["code"])

    page.goto(client.end_address(token))
    oidc_provider.log_out(page)

    assert page.url == f"{landing.callback}?state=out"
    assert oidc_provider.logout_deliveries()[-1] == {
        "sub": "ada",
        "sid": client.verified(token["id_token"])["sid"],
        "error": None,
    }
    assert client.verified(landing.logout_tokens[-1])["sub"] == "ada"


def test_hostile_keeps_to_the_standard_until_told_otherwise(
    hostile: HostileProvider, page: Page, landing: Landing
) -> None:
    hostile.register(redirect_uris=[landing.callback], back_channel_logout_uri=landing.logout)
    client = Client(hostile, landing.callback, "openid")

    page.goto(client.address(acr_values=MFA))
    hostile.log_in(page, "ada")
    answer = answer_of(page.url)
    token = client.token(answer["code"])

    assert (answer["state"], answer["iss"]) == ("of the test", hostile.issuer)
    assert hostile.asked("authorization")["code_challenge_method"] == "S256"
    assert client.user_info(token) == {"sub": "ada", **USERS["ada"].claims}
    claims = client.verified(token["id_token"])
    assert (claims["nonce"], claims["acr"], claims["aud"]) == ("n-1", MFA, "sealrun")
    with pytest.raises(httpx2.HTTPStatusError, match="400"):
        client.token(answer["code"])
    assert hostile.send_logout(hostile.logout_token()).status_code == 200


def test_glewlwyd_sends_the_browser_back_with_a_code_and_swaps_it(
    glewlwyd: Glewlwyd, page: Page, landing: Landing
) -> None:
    glewlwyd.register(redirect_uris=[landing.callback])
    client = Client(glewlwyd, landing.callback, "openid profile email")

    page.goto(client.address())
    glewlwyd.log_in(page, "ada")
    answer = answer_of(page.url)
    token = client.token(answer["code"])

    assert page.url.startswith(landing.callback)
    assert (answer["state"], answer["iss"]) == ("of the test", glewlwyd.issuer)
    claims = client.verified(token["id_token"])
    assert client.user_info(token) == {"sub": claims["sub"], **USERS["ada"].claims}
    assert (claims["nonce"], claims["auth_time"], claims["name"]) == ("n-1", 0, "Ada Vlasák")
    assert claims["sub"] != "ada"
    with pytest.raises(httpx2.HTTPStatusError, match="403"):
        client.token(answer["code"])


def test_glewlwyd_says_that_it_does_not_know_a_name(
    glewlwyd: Glewlwyd, page: Page, landing: Landing
) -> None:
    glewlwyd.register(redirect_uris=[landing.callback])
    client = Client(glewlwyd, landing.callback, "openid profile email")

    page.goto(client.address())
    glewlwyd.log_in(page, "bare")
    token = client.token(answer_of(page.url)["code"])

    said = client.user_info(token)
    assert said == {"sub": said["sub"], "name": "", "email": ""}


def test_glewlwyd_changes_its_keys_when_told(glewlwyd: Glewlwyd) -> None:
    before, both, after = _keys_before_during_and_after(glewlwyd)

    assert before < both
    assert not both & after


def test_glewlwyd_logs_out_and_says_so_to_the_client(
    glewlwyd: Glewlwyd, page: Page, landing: Landing
) -> None:
    glewlwyd.register(
        redirect_uris=[landing.callback],
        post_logout_redirect_uris=[landing.callback],
        back_channel_logout_uri=landing.logout,
    )
    client = Client(glewlwyd, landing.callback, "openid")
    page.goto(client.address())
    glewlwyd.log_in(page, "grace")
    token = client.token(answer_of(page.url)["code"])

    page.goto(client.end_address(token))
    glewlwyd.log_out(page)

    assert page.url == f"{landing.callback}?state=out"
    said = client.verified(landing.logout_tokens[-1])
    assert said["sid"] == client.verified(token["id_token"])["sid"]


def test_jupyterhub_sends_the_browser_back_with_a_code_and_swaps_it(
    jupyterhub: JupyterHub, page: Page, landing: Landing
) -> None:
    jupyterhub.register(redirect_uris=[landing.callback])
    verifier = secrets.token_urlsafe(48)
    asked = {
        "client_id": jupyterhub.client_id,
        "redirect_uri": landing.callback,
        "response_type": "code",
        "state": "of the test",
        "code_challenge": challenge(verifier),
        "code_challenge_method": "S256",
    }

    page.goto(f"{jupyterhub.authorization_endpoint}?{urlencode(asked)}")
    jupyterhub.log_in(page, "ada")
    answer = answer_of(page.url)
    swap = {
        "grant_type": "authorization_code",
        "code": answer["code"],
        "redirect_uri": landing.callback,
        "client_id": jupyterhub.client_id,
        "client_secret": jupyterhub.client_secret,
        "code_verifier": verifier,
    }
    token = patient_http.post(jupyterhub.token_endpoint, data=swap).raise_for_status().json()

    assert page.url.startswith(landing.callback)
    assert answer == {"code": answer["code"], "state": "of the test"}
    said = patient_http.get(
        jupyterhub.user_endpoint, headers={"authorization": f"Bearer {token['access_token']}"}
    ).json()
    assert (said["kind"], said["name"], said["groups"]) == ("user", "ada", ["hpc"])
    again = patient_http.post(jupyterhub.token_endpoint, data=swap)
    assert (again.status_code, again.json()) == (400, {"error": "invalid_grant"})
