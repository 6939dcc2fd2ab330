"""The only place that writes isolation flags: how a sealed container is started.

``env -i`` comes first, because Apptainer reads every one of its options from the environment, too
(``APPTAINER_BIND`` would open a hole) and passes proxies on. The variables of the run travel as
``APPTAINERENV_*``: ``--env`` splits at commas, and ``--env-file`` is run through a shell.
"""

import re
from pathlib import PurePosixPath

from containers.interface import Bind, SealedRun

PROBE_PROGRAM = "/probe"
"""What is started in the probe image."""

SCRATCH_NAMES = ("work", "temporary", "cache", "settings", "hidden", "sys")
"""The directories that the script makes in its scratch directory before it starts anything."""

HIDDEN = ("BIND", "CONTAINER", "NAME")
"""What Apptainer would tell the container of the host in ``APPTAINER_*`` and ``SINGULARITY_*``: paths."""

COUNTERS = (
    *(
        f"/proc/{name}"
        for name in (
            *("stat", "meminfo", "loadavg", "uptime", "vmstat", "diskstats", "interrupts"),
            *(
                "softirqs",
                "schedstat",
                "buddyinfo",
                "zoneinfo",
                "pagetypeinfo",
                "slabinfo",
                "locks",
            ),
            *("key-users", "keys", "timer_list", "sched_debug", "modules", "cgroups", "swaps"),
            *("mdstat", "latency_stats", "pressure", "fs", "spl"),
        )
    ),
    *(
        f"/proc/sys/{name}"
        for name in (
            *("fs/file-nr", "fs/inode-nr", "fs/inode-state", "fs/dentry-state", "fs/aio-nr"),
            *("fs/quota", "fs/xfs", "kernel/pty/nr", "kernel/random/entropy_avail"),
        )
    ),
)
"""What the kernel counts for the whole node; the script hides what of it the node has."""

BRANDS = ("APPTAINER", "SINGULARITY")
"""Both of Apptainer's names: it sets the variables of both."""

LANGUAGE = """\
# Apptainer reads this inside, after all that the image sets and before what the run sets.
export LANG="${LANG:-C.UTF-8}"
# Without Apptainer's own files in the image, nothing else would read what the run sets.
test -f /.singularity.d/env/99-base.sh || source /.inject-apptainer-env.sh
"""
"""The default of ``LANG``: a variable of the run would stand above the image's, and Apptainer alone says ``C``."""

LANGUAGE_FILE = "language.sh"
"""What the script calls it in its scratch directory."""

_LANGUAGE_TARGET = "/.singularity.d/env/97-sealrun-language.sh"
"""Apptainer reads the files there by name: the image's variables up to 95, the run's with 99."""

_SYS = "/sys"
"""Of the node only where a GPU's driver looks there; else the script puts the processors there only."""

_PATH = "/usr/bin:/bin:/usr/sbin:/sbin"
_TARGET = re.compile(r"/[A-Za-z0-9_][A-Za-z0-9._-]*(/[A-Za-z0-9_][A-Za-z0-9._-]*)*")
_VARIABLE = re.compile(r"[A-Z][A-Z0-9_]*")
_RESERVED = re.compile(r"PATH|HOME|LD_.*|APPTAINER.*|SINGULARITY.*|SLURM.*")
_CONTROL = re.compile(r"[\0-\x08\x0b-\x1f\x7f]")
_UNSAFE_IN_PATHS = frozenset(":,\\\x7f") | {chr(code) for code in range(32)}


def clean_environment(scratch: PurePosixPath) -> tuple[str, ...]:
    """Give the start of every command that runs Apptainer: nothing of the caller's environment.

    Temporary files, cache and settings are in the scratch directory, so that nothing that lies in
    the account's home has a say.
    """
    return (
        "/usr/bin/env",
        "-i",
        f"PATH={_PATH}",
        "LC_ALL=C",
        f"APPTAINER_TMPDIR={plain_path(scratch / 'temporary')}",
        f"APPTAINER_CACHEDIR={scratch / 'cache'}",
        f"APPTAINER_CONFIGDIR={scratch / 'settings'}",
    )


