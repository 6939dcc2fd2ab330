"""Few places and small budgets: nobody takes what is another's."""

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.orm import joinedload

from portal.db.tables import Attempt, Evaluation, Job, Submission, Team
from portal.domain.evaluations.shares import Share
from portal.domain.evaluations.states import EvaluationState
from portal.services.evaluations.capacity import spent
from portal.services.evaluations.queue_position import queue_position, why_it_waits
from tests.support.worker.world import World, another_person, change_phase, ready

S = EvaluationState
MINUTE = timedelta(minutes=1)


def with_share(world: World, *, gpus: int = 1, running: int | None = None, **share) -> None:
    """Give the challenge a share, and the profile GPUs, a number of places and nodes for each job alone."""
    resources = world.context.resources
    profile = replace(
        resources.profiles["gpu-small"], gres=f"gpu:{gpus}", running=running,
        time_limit=timedelta(hours=1), exclusive=True,
    )  # fmt: skip
    world.context = replace(
        world.context,
        resources=replace(
            resources,
            profiles={**resources.profiles, "gpu-small": profile},
            shares={"digits": Share(**share)},
        ),
    )


def submit(world: World, who: str, number: int) -> str:
    submission = world.submit(content=b"", by=who)
    world.clock.advance(number * 0.001)
    return submission


def states(world: World) -> dict[str, list[EvaluationState]]:
    with world.database.reading() as session:
        rows = session.execute(
            select(Team.name, Evaluation.state)
            .join(Submission, Submission.team_id == Team.id)
            .join(Evaluation, Evaluation.submission_id == Submission.id)
            .order_by(Evaluation.id)
        )
        found: dict[str, list[EvaluationState]] = {}
        for team, state in rows:
            found.setdefault(team, []).append(state)
    return found


def test_two_places_go_to_two_teams_however_much_one_has_submitted(world: World) -> None:
    ready(world)
    with_share(world, running=2)
    grace = another_person(world, "Grace")
    for n in range(3):
        submit(world, world.person, n)
    submit(world, grace, 4)

    world.run()

    found = states(world)
    assert found["Ada"][1:].count(S.QUEUED) == 1
    assert found["Grace"] == [S.QUEUED]


def test_a_team_cannot_have_more_than_its_ceiling_running(world: World) -> None:
    ready(world)
    with_share(world, team_running=1)
    for n in range(3):
        submit(world, world.person, n)

    world.run()

    assert states(world)["Ada"][1:].count(S.QUEUED) == 1


def test_a_challenge_cannot_have_more_than_its_ceiling_running(world: World) -> None:
    ready(world)
    with_share(world, running=None)
    grace = another_person(world, "Grace")
    world.context = replace(
        world.context,
        resources=replace(world.context.resources, shares={"digits": Share(running=1)}),
    )
    submit(world, world.person, 1)
    submit(world, grace, 2)

    world.run()

    assert sorted([*states(world)["Ada"][1:], *states(world)["Grace"]]) == [S.QUEUED, S.WAITING]


def test_a_budget_is_reserved_before_it_is_used_and_the_rest_comes_back(world: World) -> None:
    """Two GPUs for at most an hour reserve two hours, so a budget of three has room for one run."""
    ready(world)
    with_share(world, gpus=2, gpu_hours=3.0)
    first, second = submit(world, world.person, 1), submit(world, world.person, 2)

    world.run()
    with world.database.reading() as session:
        challenge = session.get_one(Submission, first).challenge_id
        reserved = spent(session, world.context.resources, challenge_id=challenge).reserved

    assert reserved == 2.0
    assert world.evaluation(second).state is S.WAITING
    assert world.run_until_final(first).state is S.SCORED
    assert world.run_until_final(second).state is S.SCORED


def test_hours_are_used_by_the_clusters_own_times_whatever_came_of_the_run(world: World) -> None:
    ready(world)
    with_share(world, gpus=2, gpu_hours=10.0)
    submission = world.submit()
    world.run_until_final(submission)
    with world.database.writing() as session:
        attempt = session.scalars(
            select(Attempt)
            .join(Job)
            .join(Evaluation, Evaluation.id == Job.evaluation_id)
            .where(Evaluation.submission_id == submission, Job.kind == "predict")
        ).one()
        attempt.started_at = world.clock() - 90 * MINUTE
        attempt.ended_at = world.clock()
        row = session.get_one(Submission, submission)
        found = spent(
            session, world.context.resources, challenge_id=row.challenge_id, team_id=row.team_id
        )

    assert 3.0 <= found.used < 3.1
    assert found.reserved == 0


