"""Who may be on a node beside whom, and that nobody waits for ever for it."""

import random
from dataclasses import dataclass, field, replace
from itertools import combinations_with_replacement

import pytest

from portal.domain.evaluations.jobs import JobKind
from portal.domain.evaluations.neighbours import (
    CONFIDENTIAL,
    OPEN,
    Disclosure,
    Neighbours,
    NodeGroup,
    Wish,
    disclosure_of,
    group_of,
)
from tests.support.factories import resources

NODES = NodeGroup("main/gpu")
TYPED = disclosure_of(JobKind.PREDICT, is_sealed=False, challenge_id="1")
OF_ANOTHER = disclosure_of(JobKind.SCORE, is_sealed=False, challenge_id="2")
KINDS = (OPEN, CONFIDENTIAL, TYPED, OF_ANOTHER)


@pytest.mark.parametrize(
    ("kind", "smoke", "sealed", "expected"),
    [
        (JobKind.BUILD, False, True, OPEN),
        (JobKind.PREDICT, True, True, OPEN),
        (JobKind.PREDICT, True, False, OPEN),
        (JobKind.MEASURE, False, False, CONFIDENTIAL),
        (JobKind.PREDICT, False, True, CONFIDENTIAL),
        (JobKind.SCORE, False, True, CONFIDENTIAL),
        (JobKind.PREDICT, False, False, TYPED),
        (JobKind.SCORE, False, False, TYPED),
    ],
)
def test_a_job_is_open_or_confidential_or_both(
    kind: JobKind, smoke: bool, sealed: bool, expected: Disclosure
) -> None:
    found = disclosure_of(kind, is_smoke=smoke, is_sealed=sealed, challenge_id="1")

    assert found == expected


@pytest.mark.parametrize(("one", "other"), list(combinations_with_replacement(KINDS, 2)))
def test_jobs_may_be_neighbours_only_where_they_tell_and_read_the_same(
    one: Disclosure, other: Disclosure
) -> None:
    assert one.may_be_beside(other) == other.may_be_beside(one) == (one == other)


def test_every_kind_of_job_has_a_disclosure_and_only_builds_read_nothing() -> None:
    readers = {kind for kind in JobKind if disclosure_of(kind).is_confidential}

    assert readers == set(JobKind) - {JobKind.BUILD}


def test_profiles_share_nodes_by_their_word_or_by_their_partition() -> None:
    profile = resources().profiles["gpu-small"]

    assert group_of(profile) == "main/gpu"
    assert group_of(replace(profile, nodes="racks")) == "main/racks"
    assert group_of(replace(profile, exclusive=True)) is None


def test_a_job_with_a_node_for_itself_waits_for_nobody() -> None:
    wish = Wish(id="9", group=None, disclosure=OPEN)

    assert Neighbours({NODES: {CONFIDENTIAL}}, [wish]).admit(wish)


def test_what_is_younger_than_a_wish_of_another_kind_waits_for_its_turn() -> None:
    old, other, young = (
        Wish(id=number, group=NODES, disclosure=kind)
        for number, kind in (("1", CONFIDENTIAL), ("2", OPEN), ("3", CONFIDENTIAL))
    )
    neighbours = Neighbours({NODES: {CONFIDENTIAL}}, [young, other, old])

    assert [neighbours.admit(wish) for wish in (old, other, young)] == [True, False, False]


def test_nothing_younger_is_opened_while_the_oldest_waits_for_others_to_end() -> None:
    old, young = (
        Wish(id=number, group=NODES, disclosure=kind)
        for number, kind in (("1", OPEN), ("2", CONFIDENTIAL))
    )
    neighbours = Neighbours({NODES: {CONFIDENTIAL}}, [old, young])

    assert [neighbours.admit(wish) for wish in (old, young)] == [False, False]


@dataclass
class Nodes:
    """Node groups on which jobs begin and end as they please."""

    chance: random.Random
    waiting: list[Wish] = field(default_factory=list)
    live: list[Wish] = field(default_factory=list)
    waited: dict[str, int] = field(default_factory=dict)

    def one_pass(self) -> None:
        """Admit as a planner does, with some wishes that a limit keeps back this time."""
        there: dict[NodeGroup, set[Disclosure]] = {}
        for wish in self.live:
            there.setdefault(wish.group, set()).add(wish.disclosure)
        free = [wish for wish in self.waiting if self.chance.random() < 0.8]
        neighbours = Neighbours(there, free)
        begun = [wish for wish in free if neighbours.admit(wish)]
        self.live += begun
        self.waiting = [wish for wish in self.waiting if wish not in begun]

    def check(self) -> None:
        """Assert that no two jobs of a group may not be beside each other."""
        for group in {wish.group for wish in self.live}:
            kinds = {wish.disclosure for wish in self.live if wish.group == group}
            assert len(kinds) == 1


@pytest.mark.parametrize("seed", range(20))
def test_however_jobs_come_and_end_no_group_has_two_kinds_and_all_of_them_run(seed: int) -> None:
    chance = random.Random(seed)  # noqa: S311 - nothing is secret here
    nodes = Nodes(chance=chance)
    groups = [NodeGroup("main/a"), NodeGroup("main/b")]
    for step in range(400):
        if step < 300:
            kind = chance.choice(KINDS if chance.random() < 0.3 else (CONFIDENTIAL, OPEN))
            nodes.waiting.append(
                Wish(id=f"{step:04}", group=chance.choice(groups), disclosure=kind)
            )
        nodes.one_pass()
        nodes.check()
        nodes.live = [wish for wish in nodes.live if chance.random() < 0.5]
        oldest = min((int(wish.id) for wish in nodes.waiting), default=step)
        assert step - oldest < 150

    for _ in range(400):
        nodes.one_pass()
        nodes.check()
        nodes.live = [wish for wish in nodes.live if chance.random() < 0.5]
    assert not nodes.waiting


def test_a_stream_of_one_kind_does_not_keep_the_other_waiting() -> None:
    """Runs that each last three passes and come with every pass always overlap."""
    waiting = [Wish(id="0000", group=NODES, disclosure=CONFIDENTIAL)]
    live: list[tuple[int, Wish]] = []
    smoke = Wish(id="0005x", group=NODES, disclosure=OPEN)
    for step in range(1, 30):
        waiting.append(Wish(id=f"{step:04}", group=NODES, disclosure=CONFIDENTIAL))
        if step == 5:
            waiting.append(smoke)
        live = [(ends, wish) for ends, wish in live if ends > step]
        there = {NODES: {wish.disclosure for _, wish in live}}
        neighbours = Neighbours(there, waiting)
        begun = [wish for wish in waiting if neighbours.admit(wish)]
        if smoke in begun:
            assert step <= 9
            return
        waiting = [wish for wish in waiting if wish not in begun]
        live += [(step + 3, wish) for wish in begun]
    raise AssertionError("the run on the sample never had its turn")
