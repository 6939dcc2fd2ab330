"""More submissions than there are, or later than there are: by page, by program, all at once."""

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

import httpx2
import pytest
from sqlalchemy import func, select

from portal.db.engine import Database
from portal.db.tables import Phase, Submission
from portal.domain.accounts.tokens import Scope
from portal.web.app import create_app
from tests.support import factories
from tests.support.factories import DAY
from tests.support.servers.portal import free_port, make_token, new_context, serving
from tests.support.web.site import Site

POSTS = 50
ALLOWED = 3
FORM = {"phase": "dev", "kind": "results", "note": ""}
PATH = "/api/v1/challenges/digits/submissions"


def _submissions(database: Database, phase_id: str) -> int:
    with database.reading() as session:
        counted = select(func.count()).select_from(Submission)
        return session.scalar(counted.where(Submission.phase_id == phase_id)) or 0


@pytest.mark.attack(45)
def test_fifty_posts_at_once_get_no_more_places_than_there_are(
    database: Database, tmp_path: Path
) -> None:
    port = free_port()
    context = new_context(tmp_path, database=database, site_url=f"http://127.0.0.1:{port}")
    with database.writing() as session:
        digits = factories.add_challenge(session)
        digits.dev.per_day = ALLOWED
        person = factories.add_person(session, "Ada Vlasák")
    token = make_token(context, person.id, Scope.SUBMIT, lasts=DAY)
    start = threading.Barrier(POSTS)

    def post(number: int) -> int:
        file = {"file": ("predictions.csv", f"id,digit\n{number}\n".encode())}
        with httpx2.Client(headers={"authorization": f"Bearer {token}"}, timeout=60) as client:
            start.wait()
            return client.post(context.site_url + PATH, data=FORM, files=file).status_code

    with serving(create_app(context), port), ThreadPoolExecutor(POSTS) as pool:
        answers = list(pool.map(post, range(POSTS)))

    assert sorted(answers) == [201] * ALLOWED + [429] * (POSTS - ALLOWED)
    assert _submissions(database, digits.dev.id) == ALLOWED


@pytest.mark.attack(58)
@pytest.mark.parametrize("way", ["page", "program"])
def test_what_arrives_whole_after_the_end_is_refused_with_the_time_that_counted(
    site: Site, way: str
) -> None:
    """A file can be sent before the end and arrive after it: what counts is when it is whole.

    There are no resumable uploads (tus) yet, so there is no creation that could count instead.
    """
    ends_at = _phase(site).ends_at
    before, after = ends_at - timedelta(seconds=1), ends_at
    assert _submit(site, way, before) in {201, 303}

    refusal = _submit(site, way, after)

    told = f"It closed at {ends_at:%Y-%m-%d %H:%M UTC}."
    assert refusal == 422, told
    assert _submissions(site.context.database, site.digits.dev.id) == 2


@pytest.mark.attack(58)
def test_the_refusal_names_both_times(site: Site) -> None:
    ends_at = _phase(site).ends_at
    site.change(clock=lambda: ends_at + timedelta(minutes=2))
    program = site.program(site.token(site.newcomer, Scope.SUBMIT, lasts=DAY))

    answer = program.post(PATH, data=FORM, files={"file": ("a.csv", b"x")})

    assert answer.json()["error"]["reason"] == "closed"
    assert answer.json()["error"]["message"] == (
        f"{_phase(site).title} closed at {ends_at:%Y-%m-%d %H:%M} UTC. Your submission was"
        f" complete at {ends_at + timedelta(minutes=2):%Y-%m-%d %H:%M} UTC."
        " That is 2 minutes too late: this file was rejected."
    )


def _phase(site: Site) -> Phase:
    with site.context.database.reading() as session:
        return session.get_one(Phase, site.digits.dev.id)


def _submit(site: Site, way: str, moment: object) -> int:
    site.change(clock=lambda: moment)
    files = {"file": ("a.csv", b"x")}
    if way == "page":
        page = "/challenges/digits/submit"
        return site.browser(site.newcomer).post(page, data=FORM, files=files).status_code
    program = site.program(site.token(site.newcomer, Scope.SUBMIT, lasts=DAY))
    return program.post(PATH, data=FORM, files=files).status_code