def payload_argv(run: SealedRun, *, scratch: PurePosixPath) -> tuple[str, ...]:
    """Give the command that runs the image of ``run``. Raises ValueError for what is unsafe to pass."""
    if not run.argv or not run.argv[0]:
        raise ValueError("a sealed run needs a program to start")
    return (*_sealed(run, scratch=scratch), str(plain_path(run.image)), *map(_text, run.argv))


def probe_argv(run: SealedRun, *, scratch: PurePosixPath) -> tuple[str, ...]:
    """Give the command that runs the site's probe with the very same flags.

    The script adds what only the node knows: ``host:`` and the name of each of its own namespaces, and
    ``hidden:`` and each file of counters that it has hidden.
    """
    image = str(plain_path(run.probe_image))
    claims = (f"{'rw' if bind.writable else 'ro'}:{bind.target}" for bind in run.binds)
    hidden = () if run.gpu else (f"hidden:{_SYS}",)
    return (*_sealed(run, scratch=scratch), image, PROBE_PROGRAM, *claims, *hidden)


def plain_path(path: PurePosixPath) -> PurePosixPath:
    """Give the path back if Apptainer takes it literally; raise ValueError otherwise.

    Colons and commas separate in binds, a backslash escapes, and ``name:`` would name a transport.
    """
    if not path.is_absolute() or ".." in path.parts or str(path).startswith("//"):
        raise ValueError(f"not an absolute path without '..': {str(path)!r}")
    if _UNSAFE_IN_PATHS & set(str(path)):
        raise ValueError(f"a path with a character that Apptainer reads specially: {str(path)!r}")
    return path


def _sealed(run: SealedRun, *, scratch: PurePosixPath) -> tuple[str, ...]:
    return (
        *clean_environment(scratch),
        *(f"APPTAINERENV_{brand}_{name}=" for brand in BRANDS for name in HIDDEN),
        *(f"APPTAINERENV_{name}={_value(name, run)}" for name in sorted(run.environment)),
        str(plain_path(run.node.apptainer)),
        "--silent",
        "--nocolor",
        "exec",
        "--containall",
        "--no-home",
        "--home",
        "/tmp",  # noqa: S108 - the container's own
        "--no-eval",
        "--no-privs",
        "--drop-caps",
        "all",
        "--net",
        "--network",
        "none",
        *(("--nv",) if run.gpu else ()),
        "--no-mount",
        "hostfs,bind-paths,cwd" + ("" if run.gpu else ",sys"),
        *(() if run.gpu else ("--bind", f"{scratch / 'sys'}:{_SYS}:ro")),
        "--bind",
        f"{scratch / LANGUAGE_FILE}:{_LANGUAGE_TARGET}:ro",
        "--workdir",
        str(scratch / "work"),
        "--security",
        f"seccomp:{scratch / 'seccomp.json'}",
        *(part for bind in run.binds for part in ("--bind", _bind(bind))),
        "--pwd",
        _working_directory(run),
    )


def _bind(bind: Bind) -> str:
    if not _TARGET.fullmatch(str(bind.target)):
        raise ValueError(f"not a plain path inside the container: {str(bind.target)!r}")
    return f"{plain_path(bind.source)}:{bind.target}:{'rw' if bind.writable else 'ro'}"


def _working_directory(run: SealedRun) -> str:
    return next((str(bind.target) for bind in run.binds if bind.writable), "/")


def _value(name: str, run: SealedRun) -> str:
    if not _VARIABLE.fullmatch(name) or _RESERVED.fullmatch(name):
        raise ValueError(f"not a variable that a run may set: {name!r}")
    return _text(run.environment[name])


def _text(value: str) -> str:
    # A zero byte ends an argument, and sbatch refuses a script with carriage returns.
    if _CONTROL.search(value):
        raise ValueError(f"a value with a control character: {value!r}")
    return value
