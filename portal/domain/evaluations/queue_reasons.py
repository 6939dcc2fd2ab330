"""Why a job waits, in words: Slurm's reason codes as somebody who waits would ask for them."""

from collections.abc import Mapping

_OUR_SHARE = "The challenge's share of the cluster is in use."
_STAFF = "Slurm cannot place it as it is; the staff of the site have to look."
_HELD = "The cluster holds it back; its staff have to let it go on."
_STORAGE = "The cluster prepares storage for it."
_POWER = "The cluster saves power; a node is switched on later."

REASONS: Mapping[str, str] = {
    "Priority": "Other jobs come first.",
    "Resources": "No node is free yet; this job is next in line.",
    "BeginTime": "Slurm starts it at a set time.",
    "Dependency": "It waits for another job of this submission.",
    "JobHeldAdmin": "The staff of the cluster hold it back.",
    "JobHeldUser": "It is held back; the staff of the site have to let it go on.",
    "JobHoldMaxRequeue": _HELD,
    "ReservationDeleted": _HELD,
    "job requeued in held state": _HELD,
    "job requeued in special exit state": _HELD,
    "launch failed requeued held": _HELD,
    "launch failure limit exceeded requeued held": _HELD,
    "user env retrieval failed requeued held": _HELD,
    "Licenses": "A licence that it needs is in use.",
    "NodeDown": "A node that it needs is down.",
    "PartitionDown": "The partition is down.",
    "PartitionInactive": "The partition takes no jobs at the moment.",
    "ReqNodeNotAvail": "The nodes that it needs are reserved or down.",
    "FrontEndDown": "The nodes that it needs are reserved or down.",
    "NvidiaImexChannels": "No node is free yet.",
    "Reservation": "It waits for its reservation.",
    "SchedDefer": "Slurm has not looked at it yet.",
    "None": "Slurm has not looked at it yet.",
    "Cleaning": "What an earlier run left on its node is being tidied up.",
    "Prolog": "Its node is being prepared.",
    "JobArrayTaskLimit": "Other jobs of the same array come first.",
    "FedJobLock": "The clusters of the federation settle which of them runs it.",
    "AccountingPolicy": _OUR_SHARE,
    "BurstBufferResources": _STORAGE,
    "BurstBufferStageIn": _STORAGE,
    "BurstBufferOperation": _STORAGE,
    "PowerNotAvail": _POWER,
    "PowerReserved": _POWER,
    "PartitionConfig": _STAFF,
    "PartitionNodeLimit": _STAFF,
    "PartitionTimeLimit": _STAFF,
    "AccountNotAllowed": _STAFF,
    "QOSNotAllowed": _STAFF,
    "QOSMinCpuNotSatisfied": _STAFF,
    "InvalidAccount": _STAFF,
    "InvalidQOS": _STAFF,
    "DependencyNeverSatisfied": _STAFF,
    "MaxMemPerLimit": _STAFF,
}

_FAMILIES: Mapping[str, str] = {
    "QOS": _OUR_SHARE,
    "Assoc": _OUR_SHARE,
    "Max": _OUR_SHARE,
    "Bad": _STAFF,
}


def in_words(raw: str) -> str:
    """Return a sentence for Slurm's reason, or nothing where there is none.

    Only the code is used: what may follow it names nodes.
    """
    code = raw.strip().strip("()").partition(",")[0].strip()
    if not code:
        return ""
    if code in REASONS:
        return REASONS[code]
    for family, message in _FAMILIES.items():
        if code.startswith(family):
            return message
    return "Slurm gave a reason that this portal has no words for."
