"""A day of everybody on a site, in a real browser: each page on the way is one that all can use."""

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Locator, Page, expect
from sqlalchemy.orm import Session

from portal.db.engine import open_database
from portal.db.tables import Evaluation, Submission, Trouble
from portal.domain.audit import Action
from portal.domain.evaluations.states import EvaluationState
from portal.domain.ids import new_id
from portal.services.attention import decisions
from portal.services.evaluations.transitions import move
from portal.services.leaderboards import standings
from tests.browser.accessible import assert_accessible
from tests.support import factories
from tests.support.factories import NOW
from tests.support.servers.identity_provider import IdentityProvider
from tests.support.web.chromium import watch
from tests.support.web.served_scene import ORGANISER, Site, Template, log_in, site

pytestmark = pytest.mark.browser

CHALLENGE = "Read the digits"
Open = Callable[..., Page]


@pytest.fixture
def day(
    tmp_path: Path, scene_template: Template, login_provider: IdentityProvider
) -> Iterator[Site]:
    """Serve a site on which nobody else does anything."""
    with site(tmp_path, scene_template, login_provider.issuer) as served:
        yield served


@pytest.fixture
def browse(browser: Browser, day: Site) -> Iterator[Open]:
    """Return a function that opens a page in a browser of its own, of somebody who is logged in or of nobody."""
    contexts: list[BrowserContext] = []

    def open_page(who: str | None = None) -> Page:
        context = browser.new_context(reduced_motion="reduce")
        log_in(context, day, who)
        contexts.append(context)
        return context.new_page()

    yield open_page
    for context in contexts:
        context.close()


def test_a_participant_comes_submits_and_climbs_the_leaderboard(
    day: Site, browse: Open, tmp_path: Path
) -> None:
    page = browse()
    complaints = watch(page, day.url)
    file = tmp_path / "predictions.csv"
    file.write_bytes(b"id,digit,confidence\ntest-0001,7,0.95\n")

    page.goto(day.url)
    _arrives(page, "Data challenges")
    page.get_by_role("link", name=CHALLENGE).click()
    _arrives(page, CHALLENGE)
    _tab(page, "Submit")
    _log_in(page, "grace")
    _arrives(page, "Submit")
    page.clock.install()
    _submit(page, file)
    _follows_it_to_its_score(page, day)
    page.get_by_role("link", name="Leaderboard").click()
    _arrives(page, "Leaderboard")
    expect(page.get_by_text("Your team is at rank 1")).to_be_visible()
    expect(_row(page, "your team")).to_contain_text("0.991")
    _tab(page, "My submissions")
    _arrives(page, "My submissions")
    expect(_row(page, "predictions.csv")).to_contain_text("on the leaderboard")
    _tab(page, "Team")
    _arrives(page, "Your team: grace.okafor")
    _log_out(page)
    assert complaints == []


def _submit(page: Page, file: Path) -> None:
    page.get_by_label("Results").check()
    page.get_by_label("Note").fill("k = 5")
    page.get_by_label("File").set_input_files(file)
    page.get_by_role("button", name="Submit").click()

    _arrives(page, re.compile("^Submission"))
    expect(page.locator(".progress-state")).to_contain_text("Waiting")
    expect(page.get_by_text("k = 5")).to_be_visible()


def _follows_it_to_its_score(page: Page, day: Site) -> None:
    """Let the worker go on, while the page is left open."""
    submission_id = page.url.rpartition("/")[2]
    _change(day, lambda session: _step(session, submission_id, EvaluationState.SCORING))
    page.clock.run_for(5_100)
    expect(page.locator(".progress-state")).to_contain_text("Scoring")

    _change(day, lambda session: _score(session, submission_id, 0.991))
    page.clock.run_for(5_100)
    expect(page.locator(".progress-state")).to_contain_text("Scored")
    # Live regions are part of what axe looks at.
    expect(page.locator("[data-live-word]")).to_have_text("Scored")
    expect(page.locator(".scores [data-primary]")).to_contain_text("0.991")
    assert_accessible(page)


def _step(session: Session, submission_id: str, to: EvaluationState) -> Evaluation:
    evaluation = session.query(Evaluation).filter_by(submission_id=submission_id).one()
    move(session, evaluation, to, now=NOW)
    return evaluation


def _score(session: Session, submission_id: str, accuracy: float) -> None:
    evaluation = _step(session, submission_id, EvaluationState.SCORED)
    factories.add_result(session, evaluation, accuracy, NOW)
    standings.update(session, session.get_one(Submission, submission_id))


