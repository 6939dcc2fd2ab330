"""What holds for every answer: headers, foreign requests, texts that attack, and broken pages."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session
from structlog.testing import capture_logs

from portal.db.tables import Challenge, Person, Team
from portal.web.context import WebContext
from portal.web.middleware.headers import HEADERS
from tests.support import factories
from tests.support.web.site import Site, SiteMaker

ATTACKS = (
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "<svg/onload=alert(1)>",
    "{{ 7 * 7 }}",
    "javascript:alert(1)",
)


@pytest.mark.parametrize(
    "path", ["/", "/nowhere", "/challenges/digits", "/login", "/healthz", "/static/nothing.css"]
)
def test_every_answer_has_the_security_headers(site: Site, path: str) -> None:
    answer = site.browser().get(path)

    assert {name: answer.headers.get(name) for name in HEADERS} == HEADERS
    assert answer.headers["cache-control"] == "no-store"


def test_pages_hold_no_inline_script_or_style(site: Site) -> None:
    paths = ("/", "/challenges/digits", "/challenges/digits/leaderboard", "/-/patterns")
    browser = site.browser(site.staff)

    for page in (browser.get(path).text for path in paths):
        assert " style=" not in page
        assert "<style" not in page
        assert " onclick=" not in page
        assert "<script>" not in page


def test_static_files_may_be_kept_for_ever_under_addresses_of_their_content(site: Site) -> None:
    page = site.browser().get("/").text
    address = page.partition('rel="stylesheet" href="')[2].partition('"')[0]

    answer = site.browser().get(address)

    assert answer.status_code == 200
    assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert answer.headers["content-type"] == "text/css; charset=utf-8"


def test_with_tls_the_cookie_is_bound_to_the_host(new_site: SiteMaker) -> None:
    site = new_site(site_url="https://challenges.example.org")
    browser = site.browser(site.ada)
    browser.cookies["__Host-sealrun"] = browser.cookies.pop("sealrun")

    left = browser.post("/logout").headers

    assert left["set-cookie"].startswith("__Host-sealrun=")
    assert "Secure" in left["set-cookie"]
    assert "HttpOnly" in left["set-cookie"]
    assert "SameSite=Lax" in left["set-cookie"]
    assert "Domain" not in left["set-cookie"]
    assert left["strict-transport-security"] == "max-age=63072000"


def test_a_site_in_the_clear_is_possible_on_a_loopback_address_only(site: Site) -> None:
    with pytest.raises(ValueError, match="https"):
        WebContext(
            database=site.context.database,
            store=site.context.store,
            resources=site.context.resources,
            site_name="A site",
            site_url="http://challenges.example.org",
            support="nobody",
            providers=(),
            clock=site.context.clock,
        )


@pytest.mark.parametrize("path", ["/logout", "/challenges/digits/submit"])
@pytest.mark.parametrize(
    "headers",
    [
        pytest.param({"sec-fetch-site": "cross-site"}, id="cross-site"),
        pytest.param({"sec-fetch-site": "same-site"}, id="same-site"),
        pytest.param({"sec-fetch-site": "", "origin": "https://evil.example"}, id="old-browser"),
        pytest.param({"sec-fetch-site": ""}, id="cookie-without-origin"),
    ],
)
def test_a_request_that_another_site_made_is_refused_before_the_session_is_looked_up(
    site: Site, path: str, headers: dict[str, str]
) -> None:
    browser = site.browser(site.ada)

    with site.counted_queries() as statements:
        answer = browser.post(path, headers=headers)

    assert answer.status_code == 403
    assert "another site" in answer.text
    assert statements == []
    assert browser.get("/account").status_code == 200


@pytest.mark.parametrize("attack", ATTACKS)
def test_titles_names_and_texts_are_shown_as_text(site: Site, attack: str) -> None:
    with site.context.database.writing() as session:
        challenge = session.get_one(Challenge, site.digits.challenge.id)
        challenge.title = attack
        challenge.terms = f"# {attack}\n\n{attack}\n\n[{attack}](javascript:alert(1))"
        factories.add_page(session, challenge, "attack", attack, challenge.terms, 9)
        session.get_one(Person, site.ada.id).name = attack
        for team in session.query(Team):
            team.name = f"{attack} {team.name}"
    root = "/challenges/digits"
    browser = site.browser(site.staff)
    paths = ("/", root, f"{root}/terms", f"{root}/pages/attack", f"{root}/leaderboard",
             f"{root}/submissions", f"/submissions/{site.submission_id}")  # fmt: skip

    for page in (browser.get(path) for path in paths):
        assert page.status_code == 200
        for active in ("<script>alert", "<img", "<svg/onload", 'href="javascript:', ">49<"):
            assert active not in page.text


def test_a_long_body_to_a_small_form_is_refused(site: Site) -> None:
    # Logging out reads no body, so nothing is lost; the bound is seen where one is read.
    browser = site.browser(site.newcomer)
    body = b"x" * 200_000

    answer = browser.post(
        "/challenges/nothing/submit",
        content=body,
        headers={"content-type": "multipart/form-data; boundary=x"},
    )

    assert answer.status_code == 404


@pytest.mark.parametrize(
    ("method", "path"), [("POST", "/"), ("PUT", "/account"), ("GET", "/logout")]
)
def test_another_method_is_a_page_that_says_so(site: Site, method: str, path: str) -> None:
    answer = site.browser().request(method, path)

    assert answer.status_code == 405
    assert "cannot be used in this way" in answer.text


class BrokenDatabase:
    """A database that always fails."""

    @contextmanager
    def reading(self) -> Iterator[Session]:
        raise OperationalError("SELECT secret", {"password": "hunter2"}, Exception("gone"))
        yield

    writing = reading


@pytest.fixture
def broken(site: Site) -> Site:
    site.change(database=BrokenDatabase())
    return site


def test_a_broken_page_shows_a_reference_that_is_also_in_the_log(broken: Site) -> None:
    with capture_logs(processors=[_merge]) as log:
        answer = broken.browser().get("/")

    [failure] = [entry for entry in log if entry["event"] == "request_failed"]
    assert answer.status_code == 500
    assert failure["request_id"] in answer.text
    assert "hunter2" not in answer.text
    assert "OperationalError" not in answer.text
    assert answer.headers["content-security-policy"]


def test_health_tells_a_monitor_that_the_database_is_gone(broken: Site) -> None:
    answer = broken.browser().get("/healthz")

    assert (answer.status_code, answer.json()["database"]) == (503, "unreachable")


def test_the_log_has_each_request_without_its_query(site: Site) -> None:
    with capture_logs() as log:
        site.browser().get("/login/campus/callback?code=secret-code&state=secret-state")

    [request] = [entry for entry in log if entry["event"] == "request"]
    assert request["path"] == "/login/campus/callback"
    assert request["status"] == 400
    assert "secret" not in str(log)


def _merge(_logger: object, _name: str, entry: dict[str, object]) -> dict[str, object]:
    import structlog  # noqa: PLC0415 - only here

    return dict(structlog.contextvars.merge_contextvars(None, "", entry))