def test_a_used_up_budget_of_one_team_leaves_the_others_theirs(world: World) -> None:
    ready(world)
    with_share(world, team_gpu_hours=1.5)
    grace = another_person(world, "Grace")
    first, second = submit(world, world.person, 1), submit(world, world.person, 2)
    other = submit(world, grace, 3)

    world.run()

    assert [world.evaluation(one).state for one in (first, second, other)] == [
        S.QUEUED, S.WAITING, S.QUEUED,
    ]  # fmt: skip


def test_a_share_names_the_account_and_qos_that_are_charged(world: World) -> None:
    ready(world)
    with_share(world, account="digits", qos="low")

    world.submit()
    world.run()

    charged = {(job.spec.account, job.spec.qos) for job in world.scheduler.jobs[-1:]}
    assert charged == {("digits", "low")}


@pytest.mark.parametrize(
    ("share", "says"),
    [
        ({"team_running": 1}, "Your team has as many running as the site allows"),
        ({"running": None}, "All places for such runs are taken"),
        ({"team_gpu_hours": 1.5}, "Your team's GPU-hours are used up or reserved"),
        ({"gpu_hours": 1.5}, "The challenge's GPU-hours are used up or reserved"),
    ],
)
def test_the_team_is_told_what_its_submission_waits_for(
    world: World, share: dict, says: str
) -> None:
    ready(world)
    with_share(world, **{"running": None, **share})
    if "running" in share:
        with_share(world, running=1)
    submit(world, world.person, 1)
    second = submit(world, world.person, 2)

    world.run()

    with world.database.reading() as session:
        evaluation = session.scalars(
            select(Evaluation)
            .where(Evaluation.submission_id == second)
            .options(
                joinedload(Evaluation.task),
                joinedload(Evaluation.submission).joinedload(Submission.challenge),
                joinedload(Evaluation.submission).joinedload(Submission.phase),
            )
        ).one()
        assert says in why_it_waits(session, evaluation, world.context.resources)


def test_places_in_the_queue_are_counted_by_profile(world: World) -> None:
    ready(world)
    first, second = submit(world, world.person, 1), submit(world, world.person, 2)
    world.run()

    with world.database.reading() as session:
        places = []
        for submission in (first, second):
            job, attempt = session.execute(
                select(Job, Attempt)
                .join(Attempt)
                .join(Evaluation, Evaluation.id == Job.evaluation_id)
                .where(Evaluation.submission_id == submission)
            ).one()
            places.append(queue_position(session, job, attempt))

    assert places == [1, 2]


def test_a_run_on_the_sample_takes_no_place_of_the_phase_from_a_run_for_a_score(
    world: World,
) -> None:
    ready(world)
    with_share(world)
    change_phase(world, running=1)
    smoke, scored = world.submit(smoke=True), world.submit()

    world.run()

    assert [world.evaluation(one).state for one in (smoke, scored)] == [S.QUEUED, S.QUEUED]


def test_runs_on_the_sample_leave_half_of_the_places_to_what_counts(world: World) -> None:
    """They come first: teams that keep trying would else leave nothing."""
    ready(world)
    with_share(world, running=3)
    trying = [world.person, *(another_person(world, name) for name in ("Grace", "Edsger"))]
    smoke = [replace(world, person=person).submit(smoke=True) for person in trying]
    scored = [world.submit(), world.submit()]

    world.run()

    found = [[world.evaluation(one).state for one in ones] for ones in (smoke, scored)]
    assert [sorted(states) for states in found] == [
        [S.QUEUED, S.QUEUED, S.WAITING], [S.QUEUED, S.WAITING],
    ]  # fmt: skip


def test_the_only_place_is_had_by_a_run_on_the_sample_too(world: World) -> None:
    ready(world)
    with_share(world, running=1)
    smoke, scored = world.submit(smoke=True), world.submit()

    world.run()

    assert [world.evaluation(one).state for one in (smoke, scored)] == [S.QUEUED, S.WAITING]
