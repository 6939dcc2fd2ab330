"""The layer that all images share: Python and numpy from Debian's packages, and little else.

The packages are only unpacked, never configured, so no code of theirs runs on this machine and what
their installation would have set up is added here.
"""

import subprocess
import tempfile
from pathlib import Path

from examples.digits.docker_archive import File, rewrite_layer

SUITE = "trixie"
PACKAGES = ("base-files", "coreutils", "dash", "libc-bin", "python3", "python3-numpy")

DROPPED = (
    "boot/",
    "etc/apt/",
    "usr/lib/python3/dist-packages/numpy/_core/_simd",
    "usr/lib/python3/dist-packages/numpy/f2py/",
    "usr/lib/python3.13/pydoc_data/",
    "usr/lib/x86_64-linux-gnu/gconv/",
    "usr/share/bash-completion/",
    "usr/share/info/",
    "usr/share/lintian/",
    "usr/share/locale/",
    "usr/share/man/",
    "usr/share/zoneinfo/",
    "usr/share/perl5/",
    "usr/src/",
)
"""Documentation, translations and the package manager's state: nothing that a program needs."""

LIBRARIES = "usr/lib/x86_64-linux-gnu"
LINKS = {
    # The packages' alternatives system would have made these two.
    f"{LIBRARIES}/libblas.so.3": "blas/libblas.so.3",
    f"{LIBRARIES}/liblapack.so.3": "lapack/liblapack.so.3",
}
FILES = {
    "etc/passwd": File(content=b"root:x:0:0:root:/root:/bin/sh\n"),
    "etc/group": File(content=b"root:x:0:\n"),
    "etc/nsswitch.conf": File(content=b"passwd: files\ngroup: files\nhosts: files dns\n"),
    # Apptainer mounts the node's own over these.
    "etc/hosts": File(content=b"127.0.0.1 localhost\n"),
    "etc/resolv.conf": File(content=b""),
    "etc/localtime": File(content=b""),
}


def write_root_layer(path: Path) -> None:
    """Make the layer; needs the network and mmdebstrap, which runs as root or with user namespaces."""
    with tempfile.TemporaryDirectory() as folder:
        unpacked = Path(folder, "root.tar")
        subprocess.run(
            [
                "mmdebstrap",
                "--quiet",
                "--variant=extract",
                "--format=tar",
                f"--include={','.join(PACKAGES)}",
                SUITE,
                str(unpacked),
                *_mirror(),
            ],
            check=True,
        )
        rewrite_layer(unpacked, path, keep=wanted, links=LINKS, files=FILES)


def wanted(name: str) -> bool:
    """Say whether a file belongs into the image."""
    if name.startswith("usr/share/doc/"):
        return name.endswith("/copyright")
    if name.startswith("var/"):
        return name == "var/tmp"
    return not f"{name}/".startswith(DROPPED) and "/tests/" not in f"{name}/"


def _mirror() -> list[str]:
    """Return the mirror that this machine's apt uses; elsewhere mmdebstrap knows one by itself."""
    release = Path("/etc/os-release").read_text("utf-8").splitlines()
    if "ID=debian" not in release:
        return []
    answer = subprocess.run(
        ["apt-get", "indextargets", "--format", "$(REPO_URI)", "Created-By: Packages"],
        check=True,
        capture_output=True,
        text=True,
    )
    return answer.stdout.split()[:1]
