"""Write and remove files so that a kill at any moment leaves the old or the new state, never half of one.

Trees may hold what hostile programs left, of any depth: coreutils measure, own and remove them, which walk by
descriptors.
"""

import json
import os
import subprocess
from pathlib import Path

from site_config.practice.errors import PracticeError


def write_file(path: Path, text: str, *, mode: int = 0o644, uid: int = 0, gid: int = 0) -> None:
    """Put *text* at *path* in one step with this mode and owner; an equal file is left as it is."""
    if _is_same(path, text, mode=mode, uid=uid, gid=gid):
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.new")
    draft.unlink(missing_ok=True)
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
        stream.write(text)
        stream.flush()
        os.fchown(stream.fileno(), uid, gid)
        os.fchmod(stream.fileno(), mode)
        os.fsync(stream.fileno())
    draft.rename(path)


def _is_same(path: Path, text: str, *, mode: int, uid: int, gid: int) -> bool:
    try:
        status = path.lstat()
        return (
            (status.st_mode & 0o7777, status.st_uid, status.st_gid) == (mode, uid, gid)
            and not path.is_symlink()
            and path.read_text(encoding="utf-8") == text
        )
    except (FileNotFoundError, UnicodeDecodeError):
        return False


def make_directory(path: Path, *, mode: int = 0o755, uid: int = 0, gid: int = 0) -> None:
    """Make the folder *path* if it is missing, and give it this mode and owner in any case."""
    path.mkdir(parents=True, exist_ok=True)
    os.chown(path, uid, gid, follow_symlinks=False)
    path.chmod(mode)


def read_json(path: Path) -> dict[str, object] | None:
    """Return the object in the JSON file *path*; None when there is no such file or it is damaged."""
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):
        return None
    return value if isinstance(value, dict) else None


def write_json(path: Path, value: object, *, mode: int = 0o644) -> None:
    """Put *value* as JSON at *path* in one step."""
    write_file(path, json.dumps(value, indent=2, sort_keys=True) + "\n", mode=mode)


def remove_tree(path: Path) -> None:
    """Remove *path* and all below it; raises PracticeError rather than reach into something mounted there."""
    prefix = f"{path}/"
    mounts = Path("/proc/self/mountinfo").read_text(encoding="utf-8").splitlines()
    for line in mounts:
        point = line.split()[4]
        if point == str(path) or point.startswith(prefix):
            raise PracticeError(
                f"something is mounted at {point}; unmount it first, then try again"
            )
    if path.is_symlink() or path.is_file():
        path.unlink()
    elif path.exists():
        argv = ["rm", "-rf", "--one-file-system", "--", str(path)]
        done = subprocess.run(argv, check=False, capture_output=True, text=True)
        if done.returncode != 0:
            said = done.stderr.strip().splitlines()[-1:]
            raise PracticeError(f"{path} cannot be removed: {' '.join(said)}")


def disk_bytes(path: Path) -> int:
    """Return the disk space that *path* and all below it occupy; what vanishes meanwhile counts as nothing."""
    argv = ["du", "-s", "--block-size=1", "--", str(path)]
    # It says what it cannot enter, and goes on.
    output = subprocess.run(argv, check=False, capture_output=True, text=True).stdout
    size = output.partition("\t")[0]
    return int(size) if size.isdecimal() else 0


def own_tree(path: Path, uid: int, gid: int) -> None:
    """Give *path* and all below it to this user and group, if *path* itself is not theirs already."""
    if not path.exists() or (path.lstat().st_uid, path.lstat().st_gid) == (uid, gid):
        return
    # A folder comes after what is in it, so *path* last: it tells whether an earlier call got to the end.
    argv = ["chown", "-R", "--no-dereference", f"{uid}:{gid}", "--", str(path)]
    subprocess.run(argv, check=True)
