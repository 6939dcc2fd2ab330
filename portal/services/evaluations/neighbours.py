"""What lives on which nodes, and what would: for the rule of who may be beside whom."""

from collections.abc import Iterable, Mapping

from portal.db.queries.evaluations import neighbours as queries
from portal.db.tables import DataSnapshot, Evaluation, Image
from portal.domain.challenges.profiles import Profile, Resources
from portal.domain.evaluations.jobs import JobKind
from portal.domain.evaluations.neighbours import (
    Disclosure,
    NodeGroup,
    Wish,
    disclosure_of,
    group_of,
)
from portal.domain.submissions.disclosure import Failures


def by_group(
    living: Iterable[queries.Living], resources: Resources
) -> Mapping[NodeGroup, set[Disclosure]]:
    """Return what lives in each node group.

    Where the site no longer has a job's profile, the job may be on any node of its cluster.
    """
    found: dict[NodeGroup, set[Disclosure]] = {}
    for one in living:
        disclosure = disclosure_of(
            one.kind,
            is_smoke=bool(one.is_smoke),
            is_sealed=one.failures is not Failures.TYPED,
            challenge_id=one.challenge_id or "",
        )
        for group in _groups(one, resources):
            found.setdefault(group, set()).add(disclosure)
    return found


def _groups(one: queries.Living, resources: Resources) -> Iterable[NodeGroup]:
    profile = resources.profiles.get(one.profile)
    here = [each for each in resources.profiles.values() if each.cluster == one.cluster]
    groups = [group_of(each) for each in ([profile] if profile else here)]
    return {group for group in groups if group is not None}


def wish_for_run(evaluation: Evaluation, kind: JobKind, profile: Profile) -> Wish:
    """Return the wish to run or to score an evaluation; its submission and phase are loaded."""
    submission = evaluation.submission
    disclosure = disclosure_of(
        kind,
        is_smoke=submission.is_smoke,
        is_sealed=submission.phase.is_sealed,
        challenge_id=submission.challenge_id,
    )
    return Wish(id=evaluation.id, group=group_of(profile), disclosure=disclosure)


def wish_for(row: Image | DataSnapshot, kind: JobKind, profile: Profile) -> Wish:
    """Return the wish to build an image or to measure data."""
    return Wish(id=row.id, group=group_of(profile), disclosure=disclosure_of(kind))
