from datetime import UTC, datetime, timedelta

import pytest

from portal.domain.errors import ParticipantError
from portal.domain.submissions.limits import Limits
from portal.domain.teams.membership_rules import (
    PhaseUse,
    check_frozen,
    check_merge,
    check_size,
    must_accept,
    team_name,
    terms_digest,
)

NOW = datetime(2026, 12, 3, 12, 30, tzinfo=UTC)
"""The third day of the phase."""


def phase(
    one: int, other: int, *, per_day: int | None = None, total: int | None = None
) -> PhaseUse:
    return PhaseUse(
        title="Development",
        starts_at=datetime(2026, 12, 1, 18, 0, tzinfo=UTC),
        ends_at=datetime(2026, 12, 5, 6, 0, tzinfo=UTC),
        limits=Limits(per_day=per_day, total=total, running=None),
        used=(one, other),
    )


@pytest.mark.parametrize(
    "use",
    [
        pytest.param(phase(40, 60), id="no limits"),
        pytest.param(phase(4, 6, total=10), id="as many as one may have"),
        pytest.param(phase(2, 4, per_day=2), id="two a day on each of three days"),
        pytest.param(phase(6, 0, per_day=2, total=6), id="both limits"),
    ],
)
def test_what_one_team_could_have_made_may_merge(use: PhaseUse):
    check_merge([use], now=NOW)


@pytest.mark.parametrize(
    ("use", "now", "message"),
    [
        pytest.param(
            phase(4, 7, total=10), NOW,
            "Together you have 11 submissions that count in Development (4 and 7), and one team "
            "may have 10 in all.",
            id="in all",
        ),
        pytest.param(
            phase(3, 4, per_day=2), NOW,
            "Together you have 7 submissions that count in Development (3 and 4), and one team "
            "may have 6 so far: 2 a day for 3 days.",
            id="a day",
        ),
        pytest.param(
            phase(1, 2, per_day=2), datetime(2026, 12, 1, 23, 59, tzinfo=UTC),
            "Together you have 3 submissions that count in Development (1 and 2), and one team "
            "may have 2 so far: 2 a day for 1 day.",
            id="on the first day",
        ),
        pytest.param(
            phase(6, 5, per_day=2), NOW + timedelta(days=30),
            "Together you have 11 submissions that count in Development (6 and 5), and one team "
            "may have 10 so far: 2 a day for 5 days.",
            id="after its end",
        ),
    ],
)  # fmt: skip
def test_more_than_that_may_not_and_the_numbers_are_said(
    use: PhaseUse, now: datetime, message: str
):
    with pytest.raises(ParticipantError) as refusal:
        check_merge([phase(0, 0, total=1), use], now=now)

    assert refusal.value.message == message


def test_a_phase_that_has_not_begun_stands_in_nobodys_way():
    check_merge([phase(0, 0, per_day=1)], now=datetime(2026, 11, 1, tzinfo=UTC))


def test_rosters_change_until_the_moment_at_which_they_freeze():
    check_frozen(None, now=NOW)
    check_frozen(NOW, now=NOW - timedelta(seconds=1))

    with pytest.raises(ParticipantError) as refusal:
        check_frozen(NOW, now=NOW)

    assert refusal.value.message == (
        "Teams have been fixed since 2026-12-03 12:30 UTC: nobody joins, leaves or merges any more."
    )


@pytest.mark.parametrize(
    ("largest", "message"),
    [
        (1, "A team of this challenge has at most 1 member; this would make 2."),
        (3, "A team of this challenge has at most 3 members; this would make 4."),
    ],
)
def test_a_team_is_no_larger_than_the_challenge_says(largest: int, message: str):
    check_size(largest, largest)

    with pytest.raises(ParticipantError) as refusal:
        check_size(largest + 1, largest)

    assert refusal.value.message == message


@pytest.mark.parametrize(
    ("wish", "name"),
    [
        ("  The\u202e  Lovelaces ", "The Lovelaces"),
        ("Ηράκλειο ML", "Ηράκλειο ML"),
        ("x" * 61, "x" * 60),
    ],
)
def test_the_name_of_a_team_is_one_clean_line(wish: str, name: str):
    assert team_name(wish) == name


@pytest.mark.parametrize("wish", ["", "   ", "\u200b\n"])
def test_a_team_has_a_name(wish: str):
    with pytest.raises(ParticipantError, match="Write a name for the team"):
        team_name(wish)


@pytest.mark.parametrize(
    ("terms", "accepted", "asks"),
    [
        pytest.param("Be fair.", None, True, id="never asked"),
        pytest.param("Be fair.", "", True, id="there were none"),
        pytest.param("Be fair.", terms_digest("Be kind."), True, id="they have changed"),
        pytest.param("Be fair.", terms_digest("Be fair."), False, id="as they were"),
        pytest.param("", None, False, id="there are none"),
        pytest.param(" \n", terms_digest("Be fair."), False, id="they are gone"),
    ],
)
def test_terms_are_asked_for_once_and_when_they_change(
    terms: str, accepted: str | None, asks: bool
):
    assert must_accept(terms, accepted) is asks
