"""Build the root of the practice site once and keep it: a folder per recipe, complete or absent.

A build happens in a folder of its own that is renamed when it is complete. It runs in a process
namespace that ends with the command that asked for it, so a killed command leaves only that folder
behind, and the next build sweeps it away.
"""

import os
import shutil
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

from site_config.practice.errors import PracticeError
from site_config.practice.machine import hosts
from site_config.practice.machine.files import disk_bytes, read_json, remove_tree, write_json
from site_config.practice.machine.locks import locked
from site_config.practice.root.recipe import Recipe

Say = Callable[[str], None]

_BUILD_SECONDS = 900.0
_DRAFT = "draft-"


def root_folder(cache: Path, recipe: Recipe) -> Path:
    """Return where the root of *recipe* is kept, built or not."""
    return cache / recipe.key / "root"


def obtain_root(cache: Path, recipe: Recipe, say: Say) -> Path:
    """Return the complete root of *recipe*, built now if it is not there yet."""
    root = root_folder(cache, recipe)
    if root.is_dir():
        return root
    cache.mkdir(parents=True, exist_ok=True)
    with locked(cache / ".lock", seconds=_BUILD_SECONDS, what="the root of the practice site"):
        for stale in cache.glob(f"{_DRAFT}*"):
            remove_tree(stale)
        if not root.is_dir():
            hosts.need_programs(for_build=True)
            _build(cache, recipe, say)
    return root


def _build(cache: Path, recipe: Recipe, say: Say) -> None:
    began = time.monotonic()
    draft = cache / f"{_DRAFT}{recipe.key}"
    draft.mkdir(mode=0o755)
    root = draft / "root"
    log = cache / f"{recipe.key}.build.log"
    say(f"building the root from Debian packages (once; about half a minute; log: {log})")
    with log.open("w", encoding="utf-8") as stream:
        argv = recipe.mmdebstrap(str(root), hosts.debian_mirror())
        argv[1:1] = [f"--aptopt={line}" for line in hosts.apt_proxies()]
        _run(argv, stream.fileno(), log)
        _add_apptainer(root, recipe, stream.fileno(), log)
    for folder in recipe.emptied:
        # What a package did not make is as good as empty.
        for entry in (root / folder).glob("*"):
            remove_tree(entry)
    (draft / "used-by").mkdir()
    write_json(
        draft / "built.json",
        {"disk_bytes": disk_bytes(root), "seconds": round(time.monotonic() - began, 1)},
    )
    draft.rename(cache / recipe.key)
    say(f"built the root in {time.monotonic() - began:.0f} s")


def _add_apptainer(root: Path, recipe: Recipe, log_descriptor: int, log: Path) -> None:
    apt = root / "etc/apt"
    main = (apt / "sources.list").read_text(encoding="utf-8")
    extra = main.replace(f" {recipe.suite} ", f" {recipe.apptainer_suite} ")
    (apt / "sources.list.d/apptainer.list").write_text(extra, encoding="utf-8")
    # Priority 100: taken from there only what is asked for by name, and what that in turn needs.
    pin = f"Package: *\nPin: release n={recipe.apptainer_suite}\nPin-Priority: 100\n"
    (apt / "preferences.d/apptainer").write_text(pin, encoding="utf-8")
    resolver = root / "etc/resolv.conf"
    shutil.copyfile("/etc/resolv.conf", resolver)
    chroot = ["chroot", str(root), "apt-get", "-q", "-o", "Acquire::Retries=3"]
    for line in hosts.apt_proxies():
        key, _, value = line.partition(" ")
        chroot += ["-o", f"{key}={value.strip(chr(34))}"]
    # A mirror of this suite may be some days behind, which its signature would otherwise forbid.
    _run([*chroot, "-o", "Acquire::Check-Valid-Until=false", "update"], log_descriptor, log)
    install = [*chroot, "install", "-y", "--no-install-recommends", *recipe.apptainer]
    _run(install, log_descriptor, log)
    resolver.unlink()


def _run(argv: list[str], log_descriptor: int, log: Path) -> None:
    # The namespace ends with `unshare`, and `unshare` with us, however we end.
    tied = [
        "setpriv",
        "--pdeathsig",
        "KILL",
        "--",
        "unshare",
        "--pid",
        "--mount",
        "--fork",
        "--kill-child",
        "--",
    ]
    done = subprocess.run(
        [*tied, *argv],
        check=False,
        stdin=subprocess.DEVNULL,
        stdout=log_descriptor,
        stderr=log_descriptor,
        env=hosts.clean_environment(),
    )
    if done.returncode != 0:
        end = log.read_text(encoding="utf-8", errors="replace").strip().splitlines()[-3:]
        raise PracticeError(
            f"building the root failed; the log is {log} and ends with: " + " / ".join(end)
        )


def use_root(cache: Path, key: str, site: Path) -> None:
    """Note that the site in the folder *site* needs the root *key*."""
    mark = _mark(cache, key, site)
    if not mark.is_symlink():
        mark.symlink_to(site)


def release_root(cache: Path, key: str, site: Path) -> bool:
    """Note that the site no longer needs the root; remove the root when no other site does. Tell whether it went."""
    if not (cache / key).is_dir():
        return False
    with locked(cache / ".lock", seconds=_BUILD_SECONDS, what="the root of the practice site"):
        _mark(cache, key, site).unlink(missing_ok=True)
        if any(_is_used(mark, key) for mark in (cache / key / "used-by").iterdir()):
            return False
        # Renamed first: a kill during the removal must not leave half a root under its own name.
        draft = cache / f"{_DRAFT}removal-{key}"
        (cache / key).rename(draft)
        remove_tree(draft)
        (cache / f"{key}.build.log").unlink(missing_ok=True)
    return True


def root_disk_bytes(cache: Path, key: str) -> int:
    """Return the disk space of the built root *key*, as measured when it was built; 0 if it is not there."""
    built = read_json(cache / key / "built.json") or {}
    size = built.get("disk_bytes", 0)
    return size if isinstance(size, int) else 0


def _mark(cache: Path, key: str, site: Path) -> Path:
    return cache / key / "used-by" / str(site).replace(os.sep, "_")


def _is_used(mark: Path, key: str) -> bool:
    record = read_json(mark.readlink() / "site.json") or {}
    return record.get("root") == key
