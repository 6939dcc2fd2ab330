"""Slurm's words for why a job waits: which pass by themselves, and which need a person.

The words are all that the libraries of releases 22.05, 24.11 and 26.05 know, besides those of hardware
that is gone; the sentences are slurmctld's own, which squeue prints in place of a word.
"""

PASSING = frozenset(
    {
        "None",
        "Priority",
        "Resources",
        "BeginTime",
        "Dependency",
        "Licenses",
        "Reservation",
        "ReqNodeNotAvail",
        "NodeDown",
        "PartitionDown",
        "PartitionInactive",
        "SchedDefer",
        "Cleaning",
        "Prolog",
        "JobArrayTaskLimit",
        "FedJobLock",
        "AccountingPolicy",
        "AssociationJobLimit",
        "AssociationResourceLimit",
        "AssociationTimeLimit",
        "BurstBufferResources",
        "BurstBufferStageIn",
        "BurstBufferOperation",
        "FrontEndDown",
        "NvidiaImexChannels",
        "PowerNotAvail",
        "PowerReserved",
    }
)
"""What a pending job waits for without anybody's help."""

PASSING_FAMILIES = ("QOS", "Assoc", "Max")
"""How the reasons begin that name a limit; what uses the limit up ends, and they pass."""

HELD_REASONS = frozenset(
    {
        "JobHeldUser",
        "JobHeldAdmin",
        "JobHoldMaxRequeue",
        # Measured: after `scontrol requeuehold` the state is PENDING and the reason one of these.
        "job requeued in held state",
        "job requeued in special exit state",
        "launch failed requeued held",
        "launch failure limit exceeded requeued held",
        "user env retrieval failed requeued held",
        "ReservationDeleted",
    }
)
"""Somebody, or Slurm itself, holds the job until it is released."""

HOPELESS_REASONS = frozenset(
    {
        "BadConstraints",
        "PartitionConfig",
        "PartitionNodeLimit",
        "PartitionTimeLimit",
        "AccountNotAllowed",
        "QOSNotAllowed",
        "InvalidAccount",
        "InvalidQOS",
        "DependencyNeverSatisfied",
        "MaxMemPerLimit",
        "QOSMinCpuNotSatisfied",
    }
)
"""It can only start when somebody changes the job or the cluster."""

LAUNCH_REASONS = frozenset({"Prolog", "JobLaunchFailure"})
"""Reasons with which a job is cancelled that the node could not start.

Measured on 24.11: where the prolog fails, a job with ``--no-requeue`` is cancelled by root with reason
Prolog and exit code 1:0. Cancelled by its user while the prolog runs, it has the same reason and 0:0.
Not for FAILED: there 22.05 gives JobLaunchFailure to every script that a signal ended.
"""

ENDING = frozenset(
    {
        "DeadLine",
        "TimeLimit",
        "InactiveLimit",
        "NonZeroExitCode",
        "RaisedSignal",
        "OutOfMemory",
        "SystemFailure",
        "JobLaunchFailure",
    }
)
"""Reasons of jobs that have ended; a pending one may still show that of an earlier life."""


def needs_a_person(reason: str) -> bool:
    """Tell whether a pending job with this reason waits for a person rather than for a node."""
    return reason in HELD_REASONS or reason in HOPELESS_REASONS
