"""The batch scripts: values, each quoted, in front of shell text that never changes.

The text lies in ``shell/`` and needs bash, coreutils, tar, util-linux and Apptainer on the node. Nothing
of it is made from values: they arrive as variables and arrays, and are only ever used in quotes.
"""

import re
import shlex
from collections.abc import Iterable, Mapping
from pathlib import Path, PurePosixPath

from containers.definitions import definition
from containers.environments import LOCK, installation
from containers.interface import LOG_LIMIT, Build, BuildKind, Measure, Node, Packages, SealedRun
from containers.isolation import (
    COUNTERS,
    LANGUAGE,
    LANGUAGE_FILE,
    SCRATCH_NAMES,
    clean_environment,
    payload_argv,
    plain_path,
    probe_argv,
)
from containers.seccomp import profile

MEMBER_LIMIT = 4096
"""Entries that an image archive may have; ``docker save`` writes three or four for each layer."""

_SHELL = Path(__file__).with_name("shell")
_SHA256 = re.compile(r"[0-9a-f]{64}")
_TOKEN = re.compile(r"[a-z0-9-]{1,60}")
_SCRATCH = re.compile(r"/[A-Za-z0-9._/-]*")
_VERSION = re.compile(r"[0-9]+(\.[0-9]+){1,3}")
_KIB = 1024


