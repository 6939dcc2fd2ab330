"""The isolation probe: the site's own image that looks around before a submission's image runs.

It is a static busybox and ``shell/probe.sh``. The image's own shell starts a container, so a check
inside the participant's image would prove nothing.
"""

import json
import platform
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from containers.archives import ARCHITECTURES, Entry, write_archive
from containers.isolation import PROBE_PROGRAM

REPORT_LIMIT = 64 * 1024
"""Bytes that a report may have."""

_APPLETS = ("sh", "cat", "env", "readlink", "rm", "true", "unshare")
_NO_CAPABILITY = "0" * 16
_DROPPED = ("CapInh", "CapPrm", "CapEff", "CapAmb")
_NAMESPACES = ("net", "pid", "ipc", "mnt")
_MACHINES = {b"\x3e\0": "amd64", b"\xb7\0": "arm64", b"\x15\0": "ppc64le", b"\xf3\0": "riscv64"}
"""The field ``e_machine`` of programs with the lower byte first."""


class ProbeUnreadableError(ValueError):
    """The report is not what the probe writes: count it as a failed probe."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProbedBind:
    """What the probe found at one place that the run binds."""

    target: PurePosixPath
    declared: str
    mounted: str
    """``ro`` if it and all that is mounted below it are read-only, else ``rw``, or ``none``."""
    wrote: bool
    error: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ProbeReport:
    """What the probe saw of the node from inside."""

    interfaces: tuple[str, ...]
    routes: int
    capabilities: Mapping[str, str]
    no_new_privs: int
    seccomp: int
    uid: int
    gid: int
    nested_namespace: bool
    namespaces: Mapping[str, bool]
    """For each kind whether it is another than the node's."""
    binds: tuple[ProbedBind, ...]
    devices: Mapping[str, str] = field(default_factory=dict)
    """GPU devices and what opening them answers: the system's words, or ``opened``."""
    services: tuple[str, ...] = ()
    variables: tuple[str, ...] = ()
    mounts: tuple[str, ...] = ()
    problems: tuple[str, ...] = ()

    @property
    def is_sealed(self) -> bool:
        """Whether the probe found nothing wrong, judged again from the facts that it gives."""
        return (
            not self.problems
            and self.interfaces == ("lo",)
            and self.routes <= 0
            and all(self.capabilities.get(name) == _NO_CAPABILITY for name in _DROPPED)
            and (self.no_new_privs, self.seccomp) == (1, 2)
            and self.uid > 0
            and not self.nested_namespace
            and all(self.namespaces.get(kind) for kind in _NAMESPACES)
            and not self.services
            and all(_as_declared(bind) for bind in self.binds)
        )


def write_probe_archive(busybox: Path, target: Path, *, architecture: str = "") -> None:
    """Write the probe as an image archive, from a statically linked busybox.

    The same busybox gives the same bytes. The architecture is the busybox's unless it is named.
    """
    script = Path(__file__).with_name("shell") / "probe.sh"
    write_archive(
        [
            *(Entry(path=name, directory=True) for name in _DIRECTORIES),
            Entry(path="bin/busybox", content=busybox.read_bytes(), mode=0o755),
            *(Entry(path=f"bin/{name}", link="busybox") for name in _APPLETS),
            Entry(path="etc/passwd"),
            Entry(path="etc/group"),
            Entry(path=PROBE_PROGRAM[1:], content=script.read_bytes(), mode=0o755),
        ],
        target,
        architecture=architecture or _architecture_of(busybox),
    )


def _architecture_of(program: Path) -> str:
    """Return what a program is made for, as image formats spell it; this machine's if it does not say."""
    with program.open("rb") as stream:
        header = stream.read(20)
    machine = _MACHINES.get(header[18:20]) if header.startswith(b"\x7fELF") else None
    return machine or ARCHITECTURES.get(platform.machine(), platform.machine())


_DIRECTORIES = ("bin", "dev", "etc", "proc", "sys", "tmp", "var", "var/tmp")


def parse_probe(text: str) -> ProbeReport:
    """Read what the probe wrote. Raises ProbeUnreadableError for anything else."""
    if len(text) > REPORT_LIMIT:
        raise ProbeUnreadableError("the report is too long")
    try:
        document = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ProbeUnreadableError("the report is not JSON") from error
    return _report(_Object(document))


def _report(document: "_Object") -> ProbeReport:
    if document.number("probe") != 1:
        raise ProbeUnreadableError("a report of another kind of probe")
    namespaces = document.member("namespaces")
    devices = document.member("devices")
    capabilities = document.member("capabilities")
    return ProbeReport(
        interfaces=document.texts("interfaces"),
        routes=document.number("routes"),
        capabilities={name: capabilities.text(name) for name in capabilities.names()},
        no_new_privs=document.number("no_new_privs"),
        seccomp=document.number("seccomp"),
        uid=document.number("uid"),
        gid=document.number("gid"),
        nested_namespace=document.flag("nested_namespace"),
        namespaces={kind: _apart(namespaces.member(kind)) for kind in namespaces.names()},
        binds=tuple(map(_bind, document.members("binds"))),
        devices={name: devices.text(name) for name in devices.names()},
        services=document.texts("services"),
        variables=document.texts("variables"),
        mounts=document.texts("mounts"),
        problems=document.texts("problems"),
    )


def _apart(namespace: "_Object") -> bool:
    return "" != namespace.text("own") != namespace.text("node") != ""


def _bind(bind: "_Object") -> ProbedBind:
    return ProbedBind(
        target=PurePosixPath(bind.text("target")),
        declared=bind.text("declared"),
        mounted=bind.text("mounted"),
        wrote=bind.flag("wrote"),
        error=bind.text("error"),
    )


def _as_declared(bind: ProbedBind) -> bool:
    expected = {"ro": ("ro", False), "rw": ("rw", True)}.get(bind.declared)
    return (bind.mounted, bind.wrote) == expected


class _Object:
    """A JSON object whose members must have the type that is asked for."""

    def __init__(self, value: object) -> None:
        if not isinstance(value, dict):
            raise ProbeUnreadableError("not an object")
        self._members: dict[str, object] = value

    def names(self) -> tuple[str, ...]:
        return tuple(self._members)

    def number(self, name: str) -> int:
        value = self._members.get(name)
        if not isinstance(value, int) or isinstance(value, bool):
            raise ProbeUnreadableError(f"{name} is not a whole number")
        return value

    def flag(self, name: str) -> bool:
        value = self._members.get(name)
        if not isinstance(value, bool):
            raise ProbeUnreadableError(f"{name} is not true or false")
        return value

    def text(self, name: str) -> str:
        return _text(self._members.get(name))

    def texts(self, name: str) -> tuple[str, ...]:
        return tuple(map(_text, self._list(name)))

    def member(self, name: str) -> "_Object":
        return _Object(self._members.get(name))

    def members(self, name: str) -> tuple["_Object", ...]:
        return tuple(map(_Object, self._list(name)))

    def _list(self, name: str) -> list[object]:
        value = self._members.get(name)
        if not isinstance(value, list):
            raise ProbeUnreadableError(f"{name} is not a list")
        return value


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise ProbeUnreadableError("not a text")
    return value
