"""Large challenges, written in bulk: scored submissions, four of each team, or as many that wait."""

import hashlib
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy import insert
from sqlalchemy.orm import Session

from portal.db.engine import Database
from portal.db.look_alikes import skeleton_of
from portal.db.tables import (
    Base,
    Blob,
    Evaluation,
    Image,
    Membership,
    Person,
    Result,
    Standing,
    Submission,
    Team,
)
from portal.domain.evaluations.jobs import ImageKind
from portal.domain.evaluations.states import EvaluationState, ImageState
from portal.domain.ids import new_id
from portal.domain.submissions.limits import SubmissionKind
from tests.support import factories

SUBMISSIONS = 10_000
OF_EACH_TEAM = 4
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


def seed(database: Database, submissions: int = SUBMISSIONS) -> Seeded:
    """Fill a database that has its tables and nothing else."""
    with database.writing() as session:
        digits = factories.add_challenge(session)
        blob = factories.add_blob(session, "the one file that everybody submitted")
        teams = _teams(digits.challenge.id, submissions // OF_EACH_TEAM)
        _insert(session, teams | _submissions(digits, teams, blob, submissions))
        staff = factories.add_person(session, "Staff", is_staff=True)
    people = teams[Person]
    return Seeded(
        slug=digits.challenge.slug,
        phase=PHASE,
        member_id=people[len(people) // 2]["id"],
        staff_id=staff.id,
    )


def seed_waiting(database: Database, number: int) -> None:
    """Let that many evaluations wait to be run, each in an image of its own that is there."""
    with database.writing() as session:
        digits = factories.add_challenge(session)
        # No limit of a team: what is measured is what opening runs costs.
        digits.phases[PHASE].running = None
        teams = _teams(digits.challenge.id, number // OF_EACH_TEAM)
        _insert(session, teams | _waiting(digits, teams, number))


def _insert(session: Session, tables: Rows) -> None:
    # Past the mapper: hundreds of thousands of rows then take seconds.
    for table, rows in tables.items():
        session.connection().execute(insert(table), rows)


def _teams(challenge_id: str, number_of_teams: int) -> Rows:
    now = factories.NOW - 19 * factories.DAY
    rows: Rows = {Person: [], Team: [], Membership: []}
    for number in range(number_of_teams):
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


def _submissions(digits: factories.Digits, teams: Rows, blob: str, number: int) -> Rows:
    rows: Rows = {Submission: [], Evaluation: [], Result: [], Standing: []}
    best: dict[str, dict[str, Any]] = {}
    for place in range(number):
        # Spread evenly, in an order that has nothing to do with the teams'.
        accuracy = 0.3 + 0.69 * (place * 7919 % number) / number
        submission = _submission(digits, teams, place, blob, days=19 * place / number)
        evaluation = _evaluation(digits, submission, EvaluationState.SCORED)
        rows[Submission].append(submission)
        rows[Evaluation].append(evaluation)
        rows[Result].append(_result(evaluation, accuracy))
        standing = _standing(submission, accuracy)
        team_id = submission["team_id"]
        best[team_id] = max(best.get(team_id, standing), standing, key=lambda s: s["rank_value"])
    rows[Standing] = list(best.values())
    return rows


def _waiting(digits: factories.Digits, teams: Rows, number: int) -> Rows:
    rows: Rows = {Blob: [], Image: [], Submission: [], Evaluation: []}
    for place in range(number):
        sha256 = hashlib.sha256(f"upload {place}".encode()).hexdigest()
        submission = _submission(digits, teams, place, sha256, days=19 * place / number)
        at = submission["created_at"]
        image = {
            "id": new_id(at),
            "recipe": f"code:{sha256}",
            "cluster": digits.task.cluster,
            "kind": ImageKind.CODE,
            "source_sha256": sha256,
            "state": ImageState.READY,
            "created_at": at,
            "updated_at": at,
        }
        evaluation = _evaluation(digits, submission, EvaluationState.WAITING)
        rows[Blob].append({"sha256": sha256, "size": 48_213, "created_at": at})
        rows[Image].append(image)
        rows[Submission].append(submission)
        rows[Evaluation].append(evaluation | {"image_id": image["id"]})
    return rows


def _submission(
    digits: factories.Digits, teams: Rows, place: int, blob: str, *, days: float
) -> dict[str, Any]:
    """Return a row of the phase, submitted that many days after its begin."""
    member = teams[Membership][place % len(teams[Membership])]
    at = factories.NOW - 19 * factories.DAY + timedelta(days=days)
    return {
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


def _evaluation(
    digits: factories.Digits, submission: dict[str, Any], state: EvaluationState
) -> dict[str, Any]:
    at = submission["created_at"]
    return {
        "id": new_id(at),
        "submission_id": submission["id"],
        "task_id": digits.task.id,
        "state": state,
        "created_at": at,
        "updated_at": at,
    }


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
        "board_id": submission["phase_id"],
        "team_id": submission["team_id"],
        "place": 0,
        "submission_id": submission["id"],
        "scores": {key: round(v, 3) for key, v in factories.scores_of(accuracy).items()},
        "rank_value": round(accuracy, 3),
        "achieved_at": submission["created_at"],
    }
