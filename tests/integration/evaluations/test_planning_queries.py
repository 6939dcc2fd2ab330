"""Planning asks the same few questions, however much waits to be built, measured, run and scored."""

from collections import Counter
from dataclasses import replace

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from portal.db.engine import Database
from portal.db.tables import DataSnapshot, Evaluation, Job, Submission, Trouble, Weights
from portal.domain.challenges.profiles import Resources
from portal.domain.evaluations.jobs import JobKind
from portal.domain.evaluations.shares import Share
from portal.domain.evaluations.states import EvaluationState, ImageState, SnapshotState
from portal.domain.ids import new_id
from portal.domain.submissions.limits import SubmissionKind
from portal.services.attention.troubles import Step
from portal.services.evaluations import leases, snapshots
from portal.services.evaluations.planning import Planned, plan
from tests.support import factories
from tests.support.statements import counted

E = EvaluationState
QUESTIONS = 15


def _resources(*, running: int | None) -> Resources:
    """Return what a site offers, with as many places for each kind of run; nothing waits for its neighbours."""
    resources = factories.resources()
    profile = replace(resources.profiles["gpu-small"], exclusive=True)
    return replace(
        resources,
        profiles={
            "gpu-small": replace(profile, running=running),
            "score": replace(profile, name="score", running=running),
            "build": replace(profile, name="build", running=None),
        },
    )


def _wait(session: Session, number: int) -> str:
    """Let as many of each kind wait: for a build, with weights, for scores at once or after the run; return the probe."""
    digits = factories.add_challenge(session)
    digits.dev.running = None
    probe = factories.add_image(session, "probe")
    for n in range(number):
        person = factories.add_person(session, f"Person {n}")
        team = factories.add_team(session, digits, f"Team {n}", person)

        def add(name: str, kind: SubmissionKind, image: ImageState | None = None) -> Submission:
            row = factories.add_submission(
                session, digits, team, person, kind=kind, state=E.WAITING, filename=name  # noqa: B023
            )  # fmt: skip
            if image is not None:
                made = factories.add_image(session, f"{name} {n}", image)  # noqa: B023
                made.base_image_id = digits.task.base_image_id
                _evaluation(session, row).image_id = made.id
            return row

        add("results", SubmissionKind.RESULTS)
        add("unbuilt", SubmissionKind.CODE, ImageState.WAITING)
        has_weights = add("built", SubmissionKind.CODE, ImageState.READY)
        weights = Weights(
            id=new_id(factories.NOW), challenge_id=digits.challenge.id, team_id=team.id,
            person_id=person.id, blob_sha256=factories.add_blob(session, f"weights {n}"),
            filename="model.bin", created_at=factories.NOW,
        )  # fmt: skip
        session.add(weights)
        session.flush()
        has_weights.weights_id = weights.id
        ran = factories.add_submission(
            session, digits, team, person, state=E.RUNNING, filename="ran"
        )
        _evaluation(session, ran).state = E.SCORING
    data = factories.resources().data["digits-test"]
    snapshots.ask(session, data, "main", now=factories.NOW)
    leases.wait_for_turn(session, name="planning", now=factories.NOW)
    return probe.id


def _evaluation(session: Session, submission: Submission) -> Evaluation:
    return session.scalars(
        select(Evaluation).where(Evaluation.submission_id == submission.id)
    ).one()


def _measure(session: Session) -> None:
    data = factories.resources().data["digits-test"]
    snapshot = snapshots.ask(session, data, "main", now=factories.NOW)
    found = snapshots.Measurement(root="0" * 64, fingerprint="", files=1, size=1)
    snapshots.measured(session, snapshot.id, found, now=factories.NOW)


def _plan(session: Session, probe: str, resources: Resources) -> Planned:
    return plan(
        session, resources=resources, cluster="main", probe_image_id=probe, now=factories.NOW
    )


@pytest.mark.parametrize("number", [1, 12])
def test_what_waits_takes_a_fixed_number_of_statements(database: Database, number: int) -> None:
    with database.writing() as session:
        probe = _wait(session, number)

    with counted(database) as statements, database.writing() as session:
        planned = _plan(session, probe, _resources(running=0))

    assert planned == Planned(builds=number, measurements=1, runs=number)
    assert len([one for one in statements if one.startswith("SELECT")]) == QUESTIONS


@pytest.mark.parametrize("number", [2, 12])
def test_what_teams_have_spent_is_one_statement_for_all(database: Database, number: int) -> None:
    with database.writing() as session:
        probe = _wait(session, number)
        _plan(session, probe, _resources(running=0))
        _measure(session)
    usual = _resources(running=None)
    with_gpu = replace(usual.profiles["gpu-small"], gres="gpu:1")
    resources = replace(
        usual,
        profiles={**usual.profiles, "gpu-small": with_gpu},
        shares={"digits": Share(team_gpu_hours=1000.0)},
    )

    with counted(database) as statements, database.writing() as session:
        planned = _plan(session, probe, resources)

    assert planned.runs == 2 * number
    times = [one for one in statements if "attempts.started_at" in one]
    assert len(times) == 1


@pytest.mark.parametrize("number", [2, 12])
def test_runs_are_opened_with_statements_for_all_of_them(database: Database, number: int) -> None:
    with database.writing() as session:
        probe = _wait(session, number)
        _plan(session, probe, _resources(running=0))

    with database.writing() as session:
        _measure(session)
    with counted(database) as statements, database.writing() as session:
        planned = _plan(session, probe, _resources(running=None))

    assert planned.runs == 2 * number
    written = Counter(one.split()[0] for one in statements)
    assert (written["INSERT"], written["UPDATE"]) == (3, 1)


def test_what_goes_wrong_with_one_run_keeps_no_other_from_being_opened(database: Database) -> None:
    with database.writing() as session:
        probe = _wait(session, 4)
        scoring = select(Evaluation.id).where(Evaluation.state == E.SCORING)
        wrong = min(session.scalars(scoring))
        # An evaluation has one job of each kind: it cannot be waiting, and have been run.
        session.get_one(Evaluation, wrong).state = E.WAITING

    with database.writing() as session:
        snapshot = session.scalars(select(DataSnapshot)).one()
        snapshot.state = SnapshotState.READY
        planned = _plan(session, probe, _resources(running=None))

    with database.reading() as session:
        [trouble] = session.scalars(select(Trouble))
        jobs = Counter(session.scalars(select(Job.kind)))
    assert (trouble.step, trouble.subject) == (Step.PLAN, wrong)
    assert planned == Planned(builds=4, measurements=0, runs=3 + 4 + 4)
    assert jobs == {JobKind.BUILD: 4, JobKind.SCORE: 3 + 4, JobKind.PREDICT: 4 + 4}
