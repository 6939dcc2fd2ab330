"""Logging in and out at real providers, on their own pages, in a real browser."""

import dataclasses
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlencode

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect
from sqlalchemy import select

from portal.db.tables import Account, LoginSession
from portal.domain.accounts.gates import Gate
from portal.domain.accounts.provider_defaults import LoginProfile
from portal.web.app import create_app
from portal.web.context import Provider, WebContext
from portal.web.login.failures import EXPIRED, UNREACHABLE, WEAK
from tests.support import patient_http
from tests.support.providers import Provider as RealProvider
from tests.support.providers.glewlwyd import Glewlwyd
from tests.support.providers.jupyterhub import JupyterHub
from tests.support.providers.oidc_provider import OidcProvider
from tests.support.providers.people import MFA
from tests.support.servers.portal import free_port, new_context, serving
from tests.support.web.chromium import watch

pytestmark = [pytest.mark.browser, pytest.mark.slow]

LoggingOut = OidcProvider | Glewlwyd


@dataclass(frozen=True, kw_only=True)
class Site:
    """A served site whose logins are real providers."""

    context: WebContext

    @property
    def url(self) -> str:
        """Where it is."""
        return self.context.site_url

    def accounts(self) -> list[Account]:
        """Return the accounts that somebody has logged in with."""
        with self.context.database.reading() as session:
            return list(session.scalars(select(Account).order_by(Account.created_at)))

    def id_token(self) -> str:
        """Return the ID token of the one session in which somebody is logged in."""
        with self.context.database.reading() as session:
            known = LoginSession.person_id.is_not(None)
            return session.scalars(select(LoginSession.id_token).where(known)).one()


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    context: BrowserContext = browser.new_context()
    page = context.new_page()
    yield page
    context.close()


@pytest.fixture
def site(
    tmp_path: Path, oidc_provider: OidcProvider, glewlwyd: Glewlwyd, jupyterhub: JupyterHub
) -> Iterator[Site]:
    """Serve a site at which all three providers can be chosen."""
    with _serving(
        tmp_path,
        (
            _provider("campus", oidc_provider),
            _provider("partner", glewlwyd),
            dataclasses.replace(
                _provider("hub", jupyterhub),
                profile=LoginProfile.JUPYTERHUB,
                scopes=(),
                require=(Gate(title="Users of the cluster", claims={"group": ("hpc",)}),),
            ),
        ),
    ) as site:
        for name, provider in (("campus", oidc_provider), ("partner", glewlwyd)):
            _register(site, name, provider)
        jupyterhub.register(redirect_uris=[f"{site.url}/login/hub/callback"])
        yield site


@pytest.fixture
def strict_site(tmp_path: Path, oidc_provider: OidcProvider) -> Iterator[Site]:
    """Serve a site that asks for a second factor."""
    gate = Gate(title="Two factors", claims={"acr": (MFA,)}, ask="the help desk")
    provider = dataclasses.replace(_provider("campus", oidc_provider), require=(gate,))
    with _serving(tmp_path, (provider,)) as site:
        _register(site, "campus", oidc_provider)
        yield site


def _provider(name: str, provider: RealProvider) -> Provider:
    return Provider(
        id=name,
        title=f"The {name} account",
        issuer=provider.issuer,
        client_id=provider.client_id,
        client_secret=provider.client_secret,
        scopes=("email",),
    )


@contextmanager
def _serving(folder: Path, providers: tuple[Provider, ...]) -> Iterator[Site]:
    port = free_port()
    context = new_context(folder, site_url=f"http://127.0.0.1:{port}", providers=providers)
    with serving(create_app(context), port):
        yield Site(context=context)
    context.database.engine.dispose()


def _register(site: Site, name: str, provider: LoggingOut) -> None:
    provider.register(
        redirect_uris=[f"{site.url}/login/{name}/callback"],
        post_logout_redirect_uris=[f"{site.url}/logged-out"],
        back_channel_logout_uri=f"{site.url}/login/{name}/back-channel-logout",
    )


