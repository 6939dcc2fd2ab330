"""A large challenge: ten thousand scored submissions of 2,500 teams, written in bulk."""

import hashlib
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy import insert

from portal.db.engine import Database
from portal.db.look_alikes import skeleton_of
from portal.db.tables import (
    Base,
    Evaluation,
    Membership,
    Person,
    Result,
    Standing,
    Submission,
    Team,
)
from portal.domain.ids import new_id
from portal.domain.states import EvaluationState
from portal.domain.submissions import SubmissionKind
from tests import factories

TEAMS = 2_500
SUBMISSIONS = 10_000
PHASE = "dev"

Rows = dict[type[Base], list[dict[str, Any]]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Seeded:
    """What a benchmark needs to know of the rows."""

    slug: str
    phase: str
    member_id: str
    """Somebody whose team stands in the middle of the ranking."""
    staff_id: str
    """Somebody who sees the pages of organisers."""


def seed(database: Database) -> Seeded:
    """Fill a database that has its tables and nothing else."""
    with database.writing() as session:
        digits = factories.add_challenge(session)
        blob = factories.add_blob(session, "the one file that everybody handed in")
        teams = _teams(digits.challenge.id)
        for table, rows in (teams | _submissions(digits, teams, blob)).items():
            session.execute(insert(table), rows)
        staff = factories.add_person(session, "Staff", is_staff=True)
    people = teams[Person]
    return Seeded(
        slug=digits.challenge.slug,
        phase=PHASE,
        member_id=people[len(people) // 2]["id"],
        staff_id=staff.id,
    )


def _teams(challenge_id: str) -> Rows:
    now = factories.NOW - 19 * factories.DAY
    rows: Rows = {Person: [], Team: [], Membership: []}
    for number in range(TEAMS):
        person = {"id": new_id(now), "name": f"Person {number}", "created_at": now}
        team = {"id": new_id(now), "name": f"Team number {number}", "created_at": now}
        rows[Person].append(person)
        skeleton = skeleton_of(f"Team number {number}")
        rows[Team].append(team | {"challenge_id": challenge_id, "skeleton": skeleton})
        rows[Membership].append(
            {
                "team_id": team["id"],
                "person_id": person["id"],
                "challenge_id": challenge_id,
                "joined_at": now,
            }
        )
    return rows


def _submissions(digits: factories.Digits, teams: Rows, blob: str) -> Rows:
    rows: Rows = {Submission: [], Evaluation: [], Result: [], Standing: []}
    best: dict[str, dict[str, Any]] = {}
    for number in range(SUBMISSIONS):
        member = teams[Membership][number % TEAMS]
        at = factories.NOW - 18 * factories.DAY + timedelta(minutes=2 * number)
        # Spread evenly, in an order that has nothing to do with the teams'.
        accuracy = 0.3 + 0.69 * (number * 7919 % SUBMISSIONS) / SUBMISSIONS
        submission = {
            "id": new_id(at),
            "challenge_id": digits.challenge.id,
            "phase_id": digits.phases[PHASE].id,
            "team_id": member["team_id"],
            "person_id": member["person_id"],
            "kind": SubmissionKind.CODE,
            "blob_sha256": blob,
            "filename": "submission.zip",
            "created_at": at,
        }
        evaluation = {
            "id": new_id(at),
            "submission_id": submission["id"],
            "task_id": digits.task.id,
            "state": EvaluationState.SCORED,
            "created_at": at,
            "updated_at": at,
        }
        rows[Submission].append(submission)
        rows[Evaluation].append(evaluation)
        rows[Result].append(_result(evaluation, accuracy))
        standing = _standing(submission, accuracy)
        team_id = member["team_id"]
        best[team_id] = max(best.get(team_id, standing), standing, key=lambda s: s["rank_value"])
    rows[Standing] = list(best.values())
    return rows


def _result(evaluation: dict[str, Any], accuracy: float) -> dict[str, Any]:
    return {
        "evaluation_id": evaluation["id"],
        "scores": factories.scores_of(accuracy),
        "seal": {"schema": 1},
        "seal_sha256": hashlib.sha256(evaluation["id"].encode()).hexdigest(),
        "created_at": evaluation["created_at"],
    }


def _standing(submission: dict[str, Any], accuracy: float) -> dict[str, Any]:
    return {
        "phase_id": submission["phase_id"],
        "team_id": submission["team_id"],
        "submission_id": submission["id"],
        "scores": {key: round(v, 3) for key, v in factories.scores_of(accuracy).items()},
        "rank_value": round(accuracy, 3),
        "achieved_at": submission["created_at"],
    }
