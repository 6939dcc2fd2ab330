"""The environment of a code submission: what its ``requirements.txt`` asks for, from a directory of wheels.

pip reads a file that the portal has written of what it understood, never the submission's own.

pip runs in the base image under the flags of any sealed run, without network. It takes wheels only, so
that no code of a package runs while it is installed. Where the base has no pip, a wheel of pip that lies
among the others is used.
"""

from pathlib import PurePosixPath

from containers.interface import Bind, Build, SealedRun

ENVIRONMENT = "/packages"
"""Where they are in the image. Apptainer itself has a file `/environment` in each image."""
LOCK = "requirements.lock"
"""The file in it that says what was installed: versions and digests, as pip takes them."""

_WHEELHOUSE, _REQUIREMENTS = "/wheelhouse", "/requirements.txt"

# The report is pip's own account of what it chose: https://pip.pypa.io/en/stable/reference/installation-report/
_PROGRAM = f"""
import glob, json, runpy, sys
try:
    import pip
except ImportError:
    sys.path[:0] = sorted(glob.glob("{_WHEELHOUSE}/pip-*.whl"))[-1:]
sys.argv = [
    "pip", "--isolated", "--disable-pip-version-check", "--no-input", "--no-color", "--quiet",
    "install", "--no-index", "--find-links", "{_WHEELHOUSE}", "--only-binary", ":all:", "--no-cache-dir",
    "--no-compile", "--no-warn-script-location", "--target", "{ENVIRONMENT}", "--report", "/tmp/report",
    "--requirement", "{_REQUIREMENTS}",
]
try:
    runpy.run_module("pip", run_name="__main__", alter_sys=True)
except SystemExit as end:
    if end.code:
        raise
with open("/tmp/report", encoding="utf-8") as report:
    chosen = json.load(report)["install"]
def line(one):
    # Releases of pip before 23.1 say the digest in one word.
    archive = one["download_info"]["archive_info"]
    digest = archive["hashes"]["sha256"] if "hashes" in archive else archive["hash"].partition("=")[2]
    return one["metadata"]["name"] + "==" + one["metadata"]["version"] + " --hash=sha256:" + digest
lines = sorted(map(line, chosen))
with open("{ENVIRONMENT}/{LOCK}", "w", encoding="utf-8") as lock:
    lock.writelines(line + chr(10) for line in lines)
"""


def installation(build: Build, *, scratch: PurePosixPath) -> SealedRun | None:
    """Give the run that installs the environment of a build; None where it has none.

    It reads ``requirements.txt`` in the scratch directory, a copy of what the build names, and fills
    ``environment/`` there.
    """
    if build.packages is None:
        return None
    return SealedRun(
        image=scratch / "base.sif",
        image_sha256="",
        probe_image=scratch,
        probe_sha256="",
        argv=("python3", "-c", _PROGRAM),
        binds=(
            Bind(source=build.packages.wheelhouse, target=PurePosixPath(_WHEELHOUSE)),
            Bind(
                source=scratch / "requirements.txt",
                target=PurePosixPath(_REQUIREMENTS),
            ),
            Bind(source=scratch / "environment", target=PurePosixPath(ENVIRONMENT), writable=True),
        ),
        node=build.node,
    )
