"""A pretended node: leaves in a run directory what the batch script would leave there."""

import hashlib
import json
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from containers.interface import Node
from scheduler.interface import JobSpec, Token

SEALED: dict[str, Any] = {
    "probe": 1,
    "interfaces": ["lo"],
    "routes": 0,
    "capabilities": dict.fromkeys(
        ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"), "0000000000000000"
    ),
    "no_new_privs": 1,
    "seccomp": 2,
    "uid": 20200,
    "gid": 20200,
    "nested_namespace": False,
    "namespaces": {
        kind: {"own": f"{kind}:[2]", "node": f"{kind}:[1]"} for kind in ("net", "pid", "ipc", "mnt")
    },
    "binds": [],
    "devices": {},
    "services": [],
    "variables": [],
    "mounts": [],
    "problems": [],
}

Work = Callable[[Path], int]
"""What a container does: gets its output directory, returns its exit code."""


def good_predictions(output: Path) -> int:
    (output / "predictions.csv").write_text("id,digit\n1,7\n")
    return 0


def good_scores(output: Path) -> int:
    (output / "scores.json").write_text(json.dumps({"accuracy": 0.91239, "loss": 0.25}))
    return 0


@dataclass
class PretendedNode:
    """Runs scripts by name only. ``ran`` lists what got the claim of its run directory."""

    predict: Work = good_predictions
    score: Work = good_scores
    probe: dict[str, Any] = field(default_factory=lambda: dict(SEALED))
    reason: str = ""
    """Leave this word and stop, before the container starts or after it has ended."""
    starts: bool = False
    """Whether the container starts although there is such a reason."""
    apptainer_says: str = ""
    """What a build that stops has written to its log, with ``{scratch}`` and ``{storage}`` for places here."""
    leaves_marker: bool = True
    ran: list[tuple[str, str]] = field(default_factory=list)
    scripts: list[str] = field(default_factory=list)
    """Of all jobs that were sent, those without the claim as well."""

    def __call__(self, spec: JobSpec, token: Token) -> int:
        directory = Path(spec.workdir)
        self.scripts.append(spec.script)
        try:
            (directory / "claim").mkdir()
        except FileExistsError:
            return 75
        kind = _kind(spec.script)
        self.ran.append((kind, token))
        (directory / "claim" / "token").write_text(f"{token}\n")
        (directory / "versions").write_text("apptainer 1.4.5\nkernel 6.1\nslurm 24.11\nnode n1\n")
        if kind == "measure":
            code = self._measure(_assigned(spec.script, "data"), directory)
        elif kind == "build":
            code = self._build(directory)
        else:
            (directory / "data").write_text(f"{_looks(_assigned(spec.script, 'data'))}\n")
            code = self._run(kind, directory, token)
        if code is None:
            return 80
        if self.leaves_marker:
            (directory / "done").write_text(f"{token}\n")
        return code

    def _build(self, directory: Path) -> int | None:
        if self.reason in {"build_failed", "node_unfit", "unsigned"}:
            places = {
                "scratch": f"{Node().scratch}/sealrun-t",
                "storage": str(directory.parents[2]),
            }
            (directory / "stderr.log").write_text(self.apptainer_says.format(**places))
            return self._stop(directory)
        content = hashlib.sha256(str(directory).encode()).digest()
        (directory / "image.sif").write_bytes(content)
        digest = hashlib.sha256(content).hexdigest()
        (directory / "image.sha256").write_text(f"{digest}\n")
        return 0

    def _measure(self, data: str, directory: Path) -> int | None:
        if self.reason.startswith("data_"):
            return self._stop(directory)
        files = sorted(path for path in Path(data).rglob("*") if path.is_file())
        records = sorted(
            f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.relative_to(data)}\0"
            for path in files
        )
        (directory / "manifest").write_text("".join(records))
        size = sum(path.stat().st_size for path in files)
        (directory / "measured").write_text(f"{_looks(data)} {len(files)} {size}\n")
        (directory / "exit").write_text("0\n")
        return 0

    def _run(self, kind: str, directory: Path, token: str) -> int | None:
        (directory / "probe.json").write_text(json.dumps(self.probe))
        digests = "a" * 64 + " " + "a" * 64
        (directory / "image.check").write_text(f"probe {digests} known\nimage {digests} computed\n")
        output = directory / "output"
        output.mkdir()
        if self.reason and not self.starts:
            return self._stop(directory)
        (directory / "started").write_text(f"{token}\n")
        code = (self.score if kind == "score" else self.predict)(output)
        if self.reason:
            return self._stop(directory)
        (directory / "exit").write_text(f"{code}\n")
        return code

    def _stop(self, directory: Path) -> None:
        (directory / "reason").write_text(f"{self.reason}\n")


def _assigned(script: str, name: str) -> str:
    """Return a value that stands in front of a script, or the first of several; empty where there is none."""
    found = re.search(rf"^{name}=\(?\s*([^\s)]*)", script, flags=re.MULTILINE)
    return found[1] if found else ""


def _looks(data: str) -> str:
    seen = [f"{path} {path.stat().st_size} {path.stat().st_mtime_ns}" for path in _below(data)]
    return hashlib.sha256("\n".join(seen).encode()).hexdigest()


def _below(data: str) -> list[Path]:
    return sorted(Path(data).rglob("*")) if data else []


def _kind(script: str) -> str:
    if "A measurement of data" in script:
        return "measure"
    if "An image build" in script:
        return "build"
    return "score" if "/input/ref" in script else "predict"
