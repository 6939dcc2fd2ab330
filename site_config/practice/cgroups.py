"""Which kind of cgroups this machine has, and sweeping up those that a killed site left behind."""

from pathlib import Path

from site_config.practice.errors import PracticeError

CGROUPS = Path("/sys/fs/cgroup")


def cgroup_plugin(mounted: Path = CGROUPS) -> str:
    """Return the name of Slurm's plugin for the cgroups that are mounted; raises PracticeError if none are."""
    if (mounted / "cgroup.controllers").exists():
        return "cgroup/v2"
    if all((mounted / kind).is_dir() for kind in ("memory", "devices", "cpuset", "freezer")):
        return "cgroup/v1"
    raise PracticeError(
        f"no usable cgroups at {mounted}: Slurm can enforce no limits on this machine"
    )


def sweep(nodes: tuple[str, ...], mounted: Path = CGROUPS) -> None:
    """Remove the empty cgroups that slurmd made for these nodes; occupied ones stay."""
    for node in nodes:
        for pattern in (f"*/slurm_{node}", f"system.slice/{node}_slurmstepd.scope"):
            for top in mounted.glob(pattern):
                below = sorted((path for path in top.rglob("*") if path.is_dir()), reverse=True)
                for folder in [*below, top]:
                    try:
                        folder.rmdir()
                    except OSError:
                        # Occupied for a moment longer; the next start tries again.
                        break
