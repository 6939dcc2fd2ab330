"""How often the cluster is asked."""

from datetime import timedelta

import pytest

from portal.worker.polling import (
    MAX_BACKOFF_SECONDS,
    MIN_BACKOFF_SECONDS,
    MIN_INTERVAL_SECONDS,
    Pace,
    PollSchedule,
)


class Clock:
    """Seconds that a test lets go by."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def seconds_until_due(schedule: PollSchedule, clock: Clock) -> float:
    began = clock.now
    while not schedule.is_due:
        clock.now += 0.05
    return round(clock.now - began, 2)


def test_a_new_worker_asks_at_once(clock: Clock) -> None:
    assert PollSchedule(Pace(), clock).is_due


def test_it_asks_quickly_after_news_and_ever_more_seldom_without(clock: Clock) -> None:
    schedule = PollSchedule(Pace(slowest=timedelta(seconds=5), ceiling=1000), clock)
    schedule.answered(changed=True)

    waits = []
    for _ in range(16):
        waits.append(seconds_until_due(schedule, clock))
        schedule.answered(changed=False)

    assert waits[0] == pytest.approx(MIN_INTERVAL_SECONDS, abs=0.06)
    assert waits == sorted(waits)
    assert waits[-1] == pytest.approx(5, abs=0.06)


def test_what_is_about_to_change_is_asked_about_soon(clock: Clock) -> None:
    schedule = PollSchedule(Pace(ceiling=1000), clock)
    for _ in range(30):
        schedule.answered(changed=False)
    clock.now += MIN_INTERVAL_SECONDS
    was_due = schedule.is_due

    schedule.expect()

    assert (was_due, schedule.is_due) == (False, True)


def test_it_never_asks_more_often_than_the_ceiling(clock: Clock) -> None:
    schedule = PollSchedule(Pace(ceiling=6), clock)
    asked = 0
    while clock.now < 600:
        if schedule.is_due:
            asked += 1
            schedule.answered(changed=True)
            schedule.expect()
        clock.now += 0.25

    assert asked == 60


def test_a_cluster_that_does_not_answer_is_left_alone_longer_and_longer(clock: Clock) -> None:
    schedule = PollSchedule(Pace(), clock)

    rests = []
    for _ in range(8):
        schedule.failed()
        assert schedule.is_open
        rests.append(seconds_until_due(schedule, clock))
        assert not schedule.is_open

    assert rests == pytest.approx(
        [MIN_BACKOFF_SECONDS, 2, 4, 8, 16, 32, MAX_BACKOFF_SECONDS, MAX_BACKOFF_SECONDS], abs=0.1
    )


def test_one_answer_ends_the_rest(clock: Clock) -> None:
    schedule = PollSchedule(Pace(), clock)
    for _ in range(5):
        schedule.failed()
    clock.now += MAX_BACKOFF_SECONDS

    schedule.answered(changed=True)

    assert not schedule.is_open
    assert seconds_until_due(schedule, clock) == pytest.approx(60 / Pace().ceiling, abs=0.06)
