"""How runs on private data are kept apart from jobs that tell more than scores."""

from collections.abc import Iterable
from enum import StrEnum

from portal.domain.challenges.profiles import Profile
from portal.domain.evaluations.neighbours import group_of


class Separation(StrEnum):
    """What keeps them from being on a node at the same time, the strongest first."""

    NODES = "nodes"
    """They are never on the same nodes."""
    ALONE = "alone"
    """Each job of one of them has its node for itself; later ones come after it on the same node."""
    TURNS = "turns"
    """The planner lets one kind run after the other; what nobody clears stays on the node."""


def separation_of(readers: Iterable[Profile], tellers: Iterable[Profile]) -> Separation:
    """Return what keeps jobs of the one profiles apart from those of the others: the weakest of each pair."""
    found = [_of_pair(one, other) for one in readers for other in tellers]
    return max(found, key=list(Separation).index, default=Separation.NODES)


def _of_pair(reader: Profile, teller: Profile) -> Separation:
    if (reader.cluster, reader.node_group) != (teller.cluster, teller.node_group):
        return Separation.NODES
    if None in {group_of(reader), group_of(teller)}:
        return Separation.ALONE
    return Separation.TURNS
