"""A person's whole time on a site, in a real browser without JavaScript."""

import re
from collections.abc import Iterator

import httpx2
import pytest
from playwright.sync_api import Browser, Page, expect

from tests.support import patient_http
from tests.support.web.chromium import watch
from tests.support.web.served_scene import Site

pytestmark = [pytest.mark.browser, pytest.mark.slow]

SECRET = re.compile(r"sealrun_[\w-]{43}")


@pytest.fixture
def pages(browser: Browser) -> Iterator[tuple[Page, Page]]:
    """Return a page in each of two browsers of the same person."""
    contexts = [browser.new_context(java_script_enabled=False) for _ in range(2)]
    one, other = (context.new_page() for context in contexts)
    yield one, other
    for context in contexts:
        context.close()


def _log_in(page: Page, served: Site) -> None:
    page.goto(f"{served.url}/account")
    page.get_by_role("link", name="Nordholm University account").click()
    page.get_by_role("button", name="ada", exact=True).click()
    page.wait_for_url(f"{served.url}/**")


def _ask_api(served: Site, token: str) -> httpx2.Response:
    return patient_http.get(f"{served.url}/api/v1/me", headers={"authorization": f"Bearer {token}"})


def test_somebody_comes_chooses_names_lets_a_program_in_and_leaves(
    served: Site, pages: tuple[Page, Page]
) -> None:
    page, other = pages
    complaints = watch(page, served.url)

    _log_in(page, served)
    _welcome(page)
    expect(page).to_have_url(f"{served.url}/account")
    _choose_a_name(page)
    token = _make_a_token(page)
    assert _ask_api(served, token).json()["name"] == "Ada of the Lab"

    _log_in(other, served)
    expect(other).to_have_url(f"{served.url}/account")
    _log_the_other_out(page)
    other.reload()
    expect(other.get_by_role("heading", level=1)).to_have_text("Log in")
    assert _ask_api(served, token).status_code == 200

    _delete_everything(page, served)
    assert _ask_api(served, token).json()["error"]["reason"] == "token_unknown"
    _log_in(page, served)
    expect(page.get_by_role("heading", level=1)).to_have_text("Welcome")
    assert [complaint for complaint in complaints if "422" not in complaint] == []


def _welcome(page: Page) -> None:
    expect(page.get_by_role("heading", level=1)).to_have_text("Welcome")
    pseudonym = page.get_by_label("Pseudonym", exact=True)
    suggested = pseudonym.input_value()
    page.get_by_label("I have read the terms").check()
    page.get_by_label("My pseudonym").check()
    page.get_by_role("button", name="Suggest another pseudonym").click()

    expect(pseudonym).not_to_have_value(suggested)
    expect(page.get_by_label("I have read the terms")).to_be_checked()
    expect(page.get_by_label("My pseudonym")).to_be_checked()
    # As many do, without looking for the button.
    page.get_by_label("What to call you").press("Enter")


def _choose_a_name(page: Page) -> None:
    expect(page.get_by_label("My pseudonym")).to_be_checked()
    page.get_by_label("What to call you").fill("Ada of the Lab")
    page.get_by_role("button", name="Save names").click()

    expect(page.get_by_role("navigation", name="Site")).to_contain_text("Ada of the Lab")


def _make_a_token(page: Page) -> str:
    page.get_by_role("link", name="API tokens").click()
    page.get_by_label("What it is for").fill("my laptop")
    page.get_by_label("Read what you can read").check()
    page.get_by_label("How long it works").select_option("7 days")
    page.get_by_role("button", name="Make a token").click()

    [token] = SECRET.findall(page.content())
    page.goto(page.url)
    assert SECRET.findall(page.content()) == []
    row = page.get_by_role("row").filter(has_text="my laptop")
    expect(row).to_contain_text("Works")
    return token


def _log_the_other_out(page: Page) -> None:
    page.get_by_role("link", name="Your account").click()
    browsers = page.get_by_role("group", name="Browsers that are logged in as you")
    expect(browsers.get_by_role("row")).to_have_count(3)
    browsers.get_by_role("button", name=re.compile("Log out")).click()

    expect(browsers.get_by_role("row")).to_have_count(2)
    expect(browsers).to_contain_text("this one")


def _delete_everything(page: Page, served: Site) -> None:
    page.get_by_role("link", name="Delete your data").click()
    page.get_by_label("Your name").fill("somebody else")
    page.get_by_role("button", name="Delete my data").click()
    expect(page.get_by_role("alert")).to_contain_text("Type your name as it is shown here.")
    page.get_by_label("Your name").fill("Ada of the Lab")
    page.get_by_role("button", name="Delete my data").click()

    expect(page).to_have_url(f"{served.url}/")
    expect(page.get_by_role("link", name="Log in")).to_be_visible()