def test_an_organiser_decides_releases_cancels_and_names_others(day: Site, browse: Open) -> None:
    page, ada = browse(), browse("ada")
    complaints = watch(page, day.url)

    page.goto(f"{day.url}/challenges/digits/participants")
    _log_in(page, ORGANISER)
    _admits_and_declines(page)
    _lets_it_be_tried_again(page, day)
    _releases_a_log(page, ada, day)
    _cancels_a_run(page)
    _reads_about_the_challenge(page)
    _changes_roles(page, day)
    _sees_more_of_the_leaderboard(page, ada, day)
    page.goto(f"{day.url}/staff")
    expect(page.get_by_role("heading", level=1)).to_have_text("There is nothing here")
    page.go_back()
    _log_out(page)
    # Of the form that was refused, and of the page that is not theirs.
    assert [one for one in complaints if "422" not in one and "404" not in one] == []


def _admits_and_declines(page: Page) -> None:
    _arrives(page, "Participants")
    asks = page.get_by_role("group", name="People who want to take part")
    expect(_row(asks, "Nils Holmgren")).to_contain_text("pattern recognition")
    page.get_by_role("button", name="Admit Nils Holmgren").click()
    expect(_row(asks, "Nils Holmgren")).to_have_count(0)
    page.get_by_role("button", name="Decline Eleni").click()
    expect(_row(asks, "Eleni")).to_contain_text("Declined")

    assert_accessible(page)


def _lets_it_be_tried_again(page: Page, day: Site) -> None:
    _tab(page, "All submissions")
    _arrives(page, "All submissions")
    expect(_row(page, "svm.zip")).to_contain_text("Needs attention")
    _organise(page, "Attention")
    _arrives(page, "What needs attention")
    page.get_by_role("button", name="Try again").click()
    expect(page.get_by_text("It is about to be tried again.")).to_be_visible()
    assert_accessible(page)

    _change(day, _carry_out)
    page.reload()
    expect(page.get_by_text("Nothing needs attention.")).to_be_visible()
    _tab(page, "All submissions")
    expect(_row(page, "svm.zip")).to_contain_text("Running")


def _carry_out(session: Session) -> None:
    """Do what people decided, as the worker does."""
    for one in decisions.waiting(session):
        decisions.carry_out(session, one, now=NOW)


def _releases_a_log(page: Page, ada: Page, day: Site) -> None:
    address = f"{day.url}/submissions/{day.scene.submissions['failed'].id}"
    said = "epoch 29"
    ada.goto(address)
    expect(ada.get_by_text(said)).to_have_count(0)
    _row(page, page.get_by_text("ensemble.tar", exact=True)).get_by_role("link").click()
    _arrives(page, re.compile("^Submission"))
    expect(page.get_by_text(said)).to_have_count(0)
    page.get_by_role("link", name="Show confidential details").click()
    _arrives(page, re.compile("^Confidential details"))
    expect(page.get_by_text(said)).to_be_visible()
    page.get_by_role("link", name="Release this log to the team").click()
    _arrives(page, "Release this log?")
    page.get_by_role("button", name="Release it to the team").click()
    expect(page.get_by_role("alert")).to_contain_text("Say why")
    assert_accessible(page)
    page.get_by_label("Why").fill("It shows nothing but your own losses.")
    page.get_by_role("button", name="Release it to the team").click()

    expect(page).to_have_url(address)
    ada.reload()
    expect(ada.get_by_text("It shows nothing but your own losses.")).to_be_visible()
    expect(ada.get_by_text(said)).to_be_visible()
    assert_accessible(ada)


def _cancels_a_run(page: Page) -> None:
    page.get_by_role("link", name="All submissions").click()
    run = page.get_by_role("row").filter(has_text="forest.tar.gz").filter(has_text="Running")
    run.get_by_role("link").click()
    _arrives(page, re.compile("^Submission"))
    page.get_by_role("link", name="Cancel").click()
    _arrives(page, "Cancel this submission?")
    page.get_by_role("button", name="Cancel the submission").click()

    expect(page.locator(".progress-state")).to_contain_text("being cancelled")
    assert_accessible(page)
    page.get_by_role("link", name=CHALLENGE).click()


def _reads_about_the_challenge(page: Page) -> None:
    for tab, heading, row in (
        ("Resources", "Resources", "no limit"),
        ("Leak control", "Leak control", "Development"),
        ("Retention", "Retention", "Upload"),
    ):
        _organise(page, tab)
        _arrives(page, heading)
        expect(_row(page, row).first).to_be_visible()


