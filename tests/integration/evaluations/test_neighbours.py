"""What tells a team more than scores never lives on nodes beside what reads private data."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import joinedload

from portal.db.tables import Evaluation, Job, Phase, Submission
from portal.domain.accounts.people import Actor
from portal.domain.evaluations.neighbours import OPEN, Disclosure, NodeGroup
from portal.domain.evaluations.states import EvaluationState
from portal.domain.submissions.disclosure import Failures
from portal.services.evaluations import planning
from portal.services.evaluations.capacity import Capacity
from portal.services.evaluations.queue_position import why_it_waits
from portal.services.submissions.cancellation import cancel
from scheduler.interface import Phase as JobPhase
from tests.support.statements import counted
from tests.support.worker.world import MAX_PASSES, World, another_person, ready

S = EvaluationState


def of_nodes(world: World, **changes: Mapping[str, Any]) -> None:
    """Change the profiles of the site."""
    resources = world.context.resources
    profiles = {
        name: replace(profile, **changes.get(name.replace("-", "_"), {}))
        for name, profile in resources.profiles.items()
    }
    world.context = replace(world.context, resources=replace(resources, profiles=profiles))


def lives(world: World) -> Mapping[NodeGroup, set[Disclosure]]:
    with world.database.reading() as session:
        return Capacity(session, world.context.resources).living()


def why(world: World, submission: str) -> str:
    with world.database.reading() as session:
        evaluation = session.scalars(
            select(Evaluation)
            .where(Evaluation.submission_id == submission)
            .options(
                joinedload(Evaluation.task),
                joinedload(Evaluation.submission).joinedload(Submission.challenge),
                joinedload(Evaluation.submission).joinedload(Submission.phase),
            )
        ).one()
        return why_it_waits(session, evaluation, world.context.resources)


def test_a_smoke_run_waits_until_a_run_for_a_score_was_scored(world: World) -> None:
    ready(world)
    scored, smoke = world.submit(), world.submit(smoke=True)

    seen = []
    for _ in range(MAX_PASSES):
        world.run()
        assert all(len(kinds) == 1 for kinds in lives(world).values())
        seen.append((world.evaluation(scored).state, world.evaluation(smoke).state))
        if seen[-1][1].is_final:
            break

    assert seen[-1] == (S.SCORED, S.SCORED)
    assert (S.RUNNING, S.WAITING) in seen
    assert not {(S.RUNNING, S.QUEUED), (S.SCORING, S.QUEUED), (S.SCORING, S.RUNNING)} & set(seen)


def test_a_waiting_team_is_told_what_it_waits_for_and_nothing_of_others(world: World) -> None:
    ready(world)
    world.submit()
    smoke = world.submit(smoke=True)
    later = replace(world, person=another_person(world, "Grace")).submit()

    world.run()

    message = "It waits until runs of another kind on the same nodes have ended."
    assert [why(world, one) for one in (smoke, later)] == [message, message]


def test_a_smoke_run_has_a_profile_of_its_own_where_the_site_has_one(world: World) -> None:
    ready(world)
    of_nodes(world, gpu_small={"sample": "build"}, build={"nodes": "others", "partition": "o"})
    scored, smoke = world.submit(), world.submit(smoke=True)

    world.run()

    assert [world.evaluation(one).state for one in (scored, smoke)] == [S.QUEUED, S.QUEUED]
    sent = [job.spec.partition for job in world.scheduler.jobs[-2:]]
    assert sorted(sent) == ["o", "p"]


def test_jobs_that_have_their_nodes_alone_wait_for_nobody_and_say_so_to_slurm(world: World) -> None:
    ready(world)
    of_nodes(world, gpu_small={"exclusive": True})
    scored, smoke = world.submit(), world.submit(smoke=True)

    world.run()

    assert [world.evaluation(one).state for one in (scored, smoke)] == [S.QUEUED, S.QUEUED]
    assert [job.spec.exclusive for job in world.scheduler.jobs[-2:]] == [True, True]


def test_scoring_waits_for_builds_on_its_nodes(world: World) -> None:
    """Its predictions were made on other nodes, so they hold no place on those."""
    ready(world)
    of_nodes(world, gpu_small={"nodes": "gpus"})
    scored = world.submit()
    world.run()
    with world.database.writing() as session:
        build = session.scalars(select(Job).where(Job.kind == "build").limit(1)).one()
        build.is_open = True
    world.run(8)

    assert world.evaluation(scored).state is S.SCORING
    assert lives(world) == {"main/p": {OPEN}}

    with world.database.writing() as session:
        session.get_one(Job, build.id).is_open = False
    assert world.run_until_final(scored).state is S.SCORED


def test_what_waits_to_be_scored_can_be_cancelled(world: World) -> None:
    ready(world)
    of_nodes(world, gpu_small={"nodes": "gpus"}, score={"partition": "p"})
    waits = world.submit()
    world.run()
    with world.database.writing() as session:
        # Somebody's image is being built on the nodes of the scorer.
        job = session.scalars(select(Job).where(Job.kind == "build").limit(1)).one()
        job.is_open = True
    for _ in range(MAX_PASSES):
        world.run()
        if world.evaluation(waits).state is S.SCORING:
            break
    assert len(world.attempts("score")) == 1
    with world.database.writing() as session:
        actor = Actor(person_id=world.person, name="Ada")
        cancel(session, actor=actor, submission_id=waits, shown="counts", now=world.clock())

    world.run()

    assert world.evaluation(waits).state is S.CANCELLED


@pytest.mark.parametrize("state", ["unclear", "cancelled", "running"])
def test_a_job_lives_until_its_end_is_known(world: World, state: str) -> None:
    ready(world)
    scored = world.submit()
    world.scheduler.loses_replies = state == "unclear"
    world.run()
    if state == "unclear":
        world.scheduler.is_down = True
    smoke = world.submit(smoke=True)
    if state == "cancelled":
        world.scheduler.put(world.scheduler.jobs[-1].token, JobPhase.FINISHING)
        with world.database.writing() as session:
            actor = Actor(person_id=world.person, name="Ada")
            cancel(session, actor=actor, submission_id=scored, shown="counts", now=world.clock())
        world.scheduler.loses_requests = True
    world.run()

    assert world.evaluation(smoke).state is S.WAITING


def test_typed_failures_of_two_challenges_are_no_neighbours_and_of_one_they_are(
    world: World,
) -> None:
    ready(world)
    with world.database.writing() as session:
        session.scalars(select(Phase)).one().failures = Failures.TYPED
    world.approve()
    others = [replace(world, person=another_person(world, name)) for name in ("Grace", "Edsger")]
    submissions = [one.submit() for one in others]

    world.run()

    assert [world.evaluation(one).state for one in submissions] == [S.QUEUED, S.QUEUED]
    (kinds,) = lives(world).values()
    assert {(one.is_open, one.is_confidential) for one in kinds} == {(True, True)}


def test_where_the_end_is_held_back_the_prediction_holds_its_nodes_until_then(
    world: World,
) -> None:
    ready(world)
    of_nodes(world, gpu_small={"nodes": "gpus"})
    with world.database.writing() as session:
        phase = session.scalars(select(Phase)).one()
        phase.failures, phase.hold_results, phase.time_step = Failures.SEALED, True, 300
    world.approve()
    scored, smoke = world.submit(), world.submit(smoke=True)
    world.run(20)

    assert (world.evaluation(scored).state, world.evaluation(smoke).state) == (S.SCORING, S.WAITING)
    world.clock.advance(300)
    world.run(4)
    assert world.evaluation(smoke).state in {S.QUEUED, S.RUNNING, S.SCORED}


def test_planning_asks_as_many_questions_for_many_that_wait_as_for_few(world: World) -> None:
    ready(world)
    world.submit()
    world.run(2)
    numbers = []
    for more in (1, 4):
        for n in range(more):
            replace(world, person=another_person(world, f"{more}-{n}")).submit(smoke=True)
        with counted(world.database) as statements, world.database.writing() as session:
            planning.plan(
                session,
                resources=world.context.resources,
                cluster=world.context.cluster.name,
                probe_image_id=world.context.probe_image_id,
                now=world.clock(),
            )
        numbers.append(len(statements))

    assert numbers[0] == numbers[1]
