"""Fill in the site's configuration: the templates, its users, and what init needs.

Everything goes into the overlay's upper folder before the site starts, so a start always begins with
the same files, whatever happened to them during the last run.
"""

import os
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from string import Template

from site_config.practice.credentials import ACCOUNT_KEY, HOST_KEY, OPERATOR_KEY
from site_config.practice.daemons import LIBRARY, QOS, REST_USER, SLURM_ACCOUNT, Nodes, plan
from site_config.practice.errors import PracticeError
from site_config.practice.machine.accounts import ACCOUNT_NAME, Account
from site_config.practice.machine.cgroups import V1, cgroup_plugin
from site_config.practice.machine.files import make_directory, write_file, write_json
from site_config.practice.machine.networks import Cable
from site_config.practice.paths import SitePaths
from site_config.practice.root.releases import Release
from site_config.practice.weaknesses import Weakness, weakened_plan, weakened_text

REST_UID = 990
CONTROL_HOST = "ctl"
JOBS_PER_CORE = 8

_WITHOUT_SYSTEMD = """\
# No systemd in here to ask for a cgroup, nor to hand the controllers down.
IgnoreSystemd=yes"""
_CONTROLLERS = "\nEnableControllers=yes"

_TEMPLATES = Path(__file__).with_name("templates")
_INSIDE = Path(__file__).with_name("inside")
_TARGETS = {
    "slurm.conf": "etc/slurm/slurm.conf",
    "cgroup.conf": "etc/slurm/cgroup.conf",
    "gres.conf": "etc/slurm/gres.conf",
    "job_container.conf": "etc/slurm/job_container.conf",
    "slurmdbd.conf": "etc/slurm/slurmdbd.conf",
    "mariadb.cnf": "etc/mysql/conf.d/slurm.cnf",
    "sshd_config": "etc/ssh/sshd_config",
    "apptainer.conf": "etc/apptainer/apptainer.conf",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Owners:
    """User and group ids of the daemons in the built root."""

    slurm: Account
    mysql: Account
    munge: Account | None
    """Absent in a root without munged."""

    @classmethod
    def of(cls, root: Path) -> "Owners":
        """Read them from the built root; raises PracticeError when it lacks one."""
        lines = (line.split(":") for line in _lines(root / "etc/passwd"))
        users = {line[0]: Account(uid=int(line[2]), gid=int(line[3])) for line in lines}
        try:
            return cls(slurm=users["slurm"], mysql=users["mysql"], munge=users.get("munge"))
        except KeyError as error:
            raise PracticeError(f"the built root {root} has no user {error}") from None


def nodes_of(cluster: str) -> Nodes:
    """Return the nodes that this machine can play: all its cores, and memory that may be more than it has."""
    return Nodes(cluster=cluster, cpus=len(os.sched_getaffinity(0)), memory_mib=6000)


def render(name: str, values: dict[str, str]) -> str:
    """Fill in the template *name*; raises KeyError for a value that is missing."""
    text = (_TEMPLATES / name).read_text(encoding="utf-8")
    return Template(text).substitute(values)


def template_values(nodes: Nodes, cable: Cable, plugin: str, release: Release) -> dict[str, str]:
    """Return all values that the templates name."""
    return {
        "cluster": nodes.cluster,
        "control_host": CONTROL_HOST,
        "control_address": "127.0.0.1",
        "gpu_node": nodes.gpu,
        "build_node": nodes.build,
        "gpus": str(nodes.gpus),
        "last_gpu": str(nodes.gpus - 1),
        "cpus": str(nodes.cpus),
        "memory_mib": str(nodes.memory_mib),
        "account": SLURM_ACCOUNT,
        "qos": QOS,
        "jobs_per_core": str(JOBS_PER_CORE),
        "cgroup_plugin": plugin,
        "cgroup_extra": _cgroup_extra(plugin, release),
        "address": cable.inside_address,
        "account_user": ACCOUNT_NAME,
        "auth_type": release.auth_type,
        "cred_type": release.cred_type,
        "database_socket": release.database_socket,
        "private_folders": release.private_folders,
        "private_folders_list": "Dirs=/tmp,/var/tmp,/dev/shm"
        if release.chooses_private_folders
        else "",
        "spared": f"PerSourcePenaltyExemptList {cable.outside_address},{cable.inside_address}"
        if release.spares_addresses
        else "",
    }


def _cgroup_extra(plugin: str, release: Release) -> str:
    if plugin == V1:
        return ""
    return _WITHOUT_SYSTEMD + (_CONTROLLERS if release.hands_down_controllers else "")


def write_configuration(
    paths: SitePaths,
    root: Path,
    owners: Owners,
    account: Account,
    cable: Cable,
    release: Release,
    weaknesses: Sequence[Weakness] = (),
) -> None:
    """Write all files of the site that differ from the built root's into the upper folder."""
    upper, nodes = paths.upper, nodes_of(paths.name)
    values = template_values(nodes, cable, cgroup_plugin(), release)
    for name, target in _TARGETS.items():
        write_file(upper / target, weakened_text(name, render(name, values), weaknesses))
    os.chmod(upper / _TARGETS["slurmdbd.conf"], 0o600)  # noqa: PTH101
    _give(upper / _TARGETS["slurmdbd.conf"], owners.slurm)
    _write_keys(paths, owners, release)
    _write_users(upper, root, account)
    _write_names(upper, nodes)
    init_plan = weakened_plan(plan(nodes, cable.inside_address, release), LIBRARY, weaknesses)
    _write_init(upper, init_plan)
    make_directory(upper / "home" / ACCOUNT_NAME, mode=0o700, uid=account.uid, gid=account.gid)
    make_directory(upper / "var/spool/slurmd")


def _give(path: Path, owner: Account) -> None:
    os.chown(path, owner.uid, owner.gid, follow_symlinks=False)


def _write_keys(paths: SitePaths, owners: Owners, release: Release) -> None:
    keys, etc = paths.state / "keys", paths.upper / "etc"
    for name, target, owner in (
        ("slurm.key", *_place_of_credential_key(etc, owners, release)),
        ("jwt_hs256.key", etc / "slurm/jwt_hs256.key", owners.slurm),
    ):
        text = (keys / name).read_text(encoding="ascii")
        write_file(target, text, mode=0o600, uid=owner.uid, gid=owner.gid)
    write_file(
        etc / "ssh/keys" / HOST_KEY, (keys / HOST_KEY).read_text(encoding="ascii"), mode=0o600
    )
    for user, key in ((ACCOUNT_NAME, ACCOUNT_KEY), ("root", OPERATOR_KEY)):
        write_file(
            etc / "ssh/authorized_keys" / user,
            (paths.ssh / f"{key}.pub").read_text(encoding="ascii"),
        )


def _place_of_credential_key(etc: Path, owners: Owners, release: Release) -> tuple[Path, Account]:
    if not release.has_munge:
        return etc / "slurm/slurm.key", owners.slurm
    if owners.munge is None:
        raise PracticeError("the built root lacks the user munge")
    return etc / "munge/munge.key", owners.munge


def _write_users(upper: Path, root: Path, account: Account) -> None:
    # `*` as password: without PAM, sshd takes `!` for a locked account and turns its key away.
    added = {
        "etc/passwd": [
            f"{ACCOUNT_NAME}:x:{account.uid}:{account.gid}:portal:/home/{ACCOUNT_NAME}:/bin/bash",
            f"{REST_USER}:x:{REST_UID}:{REST_UID}::/nonexistent:/usr/sbin/nologin",
        ],
        "etc/group": [f"{ACCOUNT_NAME}:x:{account.gid}:", f"{REST_USER}:x:{REST_UID}:"],
        "etc/shadow": [f"{ACCOUNT_NAME}:*:20000:0:99999:7:::", f"{REST_USER}:!:20000::::::"],
        "etc/subuid": [f"{ACCOUNT_NAME}:100000:65536"],
        "etc/subgid": [f"{ACCOUNT_NAME}:100000:65536"],
    }
    for name, lines in added.items():
        mode = 0o640 if name == "etc/shadow" else 0o644
        write_file(upper / name, "\n".join([*_lines(root / name), *lines, ""]), mode=mode)


def _write_names(upper: Path, nodes: Nodes) -> None:
    hosts = (
        f"127.0.0.1 localhost {CONTROL_HOST}\n127.0.0.11 {nodes.gpu}\n127.0.0.12 {nodes.build}\n"
    )
    write_file(upper / "etc/hosts", hosts)
    write_file(upper / "etc/hostname", f"{CONTROL_HOST}\n")
    # No resolver is reachable: names are looked up in the file above, and fail at once otherwise.
    write_file(upper / "etc/resolv.conf", "")


def _write_init(upper: Path, init_plan: dict[str, object]) -> None:
    write_json(upper / "etc/practice/plan.json", init_plan)
    library = upper / LIBRARY.lstrip("/")
    library.mkdir(parents=True)
    for name in ("init.py", "own_mounts.py", "no_networks.py"):
        shutil.copyfile(_INSIDE / name, library / name)
    _write_program(upper / "usr/local/sbin/practice-daemon", "control.py")
    _write_program(library / "health", "health.py")


def _write_program(path: Path, name: str) -> None:
    write_file(path, f"#!/usr/bin/python3\n{(_INSIDE / name).read_text('utf-8')}", mode=0o755)


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        return []
