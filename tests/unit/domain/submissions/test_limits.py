from datetime import UTC, datetime, timedelta, timezone

import pytest

from portal.domain.errors import ParticipantError, QuotaExceededError
from portal.domain.submissions.limits import (
    Limits,
    SubmissionKind,
    Used,
    Window,
    check_quota,
    check_window,
    start_of_day,
)

NOW = datetime(2026, 12, 1, 12, 30, tzinfo=UTC)
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


def test_the_day_begins_at_midnight_in_utc():
    east = datetime(2026, 12, 2, 1, 0, tzinfo=timezone(timedelta(hours=5)))

    assert start_of_day(east) == datetime(2026, 12, 1, tzinfo=UTC)


def test_no_limit_means_no_refusal():
    check_quota(Limits(), Used(today=10**6, total=10**6), now=NOW)


@pytest.mark.parametrize(
    ("used", "message"),
    [
        pytest.param(
            Used(today=5, total=7),
            "Your team has used its 5 submissions of today. "
            "The next can be submitted from 2026-12-02 00:00 UTC.",
            id="today",
        ),
        pytest.param(
            Used(today=0, total=9),
            "Your team has used all 9 submissions of this phase.",
            id="in all",
        ),
    ],
)
def test_a_used_up_quota_says_when_there_is_room_again(used, message):
    with pytest.raises(QuotaExceededError) as refusal:
        check_quota(Limits(per_day=5, total=9), used, now=NOW)

    assert refusal.value.message == message
