"""Profiles: the partition, account, qos and resources that each one names exist and may be used."""

from collections.abc import Iterator
from datetime import timedelta

from portal.domain.challenges.profiles import Profile
from portal.domain.site.findings import Finding, Level, Rule
from portal.site_check.questions import Answers
from portal.site_check.target import Subject
from scheduler.commands.inspection import Association, Partition, read_gres

PARTITION = Rule(
    id="profiles.partition",
    title="The partition exists and is up",
    level=Level.FAILURE,
    meaning="Jobs of this profile are refused, or wait for ever.",
    change="site.yaml: profiles.NAME.partition",
)
ACCOUNT = Rule(
    id="profiles.account",
    title="The portal's user may charge the account, on this partition",
    level=Level.FAILURE,
    meaning="Jobs of this profile are refused.",
    change="sacctmgr add user USER account=ACCOUNT; slurm.conf: AllowAccounts of the partition",
)
QOS = Rule(
    id="profiles.qos",
    title="The portal's user may use the qos, on this partition",
    level=Level.FAILURE,
    meaning="Jobs of this profile are refused.",
    change="sacctmgr modify user USER set qos+=QOS; slurm.conf: AllowQos of the partition",
)
TIME = Rule(
    id="profiles.time",
    title="Partition, qos and account allow the time of the profile, half a minute and the reading of the largest image",
    level=Level.FAILURE,
    meaning="Jobs of this profile are refused, or wait for ever.",
    change="slurm.conf: MaxTime of the partition, or site.yaml: profiles.NAME.time",
)
RESOURCES = Rule(
    id="profiles.resources",
    title="A node of the partition has the cores, the memory and the generic resources",
    level=Level.FAILURE,
    meaning="Jobs of this profile are refused, or wait for ever.",
    change="site.yaml: profiles.NAME.gres, cpus, memory; slurm.conf: NodeName",
)
OWN_PARTITION = Rule(
    id="profiles.own_partition",
    title="Only named accounts can use the partition",
    level=Level.WARNING,
    meaning="Jobs of other users run on the same nodes as code that nobody has read.",
    change="slurm.conf: AllowAccounts=ACCOUNT of the partition",
)
DENY = Rule(
    id="profiles.deny_on_limit",
    title="What is over a limit of the qos is refused at once",
    level=Level.WARNING,
    meaning="A job that is too large waits for ever, and its team with it.",
    change="sacctmgr modify qos QOS set flags=DenyOnLimit",
)
RULES = (PARTITION, ACCOUNT, QOS, TIME, RESOURCES, OWN_PARTITION, DENY)


def check(subject: Subject, answers: Answers) -> Iterator[Finding]:
    """Look at every profile in turn."""
    for profile in subject.profiles:
        yield from _profile(subject, profile, answers)


def _profile(subject: Subject, profile: Profile, answers: Answers) -> Iterator[Finding]:
    if answers.partitions is None:
        yield answers.missing(PARTITION, subject=profile.name)
        return
    place = subject.place("profiles", profile.name)
    partition = answers.partitions.get(profile.partition)
    if partition is None:
        found = f"there is no partition {profile.partition} that {subject.user} sees"
        yield PARTITION.broken(found, subject=profile.name, change=f"{place}.partition")
        return
    yield PARTITION.judged(
        partition.state == "UP",
        f"partition {partition.name} is {partition.state}",
        subject=profile.name,
        change=f"scontrol update PartitionName={partition.name} State=UP",
    )
    yield OWN_PARTITION.judged(
        partition.accounts is not None,
        "accounts "
        + (", ".join(sorted(partition.accounts)) if partition.accounts is not None else "of all"),
        subject=profile.name,
        change=f"slurm.conf: PartitionName={partition.name} AllowAccounts={profile.account or '...'}",
    )
    if answers.associations is None:
        yield answers.missing(ACCOUNT, subject=profile.name)
        yield answers.missing(QOS, subject=profile.name)
    else:
        yield from _rights(subject, profile, partition, answers.associations)
    if answers.qos is None or answers.associations is None:
        yield answers.missing(TIME, subject=profile.name)
        yield answers.missing(DENY, subject=profile.name)
    else:
        yield from _limits(subject, profile, partition, answers)
    if answers.nodes is None:
        yield answers.missing(RESOURCES, subject=profile.name)
    else:
        yield _resources(subject, profile, answers)


def _mine(profile: Profile, associations: tuple[Association, ...]) -> list[Association]:
    """Return the associations that a job of the profile would be charged to."""
    return [
        one
        for one in associations
        if one.account == (profile.account or one.account)
        and one.partition in {"", profile.partition}
    ]


