from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone

import pytest

from portal.domain.errors import ParticipantError, QuotaExceededError
from portal.domain.submissions.limits import (
    LimitKind,
    Limits,
    SubmissionKind,
    Used,
    Window,
    check_quota,
    check_window,
    how_long,
    room,
    start_of_day,
    start_of_week,
)

NOW = datetime(2026, 12, 1, 12, 30, tzinfo=UTC)
END = NOW + timedelta(days=60)
LIMITS = Limits(per_day=5, per_week=8, total=9, failed_per_day=3)
WINDOW = Window(
    title="Development",
    starts_at=NOW - timedelta(hours=1),
    ends_at=NOW + timedelta(hours=1),
    kinds=frozenset({SubmissionKind.CODE, SubmissionKind.RESULTS}),
)


def test_inside_the_window_nothing_is_refused():
    check_window(WINDOW, SubmissionKind.CODE, now=NOW)


@pytest.mark.parametrize(
    ("now", "kind", "message"),
    [
        pytest.param(
            WINDOW.starts_at - timedelta(minutes=1),
            SubmissionKind.CODE,
            "Development opens at 2026-12-01 11:30 UTC. It is 2026-12-01 11:29 UTC now.",
            id="before",
        ),
        pytest.param(
            WINDOW.ends_at,
            SubmissionKind.CODE,
            "Development closed at 2026-12-01 13:30 UTC. "
            "Your submission was complete at 2026-12-01 13:30 UTC. "
            "That is less than a minute too late: this file was rejected.",
            id="at the very end",
        ),
        pytest.param(
            WINDOW.ends_at + timedelta(minutes=12, seconds=40),
            SubmissionKind.CODE,
            "Development closed at 2026-12-01 13:30 UTC. "
            "Your submission was complete at 2026-12-01 13:42 UTC. "
            "That is 12 minutes too late: this file was rejected.",
            id="late",
        ),
        pytest.param(
            NOW,
            SubmissionKind.IMAGE,
            "Development takes these kinds only: code, results.",
            id="another kind",
        ),
    ],
)
def test_outside_the_window(now, kind, message):
    with pytest.raises(ParticipantError) as refusal:
        check_window(WINDOW, kind, now=now)

    assert refusal.value.message == message


def test_where_late_submissions_are_taken_the_end_refuses_nothing():
    late = replace(WINDOW, takes_late=True)

    check_window(late, SubmissionKind.CODE, now=WINDOW.ends_at + timedelta(days=400))

    assert late.is_late(WINDOW.ends_at)
    assert not late.is_late(NOW)


def test_late_submissions_have_an_end_of_their_own():
    until = WINDOW.ends_at + timedelta(hours=2)
    late = replace(WINDOW, takes_late=True, late_until=until)
    check_window(late, SubmissionKind.CODE, now=until - timedelta(minutes=1))

    with pytest.raises(ParticipantError) as refusal:
        check_window(late, SubmissionKind.CODE, now=until)

    assert refusal.value.message == (
        "Development took late submissions until 2026-12-01 15:30 UTC. "
        "Your submission was complete at 2026-12-01 15:30 UTC. "
        "That is less than a minute too late: this file was rejected."
    )


def test_the_day_begins_at_midnight_in_utc():
    east = datetime(2026, 12, 2, 1, 0, tzinfo=timezone(timedelta(hours=5)))

    assert start_of_day(east) == datetime(2026, 12, 1, tzinfo=UTC)


def test_no_limit_means_no_refusal():
    used = Used(today=10**6, week=10**6, total=10**6, failed_today=10**6)

    check_quota(Limits(), used, ends_at=END, now=NOW)


def test_the_week_begins_on_monday_in_utc():
    east = datetime(2026, 12, 7, 1, 0, tzinfo=timezone(timedelta(hours=5)))

    assert start_of_week(east) == datetime(2026, 11, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("used", "message"),
    [
        pytest.param(
            Used(today=5, total=7),
            "Your team has used its 5 submissions of today. "
            "The next can be submitted from 2026-12-02 00:00 UTC, in 11 hours 30 minutes.",
            id="today",
        ),
        pytest.param(
            Used(today=5, week=8, total=8),
            "Your team has used its 8 submissions of this week (Monday to Sunday, UTC). "
            "The next can be submitted from 2026-12-07 00:00 UTC, in 5 days 11 hours 30 minutes.",
            id="this week, and today",
        ),
        pytest.param(
            Used(today=0, total=0, failed_today=3),
            "3 of your team's submissions have failed today, and at most 3 may. "
            "The next can be submitted from 2026-12-02 00:00 UTC, in 11 hours 30 minutes.",
            id="failed",
        ),
        pytest.param(
            Used(today=5, week=8, total=9),
            "Your team has used all 9 submissions of this phase.",
            id="in all",
        ),
    ],
)
def test_a_used_up_quota_says_when_there_is_room_again(used, message):
    with pytest.raises(QuotaExceededError) as refusal:
        check_quota(LIMITS, used, ends_at=END, now=NOW)

    assert refusal.value.message == message


def test_where_the_phase_ends_before_there_is_room_again_that_is_said():
    with pytest.raises(QuotaExceededError) as refusal:
        check_quota(LIMITS, Used(today=5, total=5), ends_at=WINDOW.ends_at, now=NOW)

    assert refusal.value.next_at is None
    assert refusal.value.message == (
        "Your team has used its 5 submissions of today. The phase ends before there is room again."
    )


def test_what_is_left_is_never_less_than_nothing():
    used = Used(today=6, week=6, total=6, failed_today=1)

    left = room(LIMITS, used, ends_at=END, now=NOW)

    assert (left.today, left.week, left.total, left.failed_today) == (0, 2, 3, 2)
    assert (left.reached, left.next_at) == (LimitKind.DAY, datetime(2026, 12, 2, tzinfo=UTC))


@pytest.mark.parametrize(
    ("seconds", "written"),
    [(1, "1 minute"), (61, "2 minutes"), (3600, "1 hour"), (2 * 86400 + 60, "2 days 1 minute")],
)
def test_how_long_is_never_less_than_it_is(seconds, written):
    assert how_long(timedelta(seconds=seconds)) == written