def _changes_roles(page: Page, day: Site) -> None:
    _organise(page, "Roles")
    _arrives(page, "Roles")
    page.get_by_label("Account number").fill(day.scene.newcomer.id)
    page.get_by_role("group", name="Role", exact=True).get_by_label("Reviewer").check()
    page.get_by_role("button", name="Continue").click()
    expect(page.get_by_role("heading", name="Is this the right person?")).to_be_visible()
    assert_accessible(page)
    page.get_by_role("button", name="Yes, give Nina Bergström the role").click()
    expect(_row(page, "Nina Bergström")).to_contain_text("Reviewer")
    page.get_by_role("button", name="Remove Priya Raman").click()
    expect(_row(page, "Priya Raman")).to_have_count(0)
    expect(_row(page, "Ingrid Solheim")).to_contain_text("you")


def _sees_more_of_the_leaderboard(page: Page, ada: Page, day: Site) -> None:
    _tab(page, "Leaderboard")
    _arrives(page, "Leaderboard")
    expect(page.get_by_role("columnheader", name="Hold-out")).to_contain_text("private")
    expect(page.get_by_role("link", name="Final")).to_be_visible()
    ada.goto(page.url)
    expect(ada.get_by_role("columnheader", name="Accuracy")).to_be_visible()
    expect(ada.get_by_role("columnheader", name="Hold-out")).to_have_count(0)
    expect(ada.get_by_role("link", name="Final")).to_have_count(0)
    page.get_by_role("link", name="Final").click()
    expect(page.get_by_text("No team has a score in this phase yet.")).to_be_visible()


def test_staff_settle_look_around_and_block_somebody(day: Site, browse: Open) -> None:
    page, grace = browse(), browse()
    complaints = watch(page, day.url)
    _change(day, _set_aside)
    grace.goto(f"{day.url}/account")
    _log_in(grace, "grace")

    page.goto(f"{day.url}/staff")
    _log_in(page, "staff")
    _arrives(page, "Staff")
    _settles(page, day)
    _looks_at_the_site(page)
    _looks_at_resources_and_retention(page)
    _names_an_owner(page, day)
    _finds(page, "grace.okafor")
    _ends_sessions(page, grace)
    _blocks(page, grace, day)
    _reads_the_audit_log(page)
    _log_out(page)
    assert complaints == []


def _set_aside(session: Session) -> None:
    """Let the worker have met something that it cannot go on with, and that is of no challenge."""
    session.add(
        Trouble(
            id=new_id(NOW), cluster="main", step="collect", subject="sr-17", tries=5,
            problem="OSError: the folder is gone", first_at=NOW, last_at=NOW, next_at=None,
        )
    )  # fmt: skip


def _settles(page: Page, day: Site) -> None:
    held = _row(page, day.scene.submissions["held"].id)
    _row(page, "the folder is gone").get_by_role("button", name="Try again").click()
    expect(_row(page, "the folder is gone")).to_contain_text("It is about to be tried again.")
    held.get_by_role("button", name="Give up, counting").click()
    expect(held).to_contain_text("It is about to be given up; it counts.")
    held.get_by_role("button", name="Give up, without counting").click()
    expect(held).to_contain_text("It is about to be given up; it does not count.")
    assert_accessible(page)
    held.get_by_role("link").click()
    expect(page.locator(".progress-state")).to_contain_text("Needs attention")

    _change(day, _carry_out)
    page.reload()
    expect(page.locator(".progress-state")).to_contain_text("Failed")
    expect(page.get_by_text("does not count against your limits")).to_be_visible()
    _arrives(page, re.compile("^Submission"))
    page.get_by_role("link", name="Staff", exact=True).click()
    expect(page.get_by_text("Nothing. What the worker cannot go on with")).to_be_visible()


def _looks_at_the_site(page: Page) -> None:
    _tab(page, "Check of the site", of="Staff")
    _arrives(page, "Check of the site")
    expect(_row(page, "probe.files")).to_contain_text("Failure")
    expect(_row(page, "slurm.devices")).to_contain_text("OK")


def _looks_at_resources_and_retention(page: Page) -> None:
    for name in ("Resources", "Retention"):
        _tab(page, name, of="Staff")
        _arrives(page, name)
        page.get_by_role("link", name=CHALLENGE).first.click()
        _arrives(page, name)
        expect(page).to_have_url(re.compile(f"/challenges/digits/{name.lower()}$"))
        page.get_by_role("link", name="Staff", exact=True).click()