def _rights(
    subject: Subject,
    profile: Profile,
    partition: Partition,
    associations: tuple[Association, ...],
) -> Iterator[Finding]:
    mine = _mine(profile, associations)
    account = profile.account or (mine[0].account if mine else "")
    called = account or "that is the user's default"
    if not mine:
        yield ACCOUNT.broken(
            f"{subject.user} has no association with an account {called}",
            subject=profile.name,
            change=f"run: sacctmgr add user {subject.user} account={account or 'ACCOUNT'}",
        )
        return
    admitted = (
        partition.accounts is None or account in partition.accounts
    ) and account not in partition.denied_accounts
    yield ACCOUNT.judged(
        admitted,
        f"account {called} {'may' if admitted else 'may not'} use the partition {partition.name}",
        subject=profile.name,
        change=f"slurm.conf: PartitionName={partition.name} AllowAccounts={account}",
    )
    qos = profile.qos or mine[0].default_qos
    granted = any(qos in one.qos or (not profile.qos and not qos) for one in mine)
    if not granted:
        yield QOS.broken(
            f"{subject.user} may not use the qos {qos}",
            subject=profile.name,
            change=f"run: sacctmgr modify user {subject.user} set qos+={qos}, "
            f"or {subject.place('clusters', profile.cluster, 'slurm.qos')}",
        )
        return
    open_to_it = (partition.qos is None or qos in partition.qos) and qos not in partition.denied_qos
    yield QOS.judged(
        open_to_it,
        f"qos {qos or '(none)'} {'may' if open_to_it else 'may not'} use the partition {partition.name}",
        subject=profile.name,
        change=f"slurm.conf: PartitionName={partition.name} AllowQos={qos}",
    )


def _limits(
    subject: Subject, profile: Profile, partition: Partition, answers: Answers
) -> Iterator[Finding]:
    asked = profile.requested_time(subject.settings.limits.upload)
    wanted = timedelta(minutes=-(-asked // timedelta(minutes=1)))
    mine = _mine(profile, answers.associations or ())
    name = profile.qos or (mine[0].default_qos if mine else "")
    qos = (answers.qos or {}).get(name)
    limits: list[tuple[str, timedelta | None, str]] = [
        (
            f"partition {partition.name}",
            partition.longest,
            f"slurm.conf: PartitionName={partition.name} MaxTime=",
        ),
        *([(f"qos {name}", qos.longest, f"sacctmgr modify qos {name} set MaxWall=")] if qos else []),
        *(
            (f"account {one.account}", one.longest, f"sacctmgr modify user {subject.user} set MaxWall=")
            for one in mine
        ),
    ]  # fmt: skip
    minutes = int(wanted.total_seconds()) // 60
    for where, longest, line in limits:
        if longest is not None and longest < wanted:
            yield TIME.broken(
                f"{where} allows {longest}, Slurm will be asked for {wanted}",
                subject=profile.name,
                change=f"{line}{minutes}, or {subject.place('profiles', profile.name, 'time')}",
            )
            break
    else:
        yield TIME.holds(f"Slurm will be asked for {wanted}", subject=profile.name)
    if qos is not None:
        yield DENY.judged(
            "DenyOnLimit" in qos.flags,
            f"qos {name} has the flags {', '.join(sorted(qos.flags)) or '(none)'}",
            subject=profile.name,
            change=f"run: sacctmgr modify qos {name} set flags=DenyOnLimit",
        )


def _resources(subject: Subject, profile: Profile, answers: Answers) -> Finding:
    asked = read_gres(profile.gres or "")
    # `gpu:a100:2` asks for two of the type; any two of the name would not do.
    typed = {name: count for name, count in asked.items() if ":" in name} or asked
    kinds = [kind for kind in answers.nodes or () if kind.partition == profile.partition]
    fits = any(
        kind.cpus >= profile.cpus
        and kind.memory_mib >= profile.memory_mib
        and all(kind.gres.get(name, 0) >= count for name, count in typed.items())
        for kind in kinds
    )
    offers = "; ".join(
        f"{kind.cpus} cores, {kind.memory_mib} MiB"
        + "".join(f", {name}:{count}" for name, count in kind.gres.items() if ":" not in name)
        for kind in kinds
    )
    return RESOURCES.judged(
        fits,
        f"nodes with {offers or 'nothing'}; wanted: {profile.cpus} cores, {profile.memory_mib} MiB"
        + (f", {profile.gres}" if profile.gres else ""),
        subject=profile.name,
        change=f"{subject.place('profiles', profile.name)}: gres, cpus, memory",
    )