def _log_in(page: Page, site: Site, name: str, provider: RealProvider, who: str) -> None:
    page.goto(f"{site.url}/login?next=/account")
    page.get_by_role("link", name=f"The {name} account").click()
    provider.log_in(page, who)


def _ends_at_the_account_page(page: Page, site: Site) -> None:
    expect(page).to_have_url(f"{site.url}/account")
    expect(page.get_by_role("heading", level=1)).to_have_text("Your account")


@pytest.mark.parametrize("name", ["campus", "partner"])
def test_somebody_logs_in_at_the_provider_and_out_there_as_well(
    site: Site, page: Page, name: str, request: pytest.FixtureRequest
) -> None:
    provider: LoggingOut = request.getfixturevalue(_FIXTURES[name])
    complaints = watch(page, site.url)

    _log_in(page, site, name, provider, "ada")
    _ends_at_the_account_page(page, site)
    expect(page.get_by_role("main")).to_contain_text("Ada Vlasák")
    page.get_by_role("button", name="Log out").first.click()
    page.wait_for_url(lambda url: url.startswith(provider.issuer.partition("/api")[0]))
    ended_first = patient_http.get(f"{site.url}/account", headers=_cookie(page)).status_code
    provider.log_out(page)

    assert ended_first == 303
    page.wait_for_url(f"{site.url}/logged-out?state=*")
    expect(page.get_by_role("main")).to_contain_text("sent you back after its own logout")
    assert complaints == []
    [account] = site.accounts()
    assert account.claims["entitlement"] == ["urn:example:hpc"]
    assert account.claims["affiliation"] == ["member@nordholm.example", "staff@nordholm.example"]
    assert account.claims["domain"] == ["nordholm.example"]


_FIXTURES = {"campus": "oidc_provider", "partner": "glewlwyd"}


def _cookie(page: Page) -> dict[str, str]:
    [cookie] = [one for one in page.context.cookies() if one["name"] == "sealrun"]
    return {"cookie": f"sealrun={cookie['value']}"}


@pytest.mark.parametrize("name", ["campus", "partner"])
def test_a_logout_at_the_provider_ends_the_session_here(
    site: Site, page: Page, name: str, request: pytest.FixtureRequest
) -> None:
    provider: LoggingOut = request.getfixturevalue(_FIXTURES[name])
    _log_in(page, site, name, provider, "ada")
    _ends_at_the_account_page(page, site)
    end = patient_http.get(f"{provider.issuer}/.well-known/openid-configuration").json()
    asked = {"id_token_hint": site.id_token(), "post_logout_redirect_uri": f"{site.url}/logged-out"}

    page.goto(f"{end['end_session_endpoint']}?{urlencode({**asked, 'state': 'elsewhere'})}")
    provider.log_out(page)
    page.goto(f"{site.url}/account")

    expect(page).to_have_url(f"{site.url}/login?next=%2Faccount")


def test_a_login_goes_on_working_when_the_provider_changes_its_keys(
    site: Site, page: Page, browser: Browser, oidc_provider: OidcProvider
) -> None:
    _log_in(page, site, "campus", oidc_provider, "ada")
    _ends_at_the_account_page(page, site)

    oidc_provider.rotate_keys()
    context = browser.new_context()
    another = context.new_page()
    _log_in(another, site, "campus", oidc_provider, "grace")

    _ends_at_the_account_page(another, site)
    expect(another.get_by_role("main")).to_contain_text("grace.okafor")
    context.close()


def test_a_provider_that_breaks_down_while_somebody_logs_in_is_a_page_that_says_so(
    site: Site, page: Page, oidc_provider: OidcProvider
) -> None:
    page.goto(f"{site.url}/login/campus")

    oidc_provider.break_back_channel()
    oidc_provider.log_in(page, "ada")

    expect(page.get_by_role("heading", level=1)).to_have_text("You are not logged in")
    expect(page.get_by_role("main")).to_contain_text(UNREACHABLE)


