"""Which jobs may be on a node at the same time: what reads private data has nobody beside it who tells more.

Containers of a node share its kernel. What one of them does another can notice, in many ways (watches
and locks on common files, counters, load, the time that things take), and no filter closes all of
them. A run on private data would so dictate it to a run whose log its team reads.
"""

from collections.abc import Iterable, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import Final, NewType

from portal.domain.challenges.profiles import Profile
from portal.domain.evaluations.jobs import JobKind

NodeGroup = NewType("NodeGroup", str)
"""The nodes that profiles with one word for them share, on one cluster."""


@dataclass(frozen=True, slots=True)
class Disclosure:
    """What a job could learn from its neighbours, and what it could tell them."""

    is_open: bool
    """Whether a team learns more of it than what a sealed phase tells: a log, a reason, an exact time."""
    is_confidential: bool
    """Whether it reads private data."""
    challenge_id: str = ""
    """Whose data it is, where a job is both: it tells of that data itself."""

    def may_be_beside(self, other: "Disclosure") -> bool:
        """Whether two jobs may be on a node at the same time.

        That holds for equal ones only: two of which no team learns more than scores; two that read
        nothing private; two of phases of one challenge that tell of failures anyway.
        """
        return self == other or not (
            (self.is_open and other.is_confidential) or (other.is_open and self.is_confidential)
        )


OPEN: Final = Disclosure(is_open=True, is_confidential=False)
CONFIDENTIAL: Final = Disclosure(is_open=False, is_confidential=True)


def disclosure_of(
    kind: JobKind, *, is_smoke: bool = False, is_sealed: bool = True, challenge_id: str = ""
) -> Disclosure:
    """Return the disclosure of a job; the last three are of its submission and phase, where it has one.

    A build runs no program of a team and reads nothing private, but its team is shown when it ended,
    and why it failed. A rerun is what the evaluation is that it repeats.
    """
    if kind is JobKind.BUILD or is_smoke:
        return OPEN
    if kind is JobKind.MEASURE or is_sealed:
        return CONFIDENTIAL
    return Disclosure(is_open=True, is_confidential=True, challenge_id=challenge_id)


def group_of(profile: Profile) -> NodeGroup | None:
    """Return the nodes that jobs of a profile share with others; None for a job that has its node for itself."""
    return None if profile.exclusive else NodeGroup(f"{profile.cluster}/{profile.node_group}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """A job that nothing but its neighbours keeps from being opened."""

    id: str
    """Of what it is for: ids of what came later are greater."""
    group: NodeGroup | None
    disclosure: Disclosure


class Neighbours:
    """Who lives in each node group, and whose turn it is: kept up while jobs are planned.

    Nobody waits for ever: the oldest wish of a group says what is opened next, and what is younger
    than the first wish of another kind waits until that had its turn.
    """

    def __init__(
        self, live: Mapping[NodeGroup, AbstractSet[Disclosure]], wishes: Iterable[Wish] = ()
    ) -> None:
        self._live = live
        self._first: dict[NodeGroup, Wish] = {}
        """The oldest wish of each group."""
        self._next: dict[NodeGroup, Wish] = {}
        """The oldest one of another kind than that."""
        for wish in sorted(wishes, key=lambda one: one.id):
            if wish.group is None:
                continue
            first = self._first.setdefault(wish.group, wish)
            if not wish.disclosure.may_be_beside(first.disclosure):
                self._next.setdefault(wish.group, wish)

    def admit(self, wish: Wish) -> bool:
        """Whether a job may be opened now."""
        if wish.group is None:
            return True
        return self.is_free_for(wish) and self._has_turn(wish, wish.group)

    def is_free_for(self, wish: Wish) -> bool:
        """Whether only jobs live in the group that it may be beside."""
        if wish.group is None:
            return True
        return all(wish.disclosure.may_be_beside(one) for one in self._live.get(wish.group, ()))

    def _has_turn(self, wish: Wish, group: NodeGroup) -> bool:
        first, after = self._first.get(group, wish), self._next.get(group)
        if not wish.disclosure.may_be_beside(first.disclosure):
            return False
        return after is None or wish.id < after.id
