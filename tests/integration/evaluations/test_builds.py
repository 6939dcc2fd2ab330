"""Images are made in turn, for whoever still needs them, and never more of one team than a few."""

from dataclasses import replace

import pytest
from sqlalchemy import func, select

from portal.db.queries.evaluations import builds
from portal.db.tables import Image, Job, Phase, Submission, Team
from portal.domain.evaluations.jobs import MAX_OPEN_BUILDS, ImageKind, JobKind
from portal.domain.evaluations.states import EvaluationState
from portal.domain.ids import new_id
from tests.support.worker.world import World, another_person, packed_code


@pytest.fixture(autouse=True)
def base_is_built(world: World) -> None:
    """Let what the site needs be there, and lift the limits of the phase."""
    world.run(4)
    with world.database.writing() as session:
        phase = session.scalars(select(Phase)).one()
        phase.per_day = phase.total = phase.running = None


def submit(world: World, number: int, who: str = "") -> str:
    submission = world.submit(content=packed_code(f"print({number})"), by=who)
    world.clock.advance(0.001)
    return submission


def open_builds(world: World) -> int:
    with world.database.reading() as session:
        return session.scalar(
            select(func.count())
            .select_from(Job)
            .join(Image, Image.id == Job.image_id)
            .where(Job.is_open, Job.kind == JobKind.BUILD, Image.kind == ImageKind.CODE)
        )


def test_a_team_has_few_images_made_at_once_and_another_has_its_turn(world: World) -> None:
    mine = [submit(world, number) for number in range(5)]
    other = submit(world, 9, another_person(world, "Grace"))

    world.run()

    assert open_builds(world) == MAX_OPEN_BUILDS + 1
    assert world.evaluation(other).state is EvaluationState.BUILDING
    assert [world.evaluation(one).state for one in mine] == [
        *[EvaluationState.BUILDING] * MAX_OPEN_BUILDS,
        *[EvaluationState.WAITING] * (5 - MAX_OPEN_BUILDS),
    ]
    for one in (*mine, other):
        assert world.run_until_final(one).state is EvaluationState.SCORED


def test_a_person_has_no_more_made_at_once_in_two_teams(world: World) -> None:
    mine = [submit(world, number) for number in range(2 * MAX_OPEN_BUILDS)]
    with world.database.writing() as session:
        first = session.get_one(Submission, mine[0])
        second = Team(
            id=new_id(world.clock()),
            challenge_id=first.challenge_id,
            name="Another",
            created_at=world.clock(),
        )
        session.add(second)
        session.flush()
        for one in mine[::2]:
            session.get_one(Submission, one).team_id = second.id

    world.run()

    assert open_builds(world) == MAX_OPEN_BUILDS


def test_no_more_are_made_at_once_than_the_profile_has_places(world: World) -> None:
    resources = world.context.resources
    few = replace(resources.profiles["build"], running=1)
    world.context = replace(
        world.context,
        resources=replace(resources, profiles={**resources.profiles, "build": few}),
    )
    for number, name in enumerate(("Grace", "Edsger", "Barbara")):
        submit(world, number, another_person(world, name))

    world.run()

    assert open_builds(world) == 1


def test_one_image_for_many_teams_is_one_build_that_all_wait_for(world: World) -> None:
    all_of_them = [
        submit(world, 1, another_person(world, name)) for name in ("Grace", "Edsger", "Barbara")
    ]

    world.run()

    assert open_builds(world) == 1
    states = {world.evaluation(one).state for one in all_of_them}
    assert states == {EvaluationState.BUILDING}


def test_a_team_that_submits_much_keeps_nobody_out_of_sight(world: World) -> None:
    for number in range(builds.BATCH + 5):
        submit(world, number)
    other = submit(world, -1, another_person(world, "Grace"))

    with world.database.reading() as session:
        needs = builds.needs(session, "main")
        team = session.get_one(Submission, other).team_id

    assert len(needs) == builds.BATCH
    assert [need.team for need in needs].count(team) == 1