def test_a_second_factor_lets_in_who_has_one(
    strict_site: Site, page: Page, oidc_provider: OidcProvider
) -> None:
    _log_in(page, strict_site, "campus", oidc_provider, "ada")

    _ends_at_the_account_page(page, strict_site)
    [account] = strict_site.accounts()
    assert account.claims["acr"] == MFA


def test_whoever_has_no_second_factor_is_told_so_and_can_try_again(
    strict_site: Site, page: Page, oidc_provider: OidcProvider
) -> None:
    _log_in(page, strict_site, "campus", oidc_provider, "grace")
    expect(page.get_by_role("main")).to_contain_text(WEAK)
    expect(page.get_by_role("main")).to_contain_text("Ask about it: the help desk")

    page.get_by_role("link", name="Log in again with a second factor").click()

    # Its session is still open there, and yet it asks: this time for more.
    expect(page.get_by_placeholder("Enter any login")).to_be_visible()
    assert page.url.startswith(oidc_provider.issuer)


def test_somebody_adds_a_second_login_and_comes_back_through_it(
    site: Site, page: Page, browser: Browser, oidc_provider: OidcProvider, glewlwyd: Glewlwyd
) -> None:
    complaints = watch(page, site.url)
    _log_in(page, site, "campus", oidc_provider, "ada")
    _ends_at_the_account_page(page, site)

    page.get_by_role("button", name="Add The partner account").click()
    page.wait_for_url(lambda url: url.startswith(glewlwyd.address))
    glewlwyd.log_in(page, "grace")
    expect(page).to_have_url(f"{site.url}/account#logins")
    context = browser.new_context()
    another = context.new_page()
    _log_in(another, site, "partner", glewlwyd, "grace")
    _ends_at_the_account_page(another, site)

    first, second = site.accounts()
    assert (first.person_id, complaints) == (second.person_id, [])
    expect(another.get_by_role("table", name="Accounts that you log in with")).to_contain_text(
        "The campus account"
    )
    context.close()


def test_a_user_of_the_hub_logs_in_and_is_known_by_name_and_groups(
    site: Site, page: Page, jupyterhub: JupyterHub
) -> None:
    _log_in(page, site, "hub", jupyterhub, "ada")
    _ends_at_the_account_page(page, site)
    page.get_by_role("button", name="Log out").first.click()

    expect(page).to_have_url(f"{site.url}/logged-out")
    expect(page.get_by_role("main")).to_contain_text("login may still be open")
    [account] = site.accounts()
    assert (account.issuer, account.subject) == (jupyterhub.issuer, "ada")
    assert account.claims["group"] == ["hpc"]


def test_a_user_of_the_hub_outside_the_group_is_told_the_rule(
    site: Site, page: Page, jupyterhub: JupyterHub
) -> None:
    _log_in(page, site, "hub", jupyterhub, "grace")

    expect(page.get_by_role("heading", level=1)).to_have_text("You are not logged in")
    expect(page.get_by_role("main")).to_contain_text("Users of the cluster")
    assert site.accounts() == []


def test_the_hub_checks_that_the_answer_is_used_by_whoever_began(
    site: Site, page: Page, jupyterhub: JupyterHub
) -> None:
    page.goto(f"{site.url}/login/hub")
    with site.context.database.writing() as session:
        row = session.scalars(select(LoginSession)).one()
        [(state, attempt)] = row.data["logins"].items()
        row.data = {"logins": {state: {**attempt, "verifier": "x" * 64}}}

    jupyterhub.log_in(page, "ada")

    expect(page.get_by_role("heading", level=1)).to_have_text("You are not logged in")
    expect(page.get_by_role("main")).to_contain_text(EXPIRED)
    assert site.accounts() == []
