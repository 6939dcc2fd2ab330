"""What the site needs of the machine it runs on: root, a few programs, and the Debian mirror that apt uses."""

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from site_config.practice.errors import NeedsRootError, PracticeError
from site_config.practice.paths import CACHE_VARIABLE, DIRECTORY_VARIABLE

HOW_TO = "docs/how-to/practice-site.md"

# program -> the Debian package that brings it
_BUILD_PROGRAMS = {"mmdebstrap": "mmdebstrap", "setpriv": "util-linux", "unshare": "util-linux"}
_RUN_PROGRAMS = {
    "ip": "iproute2",
    "ssh-keygen": "openssh-client",
    "nsenter": "util-linux",
    "pivot_root": "util-linux",
}
_KEYRING = Path("/usr/share/keyrings/debian-archive-keyring.gpg")
# Non-login shells of ordinary people lack the sbin folders.
SYSTEM_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


def clean_environment() -> dict[str, str]:
    """Return the whole environment for programs of the system: nothing of the caller's gets in."""
    return {"PATH": SYSTEM_PATH, "LC_ALL": "C.UTF-8", "DEBIAN_FRONTEND": "noninteractive"}


def become_root() -> None:
    """Return when the caller is root; otherwise start the same command again through a sudo that asks nothing.

    Raises NeedsRootError when there is no such sudo.
    """
    if os.geteuid() == 0:
        return
    sudo = shutil.which("sudo", path=SYSTEM_PATH)
    if (
        sudo
        and subprocess.run([sudo, "-n", "true"], check=False, capture_output=True).returncode == 0
    ):
        sys.stdout.flush()
        os.execv(sudo, sudo_command(sudo, sys.argv, os.environ))  # noqa: S606 (argv, no shell)
    raise NeedsRootError(
        "the practice site needs root, because it makes namespaces, mounts and cgroups, and there is no sudo here that "
        f"asks for no password: run the command as root, or point the portal at a real cluster ({HOW_TO})"
    )


def sudo_command(sudo: str, argv: Sequence[str], environment: Mapping[str, str]) -> list[str]:
    """Return the argv that repeats the command *argv* as root, with this interpreter and the site's own variables."""
    kept = [
        f"{key}={environment[key]}"
        for key in (DIRECTORY_VARIABLE, CACHE_VARIABLE)
        if key in environment
    ]
    # As `sealrun practice up` or as `python -m site_config.practice up`: the words after it are the same.
    words = argv[2:] if argv[1:2] == ["practice"] else argv[1:]
    package_folder = str(Path(__file__).resolve().parents[3])
    module = [sys.executable, "-m", "site_config.practice", *words]
    return [sudo, "-n", "--", "env", *kept, f"PYTHONPATH={package_folder}", *module]


def need_root() -> None:
    """Return when the caller is root; raises NeedsRootError otherwise."""
    if os.geteuid() != 0:
        raise NeedsRootError(
            f"the practice site needs root for namespaces, mounts and cgroups; see {HOW_TO}"
        )


def need_programs(*, for_build: bool) -> None:
    """Make sure that the programs are there, installing what is missing with apt-get.

    Raises PracticeError naming the packages when that is impossible.
    """
    wanted = _RUN_PROGRAMS | (_BUILD_PROGRAMS if for_build else {})
    missing = {
        package
        for program, package in wanted.items()
        if not shutil.which(program, path=SYSTEM_PATH)
    }
    if for_build and not _KEYRING.exists():
        missing.add("debian-archive-keyring")
    if not missing:
        return
    names = sorted(missing)
    apt_get = shutil.which("apt-get", path=SYSTEM_PATH)
    if not apt_get:
        raise PracticeError(
            f"please install {', '.join(names)} first: this machine has no apt-get to do it with"
        )
    install = [apt_get, "install", "-y", "-q", "--no-install-recommends", *names]
    for argv in (install, [apt_get, "update", "-q"], install):
        done = subprocess.run(
            argv, check=False, capture_output=True, text=True, env=clean_environment()
        )
        if done.returncode == 0 and argv is install:
            return
    raise PracticeError(
        f"please install {', '.join(names)} first; apt-get could not: {done.stderr.strip()[-400:]}"
    )


def debian_mirror() -> str | None:
    """Return the mirror from which apt of this machine takes Debian's main archive; None if it has none."""
    argv = [
        "apt-get",
        "indextargets",
        "--format",
        "$(REPO_URI)|$(RELEASE)|$(COMPONENT)",
        "Identifier: Packages",
    ]
    try:
        done = subprocess.run(
            argv, check=False, capture_output=True, text=True, env=clean_environment()
        )
    except FileNotFoundError:
        return None
    return choose_mirror(done.stdout)


def choose_mirror(index_targets: str) -> str | None:
    """Return the first address in apt's list (lines of `address|suite|component`) that is a whole Debian archive."""
    for line in index_targets.splitlines():
        address, _, rest = line.partition("|")
        # .../debian is the archive by convention; .../debian-security and third-party sources are not.
        if address.rstrip("/").endswith("/debian") and rest.endswith("|main"):
            return address.rstrip("/")
    return None


def apt_proxies() -> list[str]:
    """Return apt's proxy settings of this machine as lines of apt configuration."""
    try:
        done = subprocess.run(
            ["apt-config", "dump", "Acquire"],
            check=False,
            capture_output=True,
            text=True,
            env=clean_environment(),
        )
    except FileNotFoundError:
        return []
    return [
        line.rstrip(";")
        for line in done.stdout.splitlines()
        if "::Proxy " in line and '""' not in line
    ]
