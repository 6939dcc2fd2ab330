"""A node without Apptainer: a real program stands in for it, and writes down how it was called."""

import hashlib
import subprocess
from dataclasses import replace
from pathlib import Path, PurePosixPath

from containers.interface import Bind, Build, BuildKind, Node, SealedRun

_APPTAINER = """#!/bin/bash
here=${0%/*}
number=$(($(ls "$here/calls" | wc -l) / 2))
printf '%s\\0' "$@" >"$here/calls/$number.argv"
/usr/bin/env -0 >"$here/calls/$number.env"
case " $* " in
" version ") echo 1.4.5 ;;
*" /probe "*) . "$here/probe" ;;
*" exec "*) . "$here/payload" ;;
*" build "*/known*) . "$here/known" ;;
*" build "*) . "$here/build" ;;
*" sif list "*) . "$here/list" ;;
esac
"""

PROBE_REPORT = """{"probe": 1, "interfaces": ["lo"], "routes": 0,
 "capabilities": {"CapInh": "0000000000000000", "CapPrm": "0000000000000000",
  "CapEff": "0000000000000000", "CapAmb": "0000000000000000", "CapBnd": "0000000000000000"},
 "no_new_privs": 1, "seccomp": 2, "uid": 1000, "gid": 1000, "nested_namespace": false,
 "namespaces": {"net": {"own": "net:[2]", "node": "net:[1]"},
  "pid": {"own": "pid:[2]", "node": "pid:[1]"}, "ipc": {"own": "ipc:[2]", "node": "ipc:[1]"},
  "mnt": {"own": "mnt:[2]", "node": "mnt:[1]"}},
 "binds": [{"target": "/input", "declared": "ro", "mounted": "ro", "wrote": false,
  "error": "Read-only file system"}],
 "devices": {}, "services": [], "variables": ["APPTAINER_NAME"], "mounts": ["/ overlay rw"],
 "problems": []}"""

SIF_LIST = "4    |1       |NONE    |36864-1081344      |FS (Squashfs/*System/amd64)"


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


class FakeNode:
    """A node's programs, an image, a probe image and an empty run directory with an awkward name."""

    token = "a-token-1"

    def __init__(self, root: Path) -> None:
        self.programs = root / "programs"
        (self.programs / "calls").mkdir(parents=True)
        self.apptainer = self.programs / "apptainer"
        self.apptainer.write_text(_APPTAINER)
        self.apptainer.chmod(0o755)
        self.behave("probe", f"cat <<'END'\n{PROBE_REPORT}\nEND\n")
        self.behave("payload", "echo out; echo err >&2")
        self.behave("build", 'for last; do :; done; echo "built from $last" >"$7"')
        self.behave("known", 'touch "$7"')
        self.behave("list", f"echo '{SIF_LIST}'")
        self.storage = root / 'it\'s "shared" $HOME'
        self.directory = self.storage / "run"
        self.directory.mkdir(parents=True)
        self.image = self.storage / "image.sif"
        self.image.write_bytes(b"image")
        self.probe_image = self.storage / "probe.sif"
        self.probe_image.write_bytes(b"probe")
        self.scratch = root / "scratch"
        self.scratch.mkdir()
        self.verified = root / "verified"
        """Where it may keep which images were verified; nowhere until it is made."""

    def behave(self, part: str, commands: str) -> None:
        """Say in shell what the stand-in does when it is called for ``part``."""
        (self.programs / part).write_text(commands)

    @property
    def node(self) -> Node:
        return Node(
            apptainer=PurePosixPath(self.apptainer),
            scratch=PurePosixPath(self.scratch),
            verified=(PurePosixPath(self.verified),),
        )

    @property
    def run(self) -> SealedRun:
        return SealedRun(
            image=PurePosixPath(self.image),
            image_sha256=sha256(self.image),
            probe_image=PurePosixPath(self.probe_image),
            probe_sha256=sha256(self.probe_image),
            argv=("/app/predict",),
            binds=(
                Bind(source=PurePosixPath(self.storage), target=PurePosixPath("/input")),
                Bind(
                    source=PurePosixPath(self.directory / "output"),
                    target=PurePosixPath("/output"),
                    writable=True,
                ),
            ),
            environment={"SEALRUN_INPUT": "/input"},
            node=self.node,
        )

    def build(self, kind: BuildKind, source: Path) -> Build:
        return Build(
            kind=kind,
            source=PurePosixPath(source),
            source_sha256=sha256(source),
            node=self.node,
        )

    def build_from_code(self, source: Path) -> Build:
        base = PurePosixPath(self.image)
        return replace(
            self.build(BuildKind.CODE, source), base=base, base_sha256=sha256(self.image)
        )

    def start(self, script: str) -> subprocess.Popen[bytes]:
        path = self.storage / "script"
        path.write_text(script)
        return subprocess.Popen(
            ["/bin/bash", str(path)],
            env={"PATH": "/usr/bin:/bin", "SECRET": "s3cret", "APPTAINER_BIND": "/"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )

    def execute(self, script: str, *, lacks: str = "") -> int:
        """Run a script to its end; it says nothing to Slurm's own log but what the node ``lacks``."""
        with self.start(script) as process:
            output, errors = process.communicate(timeout=240)
        assert (output, errors.decode()) == (b"", f"sealrun: {lacks}\n" if lacks else "")
        return process.returncode

    def calls(self, word: str) -> list[list[str]]:
        """Give the argument lists with which the stand-in was called, of those with ``word``.

        Where a build failed, what is known to be well was built, too: that is left out.
        """
        files = sorted((self.programs / "calls").glob("*.argv"))
        calls = [file.read_bytes().decode().split("\0")[:-1] for file in files]
        return [call for call in calls if word in call and "/known" not in call[-1]]

    def environments(self) -> list[dict[str, str]]:
        files = sorted((self.programs / "calls").glob("*.env"))
        return [
            dict(line.split("=", 1) for line in file.read_bytes().decode().split("\0")[:-1])
            for file in files
        ]

    def names(self) -> set[str]:
        """Give what lies in the run directory."""
        return {path.name for path in self.directory.iterdir()}
