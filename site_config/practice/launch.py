"""Start the site's process 1 in namespaces of its own: `python -m site_config.practice.launch HOME LOCK_FD`.

The command that brings the site up runs this as a child which inherits its lock. Whatever is killed at
whatever moment, one of two things holds: the process file names a process 1 that goes on by itself, or
process 1 reads the end of its pipe, ends, and the kernel takes namespaces, mounts and cable with it.
"""

import os
import socket
import stat
import subprocess
import sys
from dataclasses import asdict, dataclass
from pathlib import Path

from site_config.practice.configuration import CONTROL_HOST, Owners
from site_config.practice.machine import kernel
from site_config.practice.machine.cgroups import (
    CGROUPS,
    V2,
    branch_of,
    cgroup_plugin,
    join_branch,
    settle_in_branch,
)
from site_config.practice.machine.files import read_json, write_json
from site_config.practice.machine.networks import Cable, bring_up_inside, plug_in
from site_config.practice.machine.processes import Process
from site_config.practice.paths import SitePaths
from site_config.practice.records import write_process

_CHARACTER_DEVICES = {
    "null": (1, 3),
    "zero": (1, 5),
    "full": (1, 7),
    "random": (1, 8),
    "urandom": (1, 9),
    "tty": (5, 0),
    "fuse": (10, 229),
    # NVIDIA's numbers. No driver answers behind them, but cgroups and --nv treat them as the real ones.
    "nvidia0": (195, 0),
    "nvidia1": (195, 1),
    "nvidiactl": (195, 255),
}
_LINKS = {
    "ptmx": "pts/ptmx",
    "fd": "/proc/self/fd",
    "stdin": "fd/0",
    "stdout": "fd/1",
    "stderr": "fd/2",
}
_NAMESPACES = (
    kernel.CLONE_NEWNET
    | kernel.CLONE_NEWNS
    | kernel.CLONE_NEWIPC
    | kernel.CLONE_NEWUTS
    | kernel.CLONE_NEWPID
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Launch:
    """What process 1 needs to know; written as launch.json in the site's folder."""

    root: str
    cable: Cable


def write_launch(paths: SitePaths, launch: Launch) -> None:
    """Leave *launch* for the launcher."""
    write_json(paths.home / "launch.json", asdict(launch))


def read_launch(paths: SitePaths) -> Launch:
    """Read what write_launch left."""
    value = read_json(paths.home / "launch.json") or {}
    cable = value["cable"]
    if not isinstance(cable, dict):
        raise TypeError(f"launch.json of {paths.home} is damaged")
    return Launch(root=str(value["root"]), cable=Cable(**cable))


def launch_site(paths: SitePaths, lock_descriptor: int) -> None:
    """Start process 1, connect it, record it, and let it go on."""
    launch = read_launch(paths)
    go_read, go_write = os.pipe()
    pid = _fork_into_namespaces(paths, launch, lock_descriptor, (go_read, go_write))
    if cgroup_plugin() == V2:
        settle_in_branch(branch_of(paths.name), pid)
    plug_in(launch.cable, pid)
    write_process(paths, Process.of(pid))
    os.write(go_write, b"!")


def _fork_into_namespaces(
    paths: SitePaths, launch: Launch, lock_descriptor: int, go: tuple[int, int]
) -> int:
    """Return the id of process 1, as seen out here; it waits for a byte from the pipe *go*."""
    told_read, told_write = os.pipe()
    if os.fork() == 0:
        if cgroup_plugin() == V2:
            join_branch(branch_of(paths.name))
            kernel.unshare(kernel.CLONE_NEWCGROUP)
        # unshare of a process namespace acts on children only, hence the second fork.
        kernel.unshare(_NAMESPACES)
        pid = os.fork()
        if pid == 0:
            _be_process_one(paths, launch, lock_descriptor, go)
        os.write(told_write, str(pid).encode())
        os._exit(0)
    os.close(told_write)
    pid = int(os.read(told_read, 32))
    os.wait()
    return pid


def _be_process_one(
    paths: SitePaths, launch: Launch, lock_descriptor: int, go: tuple[int, int]
) -> None:
    os.close(go[1])
    os.close(lock_descriptor)
    os.setsid()
    if os.read(go[0], 1) != b"!":
        os._exit(1)
    os.umask(0)
    socket.sethostname(CONTROL_HOST)
    bring_up_inside(launch.cable)
    kernel.make_mounts_private()
    _mount_root(paths, Path(launch.root))
    _mount_system(paths.mount)
    _mount_state(paths, Owners.of(Path(launch.root)))
    _enter(paths.mount)
    os.umask(0o022)
    environment = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C.UTF-8"}
    init = ["/usr/bin/python3", "-I", "/usr/local/lib/practice/init.py"]
    os.execve(init[0], init, environment)  # noqa: S606


def _mount_root(paths: SitePaths, root: Path) -> None:
    options = f"lowerdir={root},upperdir={paths.upper},workdir={paths.work}"
    try:
        kernel.mount("overlay", paths.mount, "overlay", options=options)
    except OSError as error:
        # Some file systems cannot carry an overlay, another overlay among them.
        sys.stderr.write(f"no overlay here ({error}); copying the root instead\n")
        copy = paths.home / "copy"
        for source in (root, paths.upper):
            argv = ["cp", "-a", "--reflink=auto", "--remove-destination", f"{source}/.", str(copy)]
            copy.mkdir(exist_ok=True)
            subprocess.run(argv, check=True)
        kernel.bind(copy, paths.mount)


def _mount_system(root: Path) -> None:
    kernel.mount(
        "proc", root / "proc", "proc", kernel.MS_NOSUID | kernel.MS_NODEV | kernel.MS_NOEXEC
    )
    # A sysfs of its own shows the site's own network interfaces only.
    kernel.mount(
        "sysfs", root / "sys", "sysfs", kernel.MS_NOSUID | kernel.MS_NODEV | kernel.MS_NOEXEC
    )
    if cgroup_plugin() == V2:
        # Seen from the site's cgroup namespace, this is its branch.
        kernel.mount(
            "cgroup2",
            root / "sys/fs/cgroup",
            "cgroup2",
            kernel.MS_NOSUID | kernel.MS_NODEV | kernel.MS_NOEXEC,
        )
    else:
        kernel.bind(CGROUPS, root / "sys/fs/cgroup")
    device = root / "dev"
    kernel.mount("tmpfs", device, "tmpfs", kernel.MS_NOSUID, "mode=755,size=1m")
    for name, (major, minor) in _CHARACTER_DEVICES.items():
        os.mknod(device / name, 0o666 | stat.S_IFCHR, os.makedev(major, minor))
    for name, target in _LINKS.items():
        (device / name).symlink_to(target)
    for name in ("pts", "shm", "mqueue"):
        (device / name).mkdir(mode=0o755)
    kernel.mount(
        "devpts", device / "pts", "devpts", kernel.MS_NOSUID, "newinstance,ptmxmode=0666,mode=620"
    )
    kernel.mount(
        "tmpfs", device / "shm", "tmpfs", kernel.MS_NOSUID | kernel.MS_NODEV, "mode=1777,size=1g"
    )
    kernel.mount(
        "mqueue", device / "mqueue", "mqueue", kernel.MS_NOSUID | kernel.MS_NODEV | kernel.MS_NOEXEC
    )


def _mount_state(paths: SitePaths, owners: Owners) -> None:
    root = paths.mount
    kernel.mount("tmpfs", root / "run", "tmpfs", kernel.MS_NOSUID | kernel.MS_NODEV, "mode=755")
    slurm, mysql = owners.slurm, owners.mysql
    folders = {
        "lock": (0, 0),
        "sshd": (0, 0),
        "slurmctld": (slurm.uid, slurm.gid),
        "slurmdbd": (slurm.uid, slurm.gid),
        "mysqld": (mysql.uid, mysql.gid),
        "mariadbd": (mysql.uid, mysql.gid),
        **({"munge": (owners.munge.uid, owners.munge.gid)} if owners.munge else {}),
    }
    for name, (uid, gid) in folders.items():
        folder = root / "run" / name
        folder.mkdir(mode=0o755)
        os.chown(folder, uid, gid)
    for source, target, flags in (
        (paths.state / "mysql", "var/lib/mysql", 0),
        (paths.state / "slurmctld", "var/spool/slurmctld", 0),
        (paths.scratch, "var/spool/slurm-tmp", kernel.MS_NOSUID | kernel.MS_NODEV),
        (paths.verified, "run/sealrun", kernel.MS_NOSUID | kernel.MS_NODEV),
        (paths.logs, "var/log/practice", 0),
        (paths.rest, "run/slurmrestd", kernel.MS_NOSUID | kernel.MS_NODEV),
        (paths.shared, str(paths.shared).lstrip("/"), kernel.MS_NOSUID | kernel.MS_NODEV),
    ):
        place = root / target
        place.mkdir(mode=0o755, parents=True, exist_ok=True)
        kernel.bind(source, place, flags)


def _enter(root: Path) -> None:
    old = root / ".old"
    old.mkdir()
    os.chdir(root)
    subprocess.run(["pivot_root", ".", ".old"], check=True)
    os.chdir("/")
    kernel.unmount(Path("/.old"))
    Path("/.old").rmdir()


if __name__ == "__main__":
    launch_site(SitePaths(home=Path(sys.argv[1])), int(sys.argv[2]))
