"""A token that may less than its bearer wants, that was taken back, or whose time is over."""

from datetime import timedelta

import pytest
from sqlalchemy import select
from starlette.testclient import TestClient

from portal.db.tables import ApiToken, Submission
from portal.domain.accounts.tokens import Scope
from tests.support.factories import DAY, NOW
from tests.support.web.site import Site, SiteMaker

HAND_IN = "/api/v1/challenges/digits/submissions"
FORM = {"phase": "dev", "kind": "results", "note": ""}


def _submit(program: TestClient) -> tuple[int, str]:
    file = {"file": ("predictions.csv", b"id,digit\n")}
    answer = program.post(HAND_IN, data=FORM, files=file)
    told = answer.json()
    return answer.status_code, told["error"]["reason"] if "error" in told else ""


def _submitted(site: Site) -> int:
    with site.context.database.reading() as session:
        rows = session.scalars(select(Submission).where(Submission.person_id == site.newcomer.id))
        return len(rows.all())


@pytest.mark.attack(54)
def test_a_token_that_reads_does_not_submit(site: Site) -> None:
    assert _submit(site.program(site.token(site.newcomer, Scope.SUBMIT))) == (201, "")

    told = _submit(site.program(site.token(site.newcomer, Scope.READ, Scope.ORGANISE)))

    assert told == (403, "insufficient_scope")
    assert _submitted(site) == 1


@pytest.mark.attack(54)
def test_a_token_that_was_revoked_opens_nothing(site: Site) -> None:
    program = site.program(site.token(site.newcomer, Scope.SUBMIT))
    assert _submit(program) == (201, "")
    with site.context.database.writing() as session:
        session.scalars(select(ApiToken)).one().revoked_at = NOW

    assert _submit(program) == (401, "token_revoked")
    assert _submitted(site) == 1


@pytest.mark.attack(54)
def test_a_token_that_has_expired_opens_nothing(new_site: SiteMaker) -> None:
    site = new_site()
    token = site.token(site.newcomer, Scope.SUBMIT, lasts=DAY)
    assert _submit(site.program(token)) == (201, "")
    site.change(clock=lambda: NOW + DAY + timedelta(seconds=1))

    assert _submit(site.program(token)) == (401, "token_expired")
    assert _submitted(site) == 1


@pytest.mark.attack(54)
def test_what_the_database_holds_of_a_token_is_not_one(site: Site) -> None:
    token = site.token(site.newcomer, Scope.READ)
    with site.context.database.reading() as session:
        row = session.scalars(select(ApiToken)).one()
        kept = [str(value) for value in vars(row).values()]

    assert site.program(token).get("/api/v1/me").status_code == 200
    assert token not in " ".join(kept)
    for value in kept:
        program = site.program()
        program.headers["authorization"] = f"Bearer {value.encode('ascii', 'ignore').decode()}"
        assert program.get("/api/v1/me").status_code == 401
