"""Why a job waits, in words: Slurm's reason codes as somebody who waits would ask for them."""

from collections.abc import Mapping

REASONS: Mapping[str, str] = {
    "Priority": "Other jobs come first.",
    "Resources": "No node is free yet; this job is next in line.",
    "BeginTime": "Slurm starts it at a set time.",
    "Dependency": "It waits for another job of this submission.",
    "JobHeldAdmin": "The staff of the cluster hold it back.",
    "JobHeldUser": "The portal holds it back.",
    "Licenses": "A licence that it needs is in use.",
    "NodeDown": "A node that it needs is down.",
    "PartitionDown": "The partition is down.",
    "PartitionInactive": "The partition takes no jobs at the moment.",
    "ReqNodeNotAvail": "The nodes that it needs are reserved or down.",
    "Reservation": "It waits for its reservation.",
    "None": "Slurm has not looked at it yet.",
}

_FAMILIES: Mapping[str, str] = {
    "QOS": "The challenge's share of the cluster is in use.",
    "Assoc": "The challenge's share of the cluster is in use.",
    "Max": "The challenge's share of the cluster is in use.",
    "Bad": "Slurm cannot place it as it is; the staff of the site have to look.",
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
    for family, sentence in _FAMILIES.items():
        if code.startswith(family):
            return sentence
    return "Slurm gave a reason that this portal has no words for."
