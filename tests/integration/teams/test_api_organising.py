"""Deciding who takes part, by a program."""

import pytest
from sqlalchemy import select
from starlette.testclient import TestClient

from portal.db.tables import AuditEntry, Participation
from portal.domain.accounts.tokens import Scope
from portal.domain.teams.membership_rules import ParticipationState
from tests.support.factories import MINUTE, NOW
from tests.support.web.site import Site

PEOPLE = "/api/v1/challenges/digits/participants"
ASKED, ADMITTED, DECLINED, *_ = ParticipationState
UNSAID = {
    "verified_name": None, "affiliation": [], "identity_provider": None, "login": None,
    "reason": "", "team": None,
}  # fmt: skip
"""What is answered of somebody of whom no login says anything."""


@pytest.fixture
def program(site: Site) -> TestClient:
    """Return a program of the organiser; the newcomer has asked, Ada takes part."""
    with site.context.database.writing() as session:
        for person, state, decided_at in (
            (site.newcomer, ASKED, None), (site.ada, ADMITTED, NOW - MINUTE),
        ):  # fmt: skip
            session.add(
                Participation(
                    challenge_id=site.digits.challenge.id, person_id=person.id, state=state,
                    note=f"from {person.name}", asked_at=decided_at or NOW, decided_at=decided_at,
                )
            )  # fmt: skip
    return site.program(site.token(site.organiser, Scope.ORGANISE))


def _state(site: Site, person_id: str) -> tuple[ParticipationState, str | None]:
    with site.context.database.reading() as session:
        row = session.get_one(Participation, (site.digits.challenge.id, person_id))
        return row.state, row.decided_by


def test_organisers_list_who_takes_part_and_who_wants_to(site: Site, program: TestClient) -> None:
    asked = {
        "id": site.newcomer.id,
        "name": "Nina New",
        **UNSAID,
        "state": "asked",
        "note": "from Nina New",
        "asked_at": "2026-11-24T10:05:00Z",
        "decided_at": None,
    }
    admitted = {
        "id": site.ada.id,
        "name": "Ada Vlasák",
        **UNSAID,
        "team": "Team Ada",
        "state": "admitted",
        "note": "from Ada Vlasák",
        "asked_at": "2026-11-24T10:04:00Z",
        "decided_at": "2026-11-24T10:04:00Z",
    }

    every, waiting, none = (
        program.get(PEOPLE + query).json() for query in ("", "?state=asked", "?state=declined")
    )

    assert every == {"items": [asked, admitted], "page": 1, "pages": 1, "total": 2, "next": None}
    assert waiting["items"] == [asked]
    assert none["items"] == []


def test_a_page_that_is_not_there_is_not_found(program: TestClient) -> None:
    assert program.get(f"{PEOPLE}?page=2").status_code == 404


@pytest.mark.parametrize("state", ["else", ""])
def test_a_state_that_there_is_not_is_refused_with_those_that_there_are(
    program: TestClient, state: str
) -> None:
    answer = program.get(f"{PEOPLE}?state={state}")

    told = answer.json()["error"]
    assert (answer.status_code, told["reason"]) == (422, "invalid")
    assert told["message"].startswith("query.state: ")
    assert all(f"'{state}'" in told["message"] for state in ParticipationState)


@pytest.mark.parametrize(("word", "state"), [("admit", ADMITTED), ("decline", DECLINED)])
def test_somebody_who_asked_is_let_in_or_declined(
    site: Site, program: TestClient, word: str, state: ParticipationState
) -> None:
    answers = [program.post(f"{PEOPLE}/{site.newcomer.id}/{word}") for _ in range(2)]

    assert [answer.status_code for answer in answers] == [200, 200]
    assert answers[0].json() == {"id": site.newcomer.id, "state": str(state)}
    assert _state(site, site.newcomer.id) == (state, site.organiser.id)
    with site.context.database.reading() as session:
        noted = session.scalars(select(AuditEntry).where(AuditEntry.action.like("join.%"))).all()
    # Once, although it was asked for twice; and that it was a program is known.
    assert [(entry.actor_kind, entry.subject_id) for entry in noted] == [
        ("token", site.newcomer.id)
    ]


def test_whoever_takes_part_cannot_be_declined(site: Site, program: TestClient) -> None:
    answer = program.post(f"{PEOPLE}/{site.ada.id}/decline")

    assert answer.status_code == 422
    assert answer.json()["error"]["message"] == (
        "This person takes part already; they cannot be declined any more."
    )
    assert _state(site, site.ada.id)[0] is ADMITTED


def test_nobody_is_let_in_who_has_not_asked(site: Site, program: TestClient) -> None:
    answer = program.post(f"{PEOPLE}/{site.eve.id}/admit")

    assert (answer.status_code, answer.json()["error"]["reason"]) == (404, "not_found")
