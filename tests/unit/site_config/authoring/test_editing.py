"""Dates and limits are changed in the text, and every other character stays as its author wrote it."""

import difflib
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from site_config.authoring.editing import NotEditableError, PhaseChange, with_phases
from site_config.bundle import settings_of
from site_config.challenge import PhaseLimits
from tests.unit.site_config.good_files import CHALLENGE

START = datetime(2026, 12, 1, tzinfo=UTC)
HEAD = """\
# Our challenge
schema: 1
slug: cells
title: "Cells"   # for now
pages: [{title: Overview, file: overview.md}]
tasks:
  a:
    input: {data: x}
    truth: {data: y}
    scorer: {image: s.tar}
    predict: {profile: gpu}
    score: {profile: cpu}
    outputs: {required: [a.csv]}
leaderboard:
    columns:
    -   {key: f1, title: F1, primary: true}
"""
AS_BLOCK = """phases:
  - start: 2026-12-01T00:00Z # at last
    end: '2027-01-01T00:00+01:00'
    id: dev
    tasks: [a]
    kinds: [results]
    limits:
      per_day: 5   # a day
      total: 20
  # the last one
  - id: final
    tasks: [a]
    kinds: [results]
    start: 2027-01-01T00:00Z
    end: 2027-02-01T00:00Z
"""
AS_FLOW = (
    "phases: [{id: dev, tasks: [a], kinds: [results], start: 2026-12-01T00:00Z,"
    " end: 2027-01-01T00:00Z, limits: {per_day: 5}}, {id: final, start: 2027-01-01T00:00Z,"
    " end: 2027-02-01T00:00Z, tasks: [a], kinds: [results]}]\n"
)


def _changed(text: str, **limits: int) -> list[str]:
    """Change both phases; return the lines that differ."""
    change = PhaseChange(
        start=START, end=START + timedelta(days=90), limits=PhaseLimits.model_validate(limits)
    )
    later = PhaseChange(
        start=START + timedelta(days=31),
        end=START + timedelta(days=62),
        limits=PhaseLimits(total=3),
    )
    after = with_phases(text, {"dev": change, "final": later})
    lines = difflib.unified_diff(text.splitlines(), after.splitlines(), lineterm="", n=0)
    return [line for line in lines if line[:3] not in {"---", "+++"} and line[:2] != "@@"]


def test_a_block_keeps_its_remarks_and_its_form() -> None:
    assert _changed(HEAD + AS_BLOCK, per_day=2) == [
        "-    end: '2027-01-01T00:00+01:00'",
        "+    end: 2027-03-01T00:00Z",
        "-    limits:",
        "-      per_day: 5   # a day",
        "-      total: 20",
        "+    limits: {per_day: 2}",
        "+    limits: {total: 3}",
    ]


def test_a_phase_on_one_line_stays_on_it() -> None:
    assert _changed(HEAD + AS_FLOW, per_day=2, running=1) == [
        f"-{AS_FLOW[:-1]}",
        "+"
        + AS_FLOW[:-1]
        .replace(
            "2027-01-01T00:00Z, limits: {per_day: 5}",
            "2027-03-01T00:00Z, limits: {per_day: 2, running: 1}",
        )
        .replace("{id: final, ", "{id: final, limits: {total: 3}, "),
    ]


@pytest.mark.parametrize("limits", ["limits: {}", "limits: {per_day: 5}"])
def test_limits_that_are_there_in_any_form_are_replaced(limits: str) -> None:
    text = HEAD + AS_BLOCK.replace(
        "    limits:\n      per_day: 5   # a day\n      total: 20\n", f"    {limits} # as agreed\n"
    )

    assert "+    limits: {per_day: 2} # as agreed" in _changed(text, per_day=2)


def test_what_is_not_changed_stays_as_it_was_written() -> None:
    text = HEAD + AS_BLOCK
    same = {
        phase.id: PhaseChange(start=phase.start, end=phase.end, limits=phase.limits)
        for phase in settings_of(text).phases
    }

    assert with_phases(text, same) == text
    assert with_phases(text, {}) == text


def test_what_would_not_be_right_is_not_written() -> None:
    change = PhaseChange(start=START, end=START, limits=PhaseLimits())

    with pytest.raises(NotEditableError):
        with_phases(HEAD + AS_BLOCK, {"dev": change})


_LIMIT = st.none() | st.integers(1, 1_000)


@given(
    st.integers(0, 500_000), st.integers(1, 500_000), _LIMIT, _LIMIT, _LIMIT,
    st.sampled_from([HEAD + AS_BLOCK, HEAD + AS_FLOW, CHALLENGE]),
)  # fmt: skip
def test_the_text_says_what_was_asked_for_and_nothing_else(
    after: int, minutes: int, per_day: int | None, total: int | None, running: int | None, text: str
) -> None:
    first = settings_of(text).phases[0]
    start = START + timedelta(minutes=after)
    limits = PhaseLimits(per_day=per_day, total=total, running=running)
    change = PhaseChange(start=start, end=start + timedelta(minutes=minutes), limits=limits)

    now = settings_of(with_phases(text, {first.id: change}))

    assert now.phases[0] == first.model_copy(
        update={"start": change.start, "end": change.end, "limits": limits}
    )
    assert now.model_copy(update={"phases": ()}) == settings_of(text).model_copy(
        update={"phases": ()}
    )
    assert now.phases[1:] == settings_of(text).phases[1:]
