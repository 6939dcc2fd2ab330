"""Ways to set up a practice site wrongly, each by one change, to see whether `sealrun check-site` finds it.

Every one is decided here and nowhere else: in a file of the configuration, in site.yaml, or in a file of
the site itself.
"""

import copy
import re
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from site_config.practice.errors import PracticeError
from site_config.practice.machine.files import write_file
from site_config.practice.paths import DEFAULT_NAME, SitePaths

_APPTAINER = "usr/bin/apptainer"
_WHOLE_APPTAINER = "usr/local/lib/practice/apptainer-whole"
# As a build without libseccomp does it: the option is taken, and nothing is filtered.
_WITHOUT_SECCOMP = f"""\
#!/bin/bash
words=()
while (($#)); do
    if [[ $1 == --security ]]; then shift; else words+=("$1"); fi
    shift
done
exec /{_WHOLE_APPTAINER} "${{words[@]}}"
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Weakness:
    """One thing that is set up wrongly."""

    name: str
    says: str
    """What is wrong, in a few words."""
    file: str = ""
    """The template in which a text is replaced."""
    pattern: str = ""
    """A regular expression for that text, in the file as it would be."""
    replacement: str = ""
    setting: tuple[str, ...] = ()
    """The key of site.yaml that gets another value."""
    value: str = ""
    slurmd_wrapper: str = ""
    """The program of ``inside/`` that starts each slurmd."""
    act: Callable[[SitePaths, Path], None] | None = None
    """What is done to the laid-out site, of which the built root is given, before it starts."""


def _open_storage(paths: SitePaths, _root: Path) -> None:
    paths.storage.chmod(0o755)


def _forget_host(paths: SitePaths, _root: Path) -> None:
    (paths.ssh / "known_hosts").write_text("", encoding="ascii")


def _open_secret(paths: SitePaths, _root: Path) -> None:
    (paths.secrets / "oidc-client").chmod(0o644)


def _take_seccomp_out(paths: SitePaths, root: Path) -> None:
    whole = paths.upper / _WHOLE_APPTAINER
    whole.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy2(root / _APPTAINER, whole)
    write_file(paths.upper / _APPTAINER, _WITHOUT_SECCOMP, mode=0o755)


def _removed(name: str, says: str, file: str, key: str) -> Weakness:
    return Weakness(name=name, says=says, file=file, pattern=rf"(?m)^(?:{key})=.*\n")


def _set_to_no(name: str, says: str, key: str) -> Weakness:
    pattern = rf"(?m)^{key}=yes$"
    return Weakness(
        name=name, says=says, file="cgroup.conf", pattern=pattern, replacement=f"{key}=no"
    )


WEAKNESSES = (
    _set_to_no("cores", "a job can use all cores of its node", "ConstrainCores"),
    _set_to_no("devices", "a job can open the GPUs of others", "ConstrainDevices"),
    # Alone it changes nothing for jobs: the limit of memory and swap together still holds.
    _set_to_no("memory", "memory has no limit of its own", "ConstrainRAMSpace"),
    _set_to_no("swap", "a job can take more memory as swap", "ConstrainSwapSpace"),
    Weakness(
        name="memory-and-swap",
        says="a job can take more memory than it asked for",
        file="cgroup.conf",
        pattern=r"(?ms)^ConstrainRAMSpace=yes(.*)^ConstrainSwapSpace=yes$",
        replacement=r"ConstrainRAMSpace=no\1ConstrainSwapSpace=no",
    ),
    Weakness(
        name="proctrack",
        says="a process can leave its job",
        file="slurm.conf",
        pattern=r"(?m)^ProctrackType=.*$",
        replacement="ProctrackType=proctrack/linuxproc",
    ),
    _removed(
        "tmp",
        "jobs share /tmp, /var/tmp and /dev/shm",
        "slurm.conf",
        "JobContainerType|NamespaceType",
    ),
    Weakness(
        name="shm",
        says="jobs share /dev/shm",
        file="job_container.conf",
        pattern=r"(?m)^Dirs=.*$",
        replacement="Dirs=/tmp,/var/tmp",
    ),
    _removed(
        "accounting-enforce",
        "limits of account and qos are not enforced",
        "slurm.conf",
        "AccountingStorageEnforce",
    ),
    _removed("private-data", "squeue shows everybody's jobs", "slurm.conf", "PrivateData"),
    _removed("private-accounting", "sacct shows everybody's jobs", "slurmdbd.conf", "PrivateData"),
    Weakness(
        name="partition-time",
        says="the partition gpu allows less time than its profile",
        file="slurm.conf",
        pattern=r"(?m)^(PartitionName=gpu .*)MaxTime=\S+ DefaultTime=\S+",
        replacement=r"\1MaxTime=1 DefaultTime=1",
    ),
    Weakness(
        name="partition-open",
        says="every account can use the partition gpu",
        file="slurm.conf",
        pattern=r"(?m)^(PartitionName=gpu .*)AllowAccounts=\S+ ",
        replacement=r"\1",
    ),
    Weakness(
        name="qos-missing",
        says="site.yaml names a qos that the portal's account may not use",
        setting=("clusters", "main", "slurm", "qos"),
        value="elsewhere",
    ),
    Weakness(
        name="apptainer-old",
        says="site.yaml asks for a newer Apptainer than the nodes have",
        setting=("clusters", "main", "apptainer", "minimum"),
        value="99.0.0",
    ),
    Weakness(
        name="no-network-namespaces",
        says="jobs can make no network namespaces, as with user.max_net_namespaces=0",
        slurmd_wrapper="no_networks.py",
    ),
    Weakness(
        name="seccomp",
        says="Apptainer filters no system calls, as if built without libseccomp",
        act=_take_seccomp_out,
    ),
    Weakness(name="storage-open", says="everybody can read the storage", act=_open_storage),
    Weakness(
        name="known-hosts-missing", says="the login node's host key is not known", act=_forget_host
    ),
    Weakness(name="secret-open", says="everybody can read a secret", act=_open_secret),
)
NAMES = tuple(weakness.name for weakness in WEAKNESSES)


def weaknesses_named(names: Sequence[str]) -> tuple[Weakness, ...]:
    """Return the weaknesses of these names; raises PracticeError for one that there is not."""
    known = {weakness.name: weakness for weakness in WEAKNESSES}
    for name in names:
        if name not in known:
            raise PracticeError(f"no weakness {name!r}; there are {', '.join(NAMES)}")
    return tuple(known[name] for name in dict.fromkeys(names))


def check_weakening(site: str, names: Sequence[str]) -> None:
    """Raise PracticeError for an unknown weakness, and for any of the site that everybody uses."""
    weaknesses_named(names)
    if names and site == DEFAULT_NAME:
        raise PracticeError(
            f"{site} is the site that demonstrations and tests run on: weaken one of your own, with --name"
        )


def weakened_text(name: str, text: str, weaknesses: Sequence[Weakness]) -> str:
    """Return the text of a configuration file with its weaknesses; raises PracticeError where one has no place."""
    for weakness in weaknesses:
        if weakness.file == name:
            text, count = re.subn(weakness.pattern, weakness.replacement, text)
            if not count:
                raise PracticeError(
                    f"the weakness {weakness.name} has no place in the {name} of this release"
                )
    return text


def weakened_settings(
    settings: Mapping[str, Any], weaknesses: Sequence[Weakness]
) -> dict[str, Any]:
    """Return the settings of site.yaml with the weaknesses."""
    changed = copy.deepcopy(dict(settings))
    for weakness in weaknesses:
        if weakness.setting:
            section = changed
            for key in weakness.setting[:-1]:
                section = section[key]
            section[weakness.setting[-1]] = weakness.value
    return changed


def weakened_plan(
    plan: Mapping[str, Any], library: str, weaknesses: Sequence[Weakness]
) -> dict[str, Any]:
    """Return the plan of the site's init with the weaknesses."""
    changed = copy.deepcopy(dict(plan))
    for weakness in weaknesses:
        for daemon in changed["daemons"]:
            if weakness.slurmd_wrapper and daemon["name"].startswith("slurmd-"):
                daemon["argv"] = [
                    "python3",
                    "-I",
                    f"{library}/{weakness.slurmd_wrapper}",
                    *daemon["argv"],
                ]
    return changed


def weaken_files(paths: SitePaths, root: Path, weaknesses: Sequence[Weakness]) -> None:
    """Do to the laid-out site what is neither configuration nor settings."""
    for weakness in weaknesses:
        if weakness.act is not None:
            weakness.act(paths, root)
