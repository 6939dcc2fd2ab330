"""What each setting of slurm.conf, cgroup.conf and slurmdbd.conf has to be, and why."""

import re
from collections.abc import Callable
from dataclasses import dataclass

from portal.domain.site.findings import Level, Rule

_SECONDS = re.compile(r"(\d+) sec")
_MAX_KILL_WAIT_SECONDS = 60


@dataclass(frozen=True, slots=True)
class Setting:
    """A rule about one setting: which, and what it must be."""

    rule: Rule
    key: str
    """As ``scontrol show config`` calls it; of several the first that is there counts."""
    fits: Callable[[str], bool]
    of_accounting: bool = False
    """Whether slurmdbd is asked for it."""


def _holds_all(*words: str) -> Callable[[str], bool]:
    return lambda value: set(words) <= set(value.lower().split(","))


def _is(*values: str) -> Callable[[str], bool]:
    return lambda value: value.lower() in values


def _at_most(seconds: int) -> Callable[[str], bool]:
    def fits(value: str) -> bool:
        match = _SECONDS.match(value)
        return match is not None and int(match[1]) <= seconds

    return fits


def _rule(name: str, level: Level, title: str, meaning: str, change: str) -> Rule:
    return Rule(id=f"slurm.{name}", title=title, level=level, meaning=meaning, change=change)


SETTINGS = (
    Setting(
        _rule(
            "processes",
            Level.FAILURE,
            "All processes of a job are found by their cgroup",
            "A process that goes into the background outlives its job, beside the next one.",
            "slurm.conf: ProctrackType=proctrack/cgroup",
        ),
        "ProctrackType",
        _is("proctrack/cgroup"),
    ),
    Setting(
        _rule(
            "tasks",
            Level.FAILURE,
            "Cores, memory and devices are enforced by cgroups",
            "Limits are counted and not enforced: cgroup.conf is not used.",
            "slurm.conf: TaskPlugin=task/cgroup,task/affinity",
        ),
        "TaskPlugin",
        _holds_all("task/cgroup"),
    ),
    Setting(
        _rule(
            "contain",
            Level.FAILURE,
            "A job's cgroup and private folders exist before it starts",
            "Private folders are not made, and processes can start outside the job's cgroup.",
            "slurm.conf: PrologFlags=Contain",
        ),
        "PrologFlags",
        _holds_all("contain"),
    ),
    Setting(
        _rule(
            "private_folders",
            Level.FAILURE,
            "Each job has temporary folders of its own",
            "What a submission leaves in /tmp is read by the next one.",
            "slurm.conf: JobContainerType=job_container/tmpfs (from 25.11 on NamespaceType="
            "namespace/tmpfs), with job_container.conf (namespace.yaml)",
        ),
        "JobContainerType NamespaceType",
        _is("job_container/tmpfs", "namespace/tmpfs", "namespace/linux"),
    ),
    Setting(
        _rule(
            "cores",
            Level.FAILURE,
            "A job has only the cores that it was given",
            "A submission slows down the jobs beside it.",
            "cgroup.conf: ConstrainCores=yes",
        ),
        "ConstrainCores",
        _is("yes"),
    ),
    Setting(
        _rule(
            "memory",
            Level.FAILURE,
            "A job has only the memory that it asked for",
            "A submission can take the whole node's memory, and the kernel ends other jobs.",
            "cgroup.conf: ConstrainRAMSpace=yes",
        ),
        "ConstrainRAMSpace",
        _is("yes"),
    ),
    Setting(
        _rule(
            "swap",
            Level.WARNING,
            "A job cannot take more memory as swap",
            "On nodes with swap a job gets past its memory limit, slowly, and slows down the node.",
            "cgroup.conf: ConstrainSwapSpace=yes",
        ),
        "ConstrainSwapSpace",
        _is("yes"),
    ),
    Setting(
        _rule(
            "devices",
            Level.FAILURE,
            "A job opens only the GPUs that it was given",
            "Two jobs on one node can use each other's GPUs and read their memory.",
            "cgroup.conf: ConstrainDevices=yes",
        ),
        "ConstrainDevices",
        _is("yes"),
    ),
    Setting(
        _rule(
            "memory_counted",
            Level.WARNING,
            "Memory is handed out like cores",
            "More jobs are put on a node than it has memory for.",
            "slurm.conf: SelectTypeParameters=CR_Core_Memory",
        ),
        "SelectTypeParameters",
        lambda value: "memory" in value.lower(),
    ),
    Setting(
        _rule(
            "accounting",
            Level.FAILURE,
            "Slurm keeps accounts of jobs in slurmdbd",
            "What became of a job that has left the queue cannot be known.",
            "slurm.conf: AccountingStorageType=accounting_storage/slurmdbd",
        ),
        "AccountingStorageType",
        _is("accounting_storage/slurmdbd"),
    ),
    Setting(
        _rule(
            "enforce",
            Level.FAILURE,
            "Limits of accounts and qos are enforced",
            "The portal's account can take the whole cluster, and others can use its qos.",
            "slurm.conf: AccountingStorageEnforce=associations,limits,qos",
        ),
        "AccountingStorageEnforce",
        _holds_all("associations", "limits", "qos"),
    ),
    Setting(
        _rule(
            "private_data",
            Level.WARNING,
            "Users do not see each other's jobs in the queue",
            "Everybody with an account sees when which job of the portal runs.",
            "slurm.conf: PrivateData=jobs,usage,users",
        ),
        "PrivateData",
        _holds_all("jobs", "usage", "users"),
    ),
    Setting(
        _rule(
            "private_accounting",
            Level.WARNING,
            "Users do not see each other's jobs in accounting",
            "sacct obeys slurmdbd.conf alone: it shows everybody all names and times of jobs.",
            "slurmdbd.conf: PrivateData=jobs,usage,users",
        ),
        "PrivateData",
        _holds_all("jobs", "usage", "users"),
        of_accounting=True,
    ),
    Setting(
        _rule(
            "shell_limits",
            Level.WARNING,
            "Limits of the login node's shell do not follow a job",
            "A limit there, such as of open files or of core files, holds in jobs as well.",
            "slurm.conf: PropagateResourceLimits=NONE",
        ),
        "PropagateResourceLimits",
        _is("none"),
    ),
    Setting(
        _rule(
            "kill_wait",
            Level.WARNING,
            f"From SIGTERM to SIGKILL is at most {_MAX_KILL_WAIT_SECONDS} s",
            "A job that ignores SIGTERM keeps its GPU for that long after its end.",
            "slurm.conf: KillWait=5",
        ),
        "KillWait",
        _at_most(_MAX_KILL_WAIT_SECONDS),
    ),
    Setting(
        _rule(
            "job_comment",
            Level.WARNING,
            "Comments of jobs are kept in accounting",
            "A job whose submission was lost is harder to find for staff.",
            "slurm.conf: AccountingStoreFlags=job_comment",
        ),
        "AccountingStoreFlags",
        _holds_all("job_comment"),
    ),
)
