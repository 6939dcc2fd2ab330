"""Storage, as the portal sees it: who may enter it, how much room it has, and whether it keeps its word."""

import os
import shutil
import time
from collections.abc import Iterator
from pathlib import Path

from portal.domain.site.findings import Finding, Level, Rule
from portal.site_check.target import Subject

_GIB = 1024**3
# Jobs have their own, as job_container.conf says.
_PRIVATE_IN_JOBS = ("/tmp", "/var/tmp", "/dev", "/proc", "/run")  # noqa: S108 - compared only
_SLOW_SYNC = 1.0

EXISTS = Rule(
    id="storage.exists",
    title="The storage exists and the portal can write to it",
    level=Level.FAILURE,
    meaning="No upload can be kept and no job be sent.",
    change="site.yaml: clusters.NAME.storage",
)
OWNER = Rule(
    id="storage.owner",
    title="The portal's account owns the storage",
    level=Level.FAILURE,
    meaning="Whoever owns it can open it to others, and change what is in it.",
    change="chown ACCOUNT STORAGE",
)
CLOSED = Rule(
    id="storage.closed",
    title="Nobody but the portal's account and group can enter the storage",
    level=Level.FAILURE,
    meaning="Everybody on portal and nodes can read submissions, and predictions from private data.",
    change="chmod 750 STORAGE",
)
PLACE = Rule(
    id="storage.place",
    title="The storage is not below a folder that jobs have for themselves",
    level=Level.FAILURE,
    meaning="Jobs see an empty folder in its place.",
    change="site.yaml: clusters.NAME.storage",
)
SPACE = Rule(
    id="storage.space",
    title="The storage has room for ten of the largest uploads",
    level=Level.WARNING,
    meaning="Uploads and jobs fail when it is full.",
    change="site.yaml: limits.upload, or a larger file system",
)
SYNC = Rule(
    id="storage.sync",
    title="What is written survives a power cut (fsync)",
    level=Level.FAILURE,
    meaning="An upload that the database knows could be gone or cut off after a crash.",
    change="mount options of the storage: sync behaviour",
)
RENAME = Rule(
    id="storage.rename",
    title="Making a directory and renaming happen once or not at all",
    level=Level.FAILURE,
    meaning="A job could run twice, or half a file be taken for a whole one.",
    change="site.yaml: clusters.NAME.storage, on a POSIX file system",
)
RULES = (EXISTS, OWNER, CLOSED, PLACE, SPACE, SYNC, RENAME)


def check(subject: Subject) -> Iterator[Finding]:
    """Look at the storage; what is written for it is taken away again."""
    storage = subject.cluster.storage
    key = subject.place("clusters", subject.cluster_name, "storage")
    if not storage.is_dir() or not os.access(storage, os.W_OK | os.X_OK):
        what = "cannot be written to" if storage.is_dir() else "does not exist"
        yield EXISTS.broken(f"{storage} {what}", change=key)
        return
    yield EXISTS.holds(str(storage))
    status = storage.stat()
    yield OWNER.judged(
        status.st_uid == os.geteuid(),
        f"{storage} belongs to user id {status.st_uid}, this is {os.geteuid()}",
        change=f"chown {os.geteuid()} {storage}",
    )
    mode = status.st_mode & 0o777
    yield CLOSED.judged(
        not mode & 0o007, f"{storage} has mode {mode:04o}", change=f"chmod 750 {storage}"
    )
    private = [place for place in _PRIVATE_IN_JOBS if storage.resolve().is_relative_to(place)]
    yield PLACE.judged(
        not private, f"below {private[0]}" if private else "is below no private folder", change=key
    )
    yield _space(subject, storage)
    yield from _promises(storage)


def _space(subject: Subject, storage: Path) -> Finding:
    free, wanted = shutil.disk_usage(storage).free, 10 * subject.settings.limits.upload
    return SPACE.judged(
        free >= wanted, f"{free / _GIB:.0f} GiB free, {wanted / _GIB:.0f} GiB wanted"
    )


def _promises(storage: Path) -> Iterator[Finding]:
    folder = storage / f".check-{os.getpid()}"
    try:
        folder.mkdir(mode=0o700)
        yield _sync(folder)
        yield _rename(folder)
    except OSError as error:
        yield RENAME.broken(f"{error.strerror}: {error.filename}")
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _sync(folder: Path) -> Finding:
    begun = time.monotonic()
    for path, flags in ((folder / "file", os.O_CREAT | os.O_WRONLY), (folder, os.O_DIRECTORY)):
        descriptor = os.open(path, flags, 0o600)
        try:
            os.fsync(descriptor)
        except OSError as error:
            return SYNC.broken(f"fsync of {path}: {error.strerror}")
        finally:
            os.close(descriptor)
    seconds = time.monotonic() - begun
    slow = ", which is slow" if seconds > _SLOW_SYNC else ""
    return SYNC.holds(f"fsync takes {seconds * 1000:.0f} ms{slow}")


def _rename(folder: Path) -> Finding:
    first, second = folder / "first", folder / "second"
    first.write_text("new", encoding="ascii")
    second.write_text("old", encoding="ascii")
    first.rename(second)
    replaced = second.read_text(encoding="ascii") == "new" and not first.exists()
    (folder / "claim").mkdir()
    try:
        (folder / "claim").mkdir()
        claimed_twice = True
    except FileExistsError:
        claimed_twice = False
    if claimed_twice:
        return RENAME.broken("a directory could be made twice")
    return RENAME.judged(replaced, "a rename replaces, a second mkdir is refused")
