"""Ask Slurm how it is set up: for checks by an operator, never on the way of a job.

Each question is an argv and a reader of its answer. The fields of Slurm's own that are free text are
never asked for, so that ``|`` separates safely.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

from scheduler.errors import UnexpectedAnswerError

_SETTING = re.compile(r"^(?P<key>\w+)\s*=\s(?P<value>.*?)\s*$", re.MULTILINE)
_PAIR = re.compile(r"(?P<key>\w+)=(?P<value>\S*)")
_TIME = re.compile(r"(?:(\d+)-)?(?:(\d+):)?(\d+):(\d+)", re.ASCII)
_GRES = re.compile(r"(?P<name>\w+)(?::(?P<type>[A-Za-z][\w.-]*))?(?::(?P<count>\d+))?", re.ASCII)
_UNLIMITED = frozenset({"", "UNLIMITED", "NONE", "INFINITE", "(null)", "N/A"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Partition:
    """What one partition admits. ``None`` for accounts and qos means everybody's."""

    name: str
    state: str
    accounts: frozenset[str] | None
    denied_accounts: frozenset[str]
    qos: frozenset[str] | None
    denied_qos: frozenset[str]
    longest: timedelta | None
    """``None``: no limit."""
    sharing: str = ""
    """Its OverSubscribe, as ``NO`` or ``FORCE:4``."""
    preemption: str = ""
    """Its PreemptMode."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Association:
    """What one user may ask for with one account."""

    account: str
    partition: str
    """Empty where it is good for all."""
    qos: frozenset[str]
    default_qos: str
    longest: timedelta | None


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountUser:
    """That a user may charge an account."""

    account: str
    user: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Qos:
    """One quality of service."""

    name: str
    flags: frozenset[str]
    longest: timedelta | None


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeKind:
    """Nodes of a partition that are alike."""

    partition: str
    gres: Mapping[str, int]
    """Counts by ``name`` and by ``name:type``."""
    cpus: int
    memory_mib: int


def config_argv() -> list[str]:
    """Return the command that shows slurm.conf and cgroup.conf as the controller has read them."""
    return ["scontrol", "show", "config"]


def accounting_config_argv() -> list[str]:
    """Return the command that shows slurmdbd.conf, after the client's own part of slurm.conf."""
    return ["sacctmgr", "show", "configuration"]


def read_config(stdout: bytes) -> dict[str, str]:
    """Return the settings by name; ``(null)`` becomes empty. Raises ``UnexpectedAnswerError`` for none.

    Of a name that comes twice the last one counts, so that slurmdbd's part wins over the client's.
    """
    found = dict(_SETTING.findall(stdout.decode(errors="replace")))
    if not found:
        raise UnexpectedAnswerError("no settings in the answer")
    return {key: "" if value == "(null)" else value for key, value in found.items()}


def partitions_argv() -> list[str]:
    """Return the command that shows all partitions that this account sees."""
    return ["scontrol", "show", "partition", "--oneliner", "--all"]


def read_partitions(stdout: bytes) -> dict[str, Partition]:
    """Return the partitions by name."""
    found = (dict(_PAIR.findall(line)) for line in stdout.decode(errors="replace").splitlines())
    return {
        pairs["PartitionName"]: Partition(
            name=pairs["PartitionName"],
            state=pairs.get("State", ""),
            accounts=_allowed(pairs.get("AllowAccounts", "ALL")),
            denied_accounts=_names(pairs.get("DenyAccounts", "")),
            qos=_allowed(pairs.get("AllowQos", "ALL")),
            denied_qos=_names(pairs.get("DenyQos", "")),
            longest=read_time(pairs.get("MaxTime", "")),
            sharing=pairs.get("OverSubscribe", ""),
            preemption=pairs.get("PreemptMode", ""),
        )
        for pairs in found
        if "PartitionName" in pairs
    }


def associations_argv(user: str, cluster: str) -> list[str]:
    """Return the command that shows what ``user`` may ask for on ``cluster``."""
    where = ["where", f"user={user}", f"cluster={cluster}"]
    columns = "format=account,partition,defaultqos,maxwall,qos"
    return ["sacctmgr", "-nP", "show", "assoc", *where, columns]