def _names_an_owner(page: Page, day: Site) -> None:
    """Give a challenge for which nobody works its first owner."""
    page.get_by_role("link", name="Challenges", exact=True).click()
    _arrives(page, "Data challenges")
    page.get_by_role("link", name="Find roads on old maps").click()
    _arrives(page, "Find roads on old maps")
    _organise(page, "Roles", of="Find roads on old maps")
    expect(page.get_by_text("Nobody works for this challenge yet")).to_be_visible()
    page.get_by_label("Account number").fill(day.scene.ada.id)
    page.get_by_role("group", name="Role", exact=True).get_by_label("Owner").check()
    page.get_by_role("button", name="Continue").click()
    page.get_by_role("button", name="Yes, give Ada Vlasák the role").click()

    expect(_row(page, "Ada Vlasák")).to_contain_text("Owner")
    _arrives(page, "Roles")
    page.get_by_role("link", name="Staff", exact=True).click()


def _finds(page: Page, name: str) -> None:
    _tab(page, "People", of="Staff")
    _arrives(page, "People")
    page.get_by_label("Find somebody").fill(name[:8].upper())
    page.get_by_role("button", name="Find").click()
    expect(page.get_by_role("heading", name="1 person")).to_be_visible()
    assert_accessible(page)
    page.get_by_role("link", name=name).click()
    _arrives(page, name)


def _ends_sessions(page: Page, grace: Page) -> None:
    grace.reload()
    expect(grace.get_by_role("heading", level=1)).to_have_text("Your account")
    page.get_by_role("button", name="End all of them").click()
    expect(page.get_by_text("No browser is logged in.")).to_be_visible()
    grace.reload()
    expect(grace.get_by_role("heading", level=1)).to_have_text("Log in")


def _blocks(page: Page, grace: Page, day: Site) -> None:
    page.get_by_label("Reason").select_option("Misuse of the site")
    page.get_by_role("button", name="Block this person").click()
    expect(page.get_by_role("heading", name="This person is blocked")).to_be_visible()
    assert_accessible(page)
    _choose(grace, "grace")
    expect(grace.get_by_role("main")).to_contain_text("Your account is blocked")
    assert_accessible(grace)

    page.get_by_role("button", name="Let in again").click()
    expect(page.get_by_role("heading", name="This person is blocked")).to_have_count(0)
    grace.goto(f"{day.url}/account")
    _choose(grace, "grace")
    expect(grace.get_by_role("heading", level=1)).to_have_text("Your account")


def _reads_the_audit_log(page: Page) -> None:
    _tab(page, "Audit log", of="Staff")
    _arrives(page, "Audit log")
    page.get_by_label("What").select_option("Staff, blocking and the log")
    page.get_by_label("Who").fill("Site Staff")
    page.get_by_role("button", name="Show").click()
    expect(_row(page, "Site Staff blocked grace.okafor")).to_contain_text("reason: misuse")
    expect(_row(page, "Site Staff let grace.okafor in again")).to_be_visible()
    assert_accessible(page)

    with page.expect_download() as download:
        page.get_by_role("link", name="Download these entries").click()
    lines = download.value.path().read_text().splitlines()
    actions = [json.loads(line)["action"] for line in lines]
    assert actions[-2:] == [Action.PERSON_BLOCKED, Action.PERSON_UNBLOCKED]


def _arrives(page: Page, heading: str | re.Pattern[str]) -> None:
    """Check that a page is the one with this heading, and that everybody can use it."""
    expect(page.get_by_role("heading", level=1)).to_have_text(heading)
    assert_accessible(page)


def _row(page: Page | Locator, what: str | Locator) -> Locator:
    rows = page.get_by_role("row")
    return rows.filter(has_text=what) if isinstance(what, str) else rows.filter(has=what)


def _tab(page: Page, name: str, *, of: str = CHALLENGE) -> None:
    tabs = page.get_by_role("navigation", name=of, exact=True)
    tabs.get_by_role("link", name=name, exact=True).click()


def _organise(page: Page, name: str, *, of: str = CHALLENGE) -> None:
    """Go to a page for those who work for a challenge: by its tab, and the list beside those pages."""
    _tab(page, "Organise", of=of)
    _tab(page, name, of="Organise")


def _log_in(page: Page, subject: str) -> None:
    """Log in for the first time, from the page that asks for it."""
    _arrives(page, "Log in")
    _choose(page, subject)
    _arrives(page, "Welcome")
    page.get_by_label("I have read the terms").check()
    page.get_by_role("button", name="Continue").click()


def _choose(page: Page, subject: str) -> None:
    page.get_by_role("link", name="Nordholm University account").click()
    page.get_by_role("button", name=subject, exact=True).click()


def _log_out(page: Page) -> None:
    page.get_by_role("button", name="Log out").click()
    page.get_by_role("button", name="End session").click()
    _arrives(page, "You are logged out")


def _change(day: Site, act: Callable[[Session], object]) -> None:
    """Change the database behind the site's back, as the worker does."""
    database = open_database(day.database_url)
    with database.writing() as session:
        act(session)
    database.engine.dispose()
