"""Every word that Slurm's libraries have for why a job waits is in one of our tables."""

import pytest

from scheduler.interface import Phase
from scheduler.slurm.reasons import (
    ENDING,
    HELD_REASONS,
    HOPELESS_REASONS,
    PASSING,
    PASSING_FAMILIES,
    needs_a_person,
)
from scheduler.slurm.states import interpret
from tests.unit.scheduler.slurm.reason_words import BLUE_GENE, WORDS


def test_each_word_is_known() -> None:
    tables = PASSING | HELD_REASONS | HOPELESS_REASONS | ENDING | BLUE_GENE

    assert [
        word for word in WORDS if word not in tables and not word.startswith(PASSING_FAMILIES)
    ] == []


def test_the_tables_name_nothing_that_slurm_does_not_say() -> None:
    assert (PASSING | HELD_REASONS | HOPELESS_REASONS | ENDING) - set(WORDS) == set()


def test_no_word_is_in_two_tables() -> None:
    tables = (PASSING, HELD_REASONS, HOPELESS_REASONS)

    assert sum(map(len, tables)) == len(frozenset().union(*tables))


@pytest.mark.parametrize("reason", sorted(HELD_REASONS | HOPELESS_REASONS))
def test_a_pending_job_that_needs_a_person_is_held(reason: str) -> None:
    assert interpret("PENDING", reason) == (Phase.HELD, None)
    assert interpret("RUNNING", reason) == (Phase.RUNNING, None)


@pytest.mark.parametrize("reason", ["", "Resources", "QOSMaxGRESPerJob", "SomethingNew"])
def test_any_other_reason_passes(reason: str) -> None:
    assert not needs_a_person(reason)
    assert interpret("PENDING", reason) == (Phase.PENDING, None)
