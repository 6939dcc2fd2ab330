"""What people do, in a real browser: with and without JavaScript."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from portal.db.engine import open_database
from portal.db.tables import Challenge, Evaluation, Submission
from portal.domain.evaluations.states import EvaluationState
from portal.services.evaluations.transitions import move
from tests.support.factories import NOW
from tests.support.web.chromium import watch
from tests.support.web.served_scene import Site, log_in

pytestmark = pytest.mark.browser

ROOT = "/challenges/digits"


# The quick run has a participant's day with scripts in `test_role_journeys.py`.
@pytest.fixture(
    params=[
        pytest.param(True, id="with-scripts", marks=pytest.mark.slow),
        pytest.param(False, id="without-scripts"),
    ]
)
def context(request: pytest.FixtureRequest, browser: Browser) -> Iterator[BrowserContext]:
    context = browser.new_context(java_script_enabled=request.param)
    yield context
    context.close()


@pytest.fixture
def page(context: BrowserContext) -> Page:
    return context.new_page()


def _log_in_at_the_provider(page: Page, served: Site, subject: str) -> None:
    page.get_by_role("link", name="Nordholm University account").click()
    page.get_by_role("button", name=subject, exact=True).click()
    page.wait_for_url(f"{served.url}/**")
    if page.get_by_role("heading", level=1).inner_text() == "Welcome":
        page.get_by_label("I have read the terms").check()
        page.get_by_role("button", name="Continue").click()


def test_somebody_logs_in_submits_and_sees_the_submission(
    served: Site, page: Page, tmp_path: Path
) -> None:
    complaints = watch(page, served.url)
    file = tmp_path / "my predictions.csv"
    file.write_bytes(b"id,digit,confidence\ntest-0001,7,0.95\n")

    page.goto(f"{served.url}{ROOT}")
    page.get_by_role("link", name="Submit").first.click()
    _log_in_at_the_provider(page, served, "grace")
    expect(page).to_have_url(f"{served.url}{ROOT}/submit")
    page.get_by_label("Results").check()
    page.get_by_label("File").set_input_files(file)
    page.get_by_label("Note").fill("From a browser")
    page.get_by_role("button", name="Submit").click()

    expect(page.get_by_role("heading", level=1)).to_contain_text("Submission")
    expect(page.get_by_text("my predictions.csv")).to_be_visible()
    expect(page.get_by_text("From a browser")).to_be_visible()
    page.get_by_role("link", name="My submissions").click()
    expect(page.get_by_role("row")).not_to_have_count(1)
    page.get_by_role("button", name="Log out").click()
    page.get_by_role("button", name="End session").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("You are logged out")
    expect(page.get_by_role("link", name="Log in")).to_be_visible()
    assert complaints == []


@pytest.mark.slow
def test_a_wrong_form_keeps_the_input_and_leads_to_the_field(
    served: Site, context: BrowserContext, page: Page, tmp_path: Path
) -> None:
    log_in(context, served, "ada")
    empty = tmp_path / "empty.csv"
    empty.touch()

    page.goto(f"{served.url}{ROOT}/submit")
    page.get_by_label("Code", exact=True).check()
    page.get_by_label("Note").fill("I keep this")
    page.get_by_label("File").set_input_files(empty)
    page.get_by_role("button", name="Submit").click()
    page.get_by_role("link", name="Choose the file to submit").click()

    assert page.url.endswith("#field-file")
    expect(page.get_by_label("Note")).to_have_value("I keep this")
    expect(page.get_by_label("Code", exact=True)).to_be_checked()
    expect(page.get_by_label("File")).to_have_attribute("aria-invalid", "true")


@pytest.mark.slow
def test_the_refresh_link_brings_what_is_new(
    served: Site, context: BrowserContext, page: Page
) -> None:
    log_in(context, served, "ada")
    page.goto(f"{served.url}/submissions/{served.scene.submissions['queued'].id}")

    page.get_by_role("link", name="Refresh").click()

    expect(page.get_by_text("No node is free yet")).to_be_visible()


@pytest.mark.slow
def test_a_page_that_is_left_open_follows_its_submission(served: Site, browser: Browser) -> None:
    context = browser.new_context()
    log_in(context, served, "ada")
    page = context.new_page()
    complaints = watch(page, served.url)
    page.clock.install()
    page.goto(f"{served.url}/submissions/{served.scene.submissions['waiting'].id}")
    expect(page.locator(".progress-state")).to_contain_text("Waiting")

    _step(served, "waiting", EvaluationState.BUILDING)
    page.clock.run_for(5_100)
    expect(page.locator(".progress-state")).to_contain_text("Building")
    expect(page.locator("[data-live-word]")).to_have_text("Building")
    _step(served, "waiting", EvaluationState.CANCELLED)
    page.clock.run_for(5_100)
    expect(page.locator(".progress-state")).to_contain_text("Cancelled")
    expect(page.get_by_role("link", name="Refresh")).to_have_count(0)

    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.clock.run_for(60_000)
    assert asked == []
    assert complaints == []
    context.close()


def _step(served: Site, name: str, to: EvaluationState) -> None:
    database = open_database(served.database_url)
    with database.writing() as session:
        submission = session.get_one(Submission, served.scene.submissions[name].id)
        evaluation = session.query(Evaluation).filter_by(submission_id=submission.id).one()
        move(session, evaluation, to, now=NOW)
    database.engine.dispose()


@pytest.mark.slow
def test_no_text_of_anybody_runs_as_a_script(served: Site, browser: Browser) -> None:
    attack = "<script>window.attacked = true</script><img src=x onerror='window.attacked = true'>"
    database = open_database(served.database_url)
    with database.writing() as session:
        challenge = session.get_one(Challenge, served.scene.digits.challenge.id)
        before = (challenge.title, challenge.terms)
        challenge.title, challenge.terms = attack, attack
    context = browser.new_context()
    log_in(context, served, "ada")
    page = context.new_page()
    complaints = watch(page, served.url)

    for path in ("/", ROOT, f"{ROOT}/terms", f"{ROOT}/leaderboard", f"{ROOT}/submit"):
        page.goto(served.url + path)
        assert page.evaluate("window.attacked") is None
        assert page.locator("img:not(.challenge-logo)").count() == 0

    assert complaints == []
    with database.writing() as session:
        challenge = session.get_one(Challenge, served.scene.digits.challenge.id)
        challenge.title, challenge.terms = before
    database.engine.dispose()
    context.close()
