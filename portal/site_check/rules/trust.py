"""What the worker trusts, and where on the way to it another account could put something else in its place.

A file is as safe as every directory above it: whoever can write to one of them can put another in the
place of what is in it, whatever the file's own mode is. So the way is walked from the root, link by link.
"""

import os
import pwd
import stat
import sys
from collections.abc import Iterator
from pathlib import Path

from portal.site_check.rules.reach import ENTER, WRITE, Account, group_name, permissions
from site_config.site import Site

MAX_LINKS = 40
MAX_ENTRIES = 50_000
"""Files of a home or of an environment that are looked at."""
_POWERFUL = frozenset(
    [
        "root",
        "sudo",
        "wheel",
        "admin",
        "docker",
        "lxd",
        "incus",
        "libvirt",
        "disk",
        "shadow",
        "kmem",
    ]
)
_CRONTABS = Path("/var/spool/cron/crontabs")
_UNITS = Path("/etc/systemd/system")


def trusted(settings: Site, file: Path) -> Iterator[Path]:
    """Yield what the worker reads, runs or writes without asking who made it."""
    yield file
    yield from _named_in(settings)
    for cluster in settings.clusters.values():
        yield cluster.storage
        for name in ("ahead", "approvals", "audit", "images", "manifests", "runs", "weights"):
            yield cluster.storage / name
    yield from (data.path for data in settings.data.values())
    yield Path(sys.executable)
    for place in (*sys.path, sys.prefix):
        if Path(place).is_absolute():
            yield Path(place)
    if sys.prefix != sys.base_prefix:
        yield from _loose(Path(sys.prefix))
    yield from _loose(Path(__file__).resolve().parents[2])


def own_things() -> Iterator[Path]:
    """Yield what of the account that runs this is run or read by name: its home, its PATH, its timers."""
    me = _name_and_home()
    for home in {Path(place) for place in (os.environ.get("HOME"), me and me[1]) if place}:
        if home == Path("/"):
            continue
        yield from (home, home / ".ssh", home / ".profile")
        yield from (entry for entry in _children(home) if entry.name.startswith("."))
        yield from _loose(home / ".ssh")
        yield from _loose(home / ".config")
        yield from _loose(home / ".local")
    yield from (Path(folder) for folder in os.get_exec_path() if Path(folder).is_absolute())
    if me:
        yield _CRONTABS / me[0]
    yield from (_UNITS / f"sealrun-{name}.service" for name in ("web", "worker"))


def is_shared_temporary(folder: Path, account: Account) -> bool:
    """Tell whether the account may take away there what others have made."""
    return bool(permissions(folder, account) & WRITE) and not folder.stat().st_mode & stat.S_ISVTX


def openings(path: Path, account: Account) -> Iterator[Path]:
    """Yield each place on the way to ``path`` where the account could replace or change something.

    What lies behind a directory that the account cannot enter is out of its reach. Raises ``OSError``
    for what cannot be looked at from here.
    """
    end = Path("/")
    for folder, entry, status in _steps(path):
        if not permissions(folder, account) & ENTER:
            return
        if status is None:
            # What is not there yet can be made by whoever may write here.
            if permissions(folder, account) & WRITE:
                yield folder
            return
        if _can_replace(folder, status, account):
            yield folder
        if not stat.S_ISLNK(status.st_mode):
            # Whoever owns something can open it to themselves.
            if status.st_uid == account.uid:
                yield entry
            end = entry
    if permissions(end, account) & WRITE:
        yield end


def _steps(path: Path) -> Iterator[tuple[Path, Path, os.stat_result | None]]:
    """Yield directory, entry and status of each step to where a path leads, links included; None for none."""
    todo, here, links = list(reversed(path.parts[1:])), Path("/"), 0
    while todo:
        entry = Path(os.path.normpath(here / todo.pop()))
        try:
            status = entry.lstat()
        except (FileNotFoundError, NotADirectoryError, PermissionError):
            # Of what cannot be looked at from here, the directory says who can put something there.
            yield here, entry, None
            return
        yield here, entry, status
        if not stat.S_ISLNK(status.st_mode):
            here = entry
            continue
        links += 1
        if links > MAX_LINKS:
            return
        target = entry.readlink()
        here = Path("/") if target.is_absolute() else here
        todo += reversed([part for part in target.parts if part != "/"])


def dangerous_groups(account: Account) -> list[str]:
    """Return the groups of the account that amount to being root, or to reading every disk."""
    return sorted(name for name in map(group_name, account.groups) if name in _POWERFUL)


def _can_replace(folder: Path, entry: os.stat_result, account: Account) -> bool:
    """Tell whether the account may rename or delete an entry of a directory."""
    if permissions(folder, account) & WRITE == 0:
        return False
    status = folder.stat()
    is_sticky = bool(status.st_mode & stat.S_ISVTX)
    return not is_sticky or account.uid in {entry.st_uid, status.st_uid}


def _named_in(settings: Site) -> Iterator[Path]:
    for provider in settings.login.providers:
        yield provider.client_secret_file
    if settings.login.terms:
        yield settings.login.terms.file
    for cluster in settings.clusters.values():
        if ssh := cluster.connect.ssh:
            yield from (ssh.key_file, ssh.known_hosts)
            if jump := ssh.jump:
                yield from (jump.key_file, jump.known_hosts)
        if rest := cluster.slurm.rest:
            yield from filter(None, (rest.token_file, rest.ca_file, rest.socket))
        if cluster.wheelhouse and cluster.wheelhouse.exists():
            yield cluster.wheelhouse
    if mail := settings.mail:
        yield from filter(None, (mail.password_file, mail.ca_file))
    if settings.seal.key_file:
        yield settings.seal.key_file
    yield from settings.seal.public_keys
    yield from settings.images.keys
    yield settings.probe.busybox


def _name_and_home() -> tuple[str, str] | None:
    try:
        me = pwd.getpwuid(os.geteuid())
    except KeyError:
        return None
    return me.pw_name, me.pw_dir


def _loose(root: Path) -> Iterator[Path]:
    """Yield what below a directory others than its owner may write, or belongs to a third account.

    Whoever is let in by an access control list shows in the bits of the group: they are its mask.
    """
    waiting, seen, known = [root], 0, {0, os.geteuid()}
    while waiting and seen < MAX_ENTRIES:
        try:
            with os.scandir(waiting.pop()) as entries:
                found = list(entries)
        except OSError:
            continue
        for entry in found:
            seen += 1
            status = entry.stat(follow_symlinks=False)
            if stat.S_ISDIR(status.st_mode):
                waiting.append(Path(entry.path))
            if stat.S_ISLNK(status.st_mode):
                continue
            if status.st_mode & 0o022 or status.st_uid not in known:
                yield Path(entry.path)


def _children(folder: Path) -> list[Path]:
    try:
        return list(folder.iterdir())
    except OSError:
        return []