def run_script(run: SealedRun, *, token: str, directory: PurePosixPath) -> str:
    """Give the batch script that probes the node and then runs the image, in a run directory.

    Raises ValueError for values that Apptainer would not take literally.
    """
    scratch = _scratch(run.node, token)
    values = {
        **_common(run.node, token=token, directory=directory, scratch=scratch),
        "file_blocks": str(max(1, run.file_size_limit // _KIB)),
        "process_limit": str(run.process_limit),
        "time_limit": str(run.time_limit),
        "output_kib": "" if run.output_limit is None else str(run.output_limit // _KIB),
        "output_files": str(run.output_files),
        "scratch_kib": str(max(1, run.scratch_limit // _KIB)),
        "scratch_files": str(run.scratch_files),
        "disk": run.disk,
        "image": str(plain_path(run.image)),
        "image_sha256": _digest(run.image_sha256),
        "probe_image": str(plain_path(run.probe_image)),
        "probe_sha256": _digest(run.probe_sha256),
        "outputs": _outputs(run),
        "data": [str(plain_path(directory)) for directory in run.data],
        "hidden": COUNTERS,
        "verified": _verified(run.node),
        "probe": probe_argv(run, scratch=scratch),
        "payload": payload_argv(run, scratch=scratch),
    }
    return _assemble(
        "A sealed run",
        values,
        _settings(scratch),
        "common.sh",
        "limits.sh",
        "space.sh",
        "data.sh",
        "masks.sh",
        "names.sh",
        "verified.sh",
        "run.sh",
    )


def build_script(build: Build, *, token: str, directory: PurePosixPath) -> str:
    """Give the batch script that makes one image without network, in a run directory.

    Raises ValueError for values that Apptainer would not take literally.
    """
    if (build.kind is BuildKind.CODE) != (build.base is not None):
        raise ValueError("a base image belongs to a build from code, and only to that")
    if build.packages is not None and build.kind is not BuildKind.CODE:
        raise ValueError("only a build from code has packages")
    if build.signature is not None and not (build.kind is BuildKind.SIF and build.signature.keys):
        raise ValueError("only a SIF is signed, and by a key")
    if build.layout and build.kind is not BuildKind.ARCHIVE:
        raise ValueError("only an archive has a layout")
    if build.chosen and not (build.layout and build.chosen.isprintable()):
        raise ValueError("an image is chosen in a known layout, by a manifest on one line")
    scratch = _scratch(build.node, token)
    install = installation(build, scratch=scratch)
    values = {
        **_common(build.node, token=token, directory=directory, scratch=scratch),
        "kind": build.kind.value,
        "source": str(plain_path(build.source)),
        "source_sha256": _digest(build.source_sha256),
        "layout": build.layout,
        "chosen": build.chosen,
        "base": str(plain_path(build.base)) if build.base else "",
        "base_sha256": _digest(build.base_sha256) if build.base else "",
        "definition": definition(
            base=scratch / "base.sif",
            files=scratch / "submission",
            environment=scratch / "environment" if install else None,
        ),
        "known_definition": definition(
            base=scratch / "base.sif", files=scratch / "known" / "submission"
        ),
        **_packages(build.packages),
        "lock": LOCK,
        "signature_keys": build.signature.keys if build.signature else (),
        "system_part": str(build.signature.part) if build.signature else "",
        "install": payload_argv(install, scratch=scratch) if install else (),
        "size_limit": str(build.size_limit),
        "file_blocks": str(max(1, build.unpacked_limit // _KIB)),
        "unpacked_kib": str(build.unpacked_limit // _KIB),
        "unpacked_files": str(build.unpacked_files),
        "process_limit": str(build.process_limit),
        "member_limit": str(MEMBER_LIMIT),
        "verified": _verified(build.node),
    }
    settings = _settings(scratch) if install else ""
    return _assemble(
        "An image build",
        values,
        settings,
        "common.sh",
        "limits.sh",
        "names.sh",
        "verified.sh",
        "build.sh",
    )


def keeps_names() -> str:
    """Give the shell function of this name, for scripts that ask where a node can note which images it has verified."""
    return _part("names.sh")


def _packages(packages: Packages | None) -> dict[str, str]:
    if packages is None:
        return {"wheelhouse": "", "requirements": "", "requirements_sha256": ""}
    return {
        "wheelhouse": str(plain_path(packages.wheelhouse)),
        "requirements": str(plain_path(packages.requirements)),
        "requirements_sha256": _digest(packages.requirements_sha256),
    }


def measure_script(measure: Measure, *, token: str, directory: PurePosixPath) -> str:
    """Give the batch script that writes down what is in a data directory.

    Nothing of a participant runs in it. Raises ValueError for paths that are not plain.
    """
    scratch = _scratch(measure.node, token)
    values = {
        **_common(measure.node, token=token, directory=directory, scratch=scratch),
        "data": str(plain_path(measure.directory)),
    }
    return _assemble("A measurement of data", values, "", "common.sh", "data.sh", "measure.sh")


def _outputs(run: SealedRun) -> list[str]:
    outputs = [str(bind.source) for bind in run.binds if bind.writable]
    if len(outputs) > 1 or (run.output_limit is not None and not outputs):
        raise ValueError("a run has at most one writable directory, and a limit needs one")
    return outputs


def _common(
    node: Node, *, token: str, directory: PurePosixPath, scratch: PurePosixPath
) -> dict[str, str | Iterable[str]]:
    return {
        "directory": str(plain_path(directory)),
        "token": token,
        "scratch": str(scratch),
        "scratch_directories": [str(scratch / name) for name in SCRATCH_NAMES],
        "log_limit": str(LOG_LIMIT),
        "apptainer": str(plain_path(node.apptainer)),
        "minimum": _version(node.minimum),
        "clean_environment": clean_environment(scratch),
    }


def _verified(node: Node) -> list[str]:
    return [str(plain_path(place)) for place in node.verified]


def _version(text: str) -> str:
    if not _VERSION.fullmatch(text):
        raise ValueError(f"not a release of Apptainer: {text!r}")
    return text


def _assemble(
    title: str, values: Mapping[str, str | Iterable[str]], function: str, *parts: str
) -> str:
    assignments = "\n".join(f"{name}={_quoted(value)}" for name, value in values.items())
    body = "\n".join(map(_part, parts))
    return f"#!/bin/bash\n# {title}, written by Sealrun.\n\n{assignments}\n{function}\n{body}"


def _part(name: str) -> str:
    return (_SHELL / name).read_text(encoding="utf-8")


def _quoted(value: str | Iterable[str]) -> str:
    if isinstance(value, str):
        return shlex.quote(value)
    return "(\n" + "".join(f"    {shlex.quote(item)}\n" for item in value) + ")"


def _settings(scratch: PurePosixPath) -> str:
    """Give the function that writes the files that the flags of a sealed run name."""
    filters, language = (
        shlex.quote(str(scratch / name)) for name in ("seccomp.json", LANGUAGE_FILE)
    )
    return (
        f"\nput_settings() {{\n    cat >{filters} <<'PROFILE' || return\n{profile()}PROFILE\n"
        f"    cat >{language} <<'LANGUAGE'\n{LANGUAGE}LANGUAGE\n}}\n"
    )


def _scratch(node: Node, token: str) -> PurePosixPath:
    if not _TOKEN.fullmatch(token):
        raise ValueError(f"not a token: {token!r}")
    if not _SCRATCH.fullmatch(str(node.scratch)) or ".." in node.scratch.parts:
        raise ValueError(f"not a plain scratch directory: {str(node.scratch)!r}")
    return node.scratch / f"sealrun-{token}"


def _digest(value: str | None) -> str:
    if value is None or not _SHA256.fullmatch(value):
        raise ValueError(f"not a SHA-256 in lower-case hexadecimal: {value!r}")
    return value
