"""Trying a program on the public sample, by the form and by the API."""

import pytest
from sqlalchemy import select

from portal.db.tables import Evaluation, Submission, Task
from portal.domain.accounts.tokens import Scope
from portal.domain.evaluations.states import EvaluationState
from tests.support.web.site import Site

SUBMIT = "/challenges/digits/submit"
CODE = {"file": ("code.zip", b"PK\5\6" + bytes(18))}
FIELDS = {"phase": "dev", "kind": "code", "note": ""}


@pytest.fixture
def sampled(site: Site) -> Site:
    """Give the task a public sample."""
    with site.context.database.writing() as session:
        task = session.scalars(select(Task)).one()
        task.sample_sha256 = session.get_one(Submission, site.submission_id).blob_sha256
    return site


def newest(site: Site) -> Submission:
    with site.context.database.reading() as session:
        return session.scalars(select(Submission).order_by(Submission.id.desc()).limit(1)).one()


def test_the_form_offers_it_and_the_page_says_what_it_was(sampled: Site) -> None:
    browser = sampled.browser(sampled.newcomer)

    form = browser.get(SUBMIT).text
    answer = browser.post(SUBMIT, data=FIELDS | {"smoke": "yes"}, files=CODE)

    page = browser.get(answer.headers["location"]).text
    listed = browser.get("/challenges/digits/submissions").text
    assert "Try it on the public sample" in form
    assert (newest(sampled).is_smoke, newest(sampled).counts) == (True, False)
    assert "run on the public sample" in page
    assert '<span class="tag">sample</span>' in listed
    assert "5 of 5 left today" in browser.get(SUBMIT).text


def test_one_that_ended_well_is_not_called_scored(sampled: Site) -> None:
    browser = sampled.browser(sampled.newcomer)
    answer = browser.post(SUBMIT, data=FIELDS | {"smoke": "yes"}, files=CODE)
    tried = Evaluation.submission_id == newest(sampled).id
    with sampled.context.database.writing() as session:
        session.scalars(select(Evaluation).where(tried)).one().state = EvaluationState.SCORED

    page = browser.get(answer.headers["location"]).text
    listed = browser.get("/challenges/digits/submissions").text

    for text in (page, listed):
        assert "Completed" in text
        assert "Scored" not in text
    assert "Output scored" not in page


def test_without_a_sample_nothing_is_offered_and_asking_for_it_is_answered(site: Site) -> None:
    browser = site.browser(site.newcomer)

    answer = browser.post(SUBMIT, data=FIELDS | {"smoke": "yes"}, files=CODE)

    assert "Try it on the public sample" not in browser.get(SUBMIT).text
    assert answer.status_code == 422
    assert "This phase has no runs on a public sample." in answer.text


def test_programs_ask_for_it_with_a_field(sampled: Site) -> None:
    program = sampled.program(sampled.token(sampled.newcomer, Scope.READ, Scope.SUBMIT))

    made = program.post(
        "/api/v1/challenges/digits/submissions", data=FIELDS | {"smoke": "yes"}, files=CODE
    )

    assert made.status_code == 201
    assert newest(sampled).is_smoke
    assert program.get(made.json()["url"]).json()["smoke"] is True