def read_associations(stdout: bytes) -> tuple[Association, ...]:
    """Return the associations."""
    return tuple(
        Association(
            account=account,
            partition=partition,
            default_qos=default,
            longest=read_time(longest),
            qos=_names(qos),
        )
        for account, partition, default, longest, qos in _rows(stdout, 5)
    )


def qos_argv() -> list[str]:
    """Return the command that shows every quality of service."""
    return ["sacctmgr", "-nP", "show", "qos", "format=name,flags,maxwall"]


def read_qos(stdout: bytes) -> dict[str, Qos]:
    """Return them by name."""
    return {
        name: Qos(name=name, flags=_names(flags), longest=read_time(longest))
        for name, flags, longest in _rows(stdout, 3)
    }


def nodes_argv() -> list[str]:
    """Return the command that shows what kinds of nodes each partition has."""
    return ["sinfo", "--noheader", "--all", "--exact", "--format=%R|%c|%m|%G"]


def read_nodes(stdout: bytes) -> tuple[NodeKind, ...]:
    """Return the kinds of nodes."""
    return tuple(
        NodeKind(
            partition=partition,
            cpus=int(cpus.rstrip("+")),
            memory_mib=int(memory.rstrip("+")),
            gres=read_gres(gres),
        )
        for partition, cpus, memory, gres in _rows(stdout, 4)
    )


def places_argv() -> list[str]:
    """Return the command that shows every node with each partition that it is in."""
    return ["sinfo", "--noheader", "--all", "--Node", "--format=%N|%R"]


def read_places(stdout: bytes) -> dict[str, frozenset[str]]:
    """Return the names of the nodes of each partition."""
    found: dict[str, set[str]] = {}
    for node, partition in _rows(stdout, 2):
        found.setdefault(partition, set()).add(node)
    return {partition: frozenset(nodes) for partition, nodes in found.items()}


def users_argv(cluster: str) -> list[str]:
    """Return the command that shows who may charge which account on ``cluster``."""
    where = ["where", f"cluster={cluster}"]
    return ["sacctmgr", "-nP", "show", "assoc", *where, "format=account,user"]


def read_users(stdout: bytes) -> tuple[AccountUser, ...]:
    """Return them; rows of accounts themselves have no user."""
    rows = _rows(stdout, 2)
    return tuple(AccountUser(account=account, user=user) for account, user in rows if user)


def read_gres(text: str) -> dict[str, int]:
    """Return the counts in ``gpu:a100:2(S:0-1),gpu:1``, by name and by name and type."""
    counts: dict[str, int] = {}
    if text in _UNLIMITED:
        return counts
    for part in re.sub(r"\([^)]*\)", "", text).split(","):
        if match := _GRES.fullmatch(part):
            number = int(match["count"] or 1)
            names = [match["name"]]
            if match["type"]:
                names.append(f"{match['name']}:{match['type']}")
            for name in names:
                counts[name] = counts.get(name, 0) + number
    return counts


def read_time(text: str) -> timedelta | None:
    """Return a time such as ``1-00:00:00``; ``None`` where there is no limit."""
    if text in _UNLIMITED:
        return None
    match = _TIME.fullmatch(text)
    if match is None:
        raise UnexpectedAnswerError(f"not a time: {text[:40]!r}")
    days, hours, minutes, seconds = (int(part or 0) for part in match.groups())
    return timedelta(days=days, hours=hours, minutes=minutes, seconds=seconds)


def _allowed(text: str) -> frozenset[str] | None:
    return None if text == "ALL" else _names(text)


def _names(text: str) -> frozenset[str]:
    return frozenset(name for name in text.split(",") if name not in _UNLIMITED)


def _rows(stdout: bytes, columns: int) -> list[list[str]]:
    rows = [line.split("|") for line in stdout.decode(errors="replace").splitlines() if line]
    if any(len(row) != columns for row in rows):
        raise UnexpectedAnswerError("a line with another number of columns than was asked for")
    return rows
