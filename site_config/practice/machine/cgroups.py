"""The site and this machine's cgroups: which kind there is, room for the site, and sweeping up after it.

With cgroup v1, slurmd makes a folder per node in each hierarchy, and needs nothing for it. With v2 it takes
over the branch in which process 1 is, and refuses one that holds processes it cannot see; so there the
site gets a branch of its own, and a cgroup namespace in which that branch is the whole tree.
"""

import os
from pathlib import Path

from site_config.practice.errors import PracticeError

CGROUPS = Path("/sys/fs/cgroup")
V1, V2 = "cgroup/v1", "cgroup/v2"
# slurmd leaves this part out when it looks for the top of its branch: it is where systemd has process 1.
_INIT = "init.scope"


def cgroup_plugin(mounted: Path = CGROUPS) -> str:
    """Return the name of Slurm's plugin for the cgroups that are mounted; raises PracticeError if none are."""
    if (mounted / "cgroup.controllers").exists():
        return V2
    if all((mounted / kind).is_dir() for kind in ("memory", "devices", "cpuset", "freezer")):
        return V1
    raise PracticeError(
        f"no usable cgroups at {mounted}: Slurm can enforce no limits on this machine"
    )


def branch_of(name: str, mounted: Path = CGROUPS) -> Path:
    """Return the branch of the site *name* on a machine with cgroup v2."""
    return mounted / f"sealrun-{name}"


def join_branch(branch: Path) -> None:
    """Move the calling process into the branch; a cgroup namespace that it then makes begins there."""
    (branch / _INIT).mkdir(parents=True, exist_ok=True)
    (branch / "cgroup.procs").write_text(str(os.getpid()), encoding="ascii")


def settle_in_branch(branch: Path, pid: int) -> None:
    """Move process 1, by its id out here, to its place, and let the branch hand out all controllers."""
    (branch / _INIT / "cgroup.procs").write_text(str(pid), encoding="ascii")
    # Only a branch without processes of its own may hand anything out; the root may always.
    for folder in (branch.parent, branch):
        for controller in (folder / "cgroup.controllers").read_text(encoding="ascii").split():
            (folder / "cgroup.subtree_control").write_text(f"+{controller}", encoding="ascii")


def sweep(name: str, nodes: tuple[str, ...], mounted: Path = CGROUPS) -> None:
    """Remove the empty cgroups of the site and its nodes; occupied ones stay."""
    tops = [top for node in nodes for top in mounted.glob(f"*/slurm_{node}")]
    for top in (*tops, branch_of(name, mounted)):
        below = sorted((path for path in top.rglob("*") if path.is_dir()), reverse=True)
        for folder in (*below, top):
            try:
                folder.rmdir()
            except OSError:
                # Absent, or occupied for a moment longer; the next start tries again.
                break
