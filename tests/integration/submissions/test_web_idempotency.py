"""One form or call that is sent twice makes one submission; the same file submitted again is said."""

import re
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import select

from portal.db.tables import Phase, Submission
from portal.domain.accounts.tokens import Scope
from tests.support.web.site import Site

SUBMIT = "/challenges/digits/submit"
API = "/api/v1/challenges/digits/submissions"
FIELDS = {"phase": "dev", "kind": "results", "note": "my note"}
FILE = {"file": ("predictions.csv", b"id,digit,confidence\n", "text/csv")}
OTHER = {"file": ("predictions.csv", b"id,digit,confidence\n1,1,1\n", "text/csv")}


def made(site: Site) -> list[Submission]:
    with site.context.database.reading() as session:
        rows = session.scalars(select(Submission).order_by(Submission.id))
        return [row for row in rows if row.id != site.submission_id]


def form(page: str) -> dict[str, str]:
    [once] = re.findall(r'name="once" value="([\w-]{22})"', page)
    return FIELDS | {"once": once}


def test_the_very_same_form_makes_one_submission_even_where_it_was_the_last_of_the_day(
    site: Site,
) -> None:
    with site.context.database.writing() as session:
        session.get_one(Phase, site.digits.dev.id).per_day = 1
    browser = site.browser(site.newcomer)
    filled = form(browser.get(SUBMIT).text)

    first = browser.post(SUBMIT, data=filled, files=FILE)
    second = browser.post(SUBMIT, data=filled, files=FILE)

    [row] = made(site)
    assert first.headers["location"] == f"/submissions/{row.id}"
    assert second.headers["location"] == f"/submissions/{row.id}?again=yes"
    assert "This form was sent twice" in browser.get(second.headers["location"]).text
    assert "This form was sent twice" not in browser.get(first.headers["location"]).text


def test_a_form_that_is_sent_twice_at_the_same_moment_makes_one_submission(site: Site) -> None:
    browsers = [site.browser(site.newcomer) for _ in range(2)]
    filled = form(browsers[0].get(SUBMIT).text)

    with ThreadPoolExecutor(2) as threads:
        answers = list(
            threads.map(lambda browser: browser.post(SUBMIT, data=filled, files=FILE), browsers)
        )

    [row] = made(site)
    assert [answer.status_code for answer in answers] == [303, 303]
    assert {answer.headers["location"].partition("?")[0] for answer in answers} == {
        f"/submissions/{row.id}"
    }


@pytest.mark.parametrize(
    ("fields", "files"), [({}, OTHER), ({"note": "another"}, FILE), ({"kind": "code"}, FILE)]
)
def test_a_form_that_was_changed_on_the_way_back_is_another_one(
    site: Site, fields: dict[str, str], files: dict[str, tuple[str, bytes, str]]
) -> None:
    browser = site.browser(site.newcomer)
    filled = form(browser.get(SUBMIT).text)

    browser.post(SUBMIT, data=filled, files=FILE)
    browser.post(SUBMIT, data=filled | fields, files=files)

    assert len(made(site)) == 2


def test_each_opened_form_is_one_of_its_own_and_the_same_file_is_said(site: Site) -> None:
    browser = site.browser(site.newcomer)
    for _ in range(2):
        browser.post(SUBMIT, data=form(browser.get(SUBMIT).text), files=FILE)

    first, second = made(site)
    page = browser.get(f"/submissions/{second.id}").text
    assert f'The same file as submission <a href="/submissions/{first.id}">' in page
    assert "The same file as" not in browser.get(f"/submissions/{first.id}").text


def test_the_same_file_of_another_team_is_not_said(site: Site) -> None:
    for person in (site.newcomer, site.ada):
        browser = site.browser(person)
        browser.post(SUBMIT, data=FIELDS, files=FILE)

    first, second = made(site)
    assert first.team_id != second.team_id
    assert "The same file as" not in browser.get(f"/submissions/{second.id}").text


def test_a_form_of_somebody_else_names_nothing(site: Site) -> None:
    filled = form(site.browser(site.newcomer).get(SUBMIT).text)

    for person in (site.newcomer, site.ada):
        site.browser(person).post(SUBMIT, data=filled, files=FILE)

    assert len({row.person_id for row in made(site)}) == 2


def test_a_call_that_is_repeated_with_its_key_makes_one_submission(site: Site) -> None:
    program = site.program(site.token(site.newcomer, Scope.SUBMIT))
    key = {"idempotency-key": "run-17"}

    answers = [program.post(API, data=FIELDS, files=FILE, headers=key) for _ in range(2)]
    reused = program.post(API, data=FIELDS, files=OTHER, headers=key)
    without = program.post(API, data=FIELDS, files=FILE)
    too_long = program.post(API, data=FIELDS, files=FILE, headers={"idempotency-key": "x" * 201})

    first, second = made(site)
    assert [answer.status_code for answer in answers] == [201, 201]
    assert {answer.json()["id"] for answer in answers} == {first.id}
    assert (reused.status_code, reused.json()["error"]["reason"]) == (422, "idempotency_key")
    assert first.id in reused.json()["error"]["message"]
    assert without.json()["id"] == second.id
    assert (too_long.status_code, too_long.json()["error"]["reason"]) == (422, "invalid")
    assert too_long.json()["error"]["message"].startswith("header.Idempotency-Key: ")
