"""Work of the cluster that no limit knows: images made of what is taken back at once."""

import io
import zipfile

import pytest
from sqlalchemy import func, select

from portal.db.tables import Attempt, Image, Job, Submission
from portal.domain.accounts.people import Actor
from portal.domain.errors import ParticipantError, QuotaExceededError
from portal.domain.evaluations.jobs import ImageKind, JobKind
from portal.domain.evaluations.states import AttemptState, EvaluationState
from portal.domain.submissions.cancellation import MAX_FREE_CANCELLATIONS, Cost
from portal.domain.submissions.limits import SMOKE_PER_DAY
from portal.services.submissions import cancellation
from tests.support.worker.world import World, change_phase

PER_DAY = 3
"""What the phase of the pretended site allows."""


def salted(number: int) -> bytes:
    """Return the same program with requirements, in other bytes each time."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("predict.py", f"# {number}")
        archive.writestr("requirements.txt", "")
    return packed.getvalue()


def take_back(world: World, submission: str) -> Cost:
    """Cancel for nothing where that can be had, else for what it costs."""
    for shown in (Cost.NOTHING, Cost.COUNTS):
        try:
            with world.database.writing() as session:
                cancellation.cancel(
                    session,
                    actor=Actor(person_id=world.person),
                    submission_id=submission,
                    shown=shown,
                    now=world.clock(),
                )
        except ParticipantError:
            continue
        return shown
    raise AssertionError("it could not be cancelled")


def builds_of_code(world: World) -> int:
    """Count the builds that the cluster was ever asked for."""
    with world.database.reading() as session:
        return session.scalar(
            select(func.count())
            .select_from(Attempt)
            .join(Job, Job.id == Attempt.job_id)
            .join(Image, Image.id == Job.image_id)
            .where(
                Job.kind == JobKind.BUILD,
                Image.kind == ImageKind.CODE,
                Attempt.state != AttemptState.CREATED,
            )
        )


def counted(world: World) -> int:
    with world.database.reading() as session:
        return session.scalar(select(func.count()).where(Submission.counts))


def submit_until_refused(world: World, passes: int) -> list[Cost]:
    """Submit and take back until that is refused; return what each has cost."""
    costs = []
    for number in range(20):
        try:
            submission = world.submit(content=salted(number))
        except QuotaExceededError:
            return costs
        for _ in range(passes):
            world.run()
        costs.append(take_back(world, submission))
        world.run()
    raise AssertionError("it was never refused")


@pytest.mark.attack(69)
def test_what_is_taken_back_at_once_makes_no_image(world: World) -> None:
    """The base image is there, so that nothing but the cancelling keeps an image from being made."""
    world.run(4)

    costs = submit_until_refused(world, passes=0)
    world.run(4)

    assert costs == [Cost.NOTHING] * MAX_FREE_CANCELLATIONS + [Cost.COUNTS] * PER_DAY
    assert builds_of_code(world) == 0


@pytest.mark.attack(69)
@pytest.mark.parametrize("passes", [1, 2, 3], ids=["opened", "sent", "made"])
def test_what_is_taken_back_once_its_image_is_made_counts(world: World, passes: int) -> None:
    world.run(4)

    costs = submit_until_refused(world, passes)

    assert costs == [Cost.COUNTS] * PER_DAY
    assert builds_of_code(world) == counted(world) == PER_DAY


@pytest.mark.attack(69)
def test_what_is_taken_back_in_the_queue_after_its_image_was_made_counts(world: World) -> None:
    submission = world.submit(content=salted(1))
    world.run_until_sent("predict")
    assert world.evaluation(submission).state is EvaluationState.QUEUED

    assert take_back(world, submission) is Cost.COUNTS
    assert counted(world) == 1


@pytest.mark.attack(69)
def test_runs_on_the_sample_are_few_a_day_whether_they_are_taken_back_or_not(world: World) -> None:
    """They count against no limit of the phase, so they have one of their own."""
    change_phase(world, logs="smoke")
    for number in range(SMOKE_PER_DAY):
        submission = world.submit(content=salted(number), smoke=True)
        take_back(world, submission)

    with pytest.raises(QuotaExceededError):
        world.submit(content=salted(SMOKE_PER_DAY), smoke=True)
    world.run(4)
    assert builds_of_code(world) == 0
