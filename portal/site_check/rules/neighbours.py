"""Nodes: whose jobs can be beside what reads private data. Compared over all profiles of a cluster."""

from collections.abc import Iterator, Mapping

from portal.domain.challenges.profiles import Profile
from portal.domain.evaluations.neighbours import group_of
from portal.domain.evaluations.separation import Separation, separation_of
from portal.domain.site.findings import Finding, Level, Rule
from portal.site_check.questions import Answers
from portal.site_check.target import Subject
from scheduler.commands.inspection import Partition

NODES = Rule(
    id="profiles.nodes",
    title="Profiles whose partitions share nodes have the same word for them",
    level=Level.FAILURE,
    meaning="The portal does not know that their jobs can be on one node, and lets runs on the sample run beside"
    " runs on private data, which can dictate it to them.",
    change="site.yaml: profiles.NAME.nodes",
)
FOREIGN = Rule(
    id="profiles.foreign_jobs",
    title="No other account's jobs can be on the nodes of runs on private data",
    level=Level.FAILURE,
    meaning="Whoever has another account on the cluster can let a job listen beside a submission that dictates"
    " private data to it.",
    change="slurm.conf: AllowAccounts= of every partition with these nodes",
)
EXCLUSIVE = Rule(
    id="profiles.exclusive",
    title="The partition lets a job have its node alone",
    level=Level.FAILURE,
    meaning="Slurm ignores what `exclusive` asks for: other jobs run on the same node.",
    change="slurm.conf: OverSubscribe=NO of the partition, and no PreemptMode=SUSPEND",
)
SEPARATION = Rule(
    id="profiles.separation",
    title="Runs on the sample and builds have other nodes than runs on private data, or each job has its own",
    level=Level.WARNING,
    meaning="They are never on a node at the same time, but only since they take turns: each waits until the"
    " other kind has ended, and counters of the kernel stay from one to the next.",
    change="site.yaml: profiles.NAME.sample, clusters.NAME.build, or profiles.NAME.exclusive",
)
RULES = (NODES, FOREIGN, EXCLUSIVE, SEPARATION)


def check(subject: Subject, answers: Answers) -> Iterator[Finding]:
    """Look at the nodes of all profiles of a cluster, also where only some of them are checked."""
    yield from _separated(subject)
    if answers.partitions is None or answers.places is None:
        for rule in (NODES, FOREIGN):
            yield answers.missing(rule)
        return
    there = [each for each in subject.every_profile if each.partition in answers.partitions]
    places = {each.name: answers.places.get(each.partition, frozenset()) for each in there}
    yield from _words(subject, there, places)
    for profile in there:
        if profile.exclusive:
            yield _alone(profile, answers.partitions[profile.partition], answers)
        elif profile.name in subject.reading_profiles:
            yield _foreign(profile, answers.partitions, answers)


def _separated(subject: Subject) -> Iterator[Finding]:
    readers = [each for each in subject.every_profile if each.name in subject.reading_profiles]
    profiles = {each.name: each for each in subject.every_profile}
    for profile in readers:
        tellers = [
            subject.build_profile,
            *(profiles.get(each.sample or "", each) for each in readers),
        ]
        how = separation_of([profile], tellers)
        yield SEPARATION.judged(
            how is not Separation.TURNS,
            HOW[how],
            subject=profile.name,
            change=subject.place("profiles", profile.name, "sample"),
        )


HOW: Mapping[Separation, str] = {
    Separation.NODES: "they have other nodes",
    Separation.ALONE: "each of its jobs has a node for itself",
    Separation.TURNS: "they take turns on the same nodes",
}
"""How runs on private data are kept apart from what tells more than scores, in words."""


def _words(
    subject: Subject, profiles: list[Profile], places: Mapping[str, frozenset[str]]
) -> Iterator[Finding]:
    torn = [
        (one, other)
        for place, one in enumerate(profiles)
        for other in profiles[:place]
        if not one.exclusive and not other.exclusive
        if group_of(one) != group_of(other) and places[one.name] & places[other.name]
    ]
    for one, other in torn:
        both = ", ".join(sorted(places[one.name] & places[other.name]))[:200]
        yield NODES.broken(
            f"shares {both} with {other.name}, and has another word for its nodes",
            subject=one.name,
            change=f"{subject.place('profiles', one.name, 'nodes')}: {other.node_group}",
        )
    if not torn:
        groups = len({group_of(each) for each in profiles} - {None})
        yield NODES.holds(f"{len(profiles)} profiles on {groups} groups of nodes")


def _foreign(profile: Profile, partitions: Mapping[str, Partition], answers: Answers) -> Finding:
    places = answers.places or {}
    nodes = places.get(profile.partition, frozenset())
    if not nodes or answers.users is None or answers.associations is None:
        return answers.missing(FOREIGN, subject=profile.name)
    beside = sorted(name for name, its in places.items() if its & nodes)
    # A partition that this account does not see is one of others.
    found = {
        name: _others(partitions[name], answers) if name in partitions else f"{name} is not ours"
        for name in beside
    }
    open_to = [name for name, said in found.items() if said]
    return FOREIGN.judged(
        not open_to,
        "; ".join(found[name] for name in open_to)
        or f"partitions {', '.join(beside)} are for the portal's user only",
        subject=profile.name,
        change=f"slurm.conf: PartitionName={(open_to or [profile.partition])[0]} "
        f"AllowAccounts={profile.account or '...'}",
    )


def _others(partition: Partition, answers: Answers) -> str:
    """Return who else can use a partition, in words; nothing where nobody can."""
    if partition.accounts is None:
        return f"every account can use the partition {partition.name}"
    strangers = {
        one.user
        for one in answers.users or ()
        if one.account in partition.accounts and one.user != answers.user
    }
    if strangers:
        some = ", ".join(sorted(strangers)[:5])
        return f"{some} can use the partition {partition.name}"
    ours = {one.account for one in answers.associations or ()}
    if others := partition.accounts - ours:
        return f"the account {', '.join(sorted(others))} can use the partition {partition.name}"
    return ""


def _alone(profile: Profile, partition: Partition, answers: Answers) -> Finding:
    modes = {partition.preemption, (answers.config or {}).get("PreemptMode", "")}
    suspends = any("SUSPEND" in mode or "GANG" in mode for mode in modes)
    forces = partition.sharing.startswith("FORCE")
    said = f"OverSubscribe={partition.sharing or 'NO'}, PreemptMode={partition.preemption or 'OFF'}"
    return EXCLUSIVE.judged(
        not forces and not suspends,
        f"partition {partition.name} has {said}",
        subject=profile.name,
        change=f"slurm.conf: PartitionName={partition.name} "
        + ("PreemptMode=OFF" if suspends else "OverSubscribe=NO"),
    )
