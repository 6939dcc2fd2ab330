"""Record which names pyslurm has, so that a test can tell whether ours and the stand-in's are among them.

``python -m tests.support.recordings.record_pyslurm pyslurm-25.11.2.tar.gz`` reads its sources as text, which neither builds nor
imports them; ``pip download --no-deps --no-binary pyslurm pyslurm==25.11.2`` fetches them. Only names are kept:
pyslurm itself is under the GPL.
"""

import hashlib
import json
import re
import sys
import tarfile
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import Any

HERE = Path(__file__).parent
NEEDED = (
    "pyslurm",
    "pyslurm.core.error",
    "pyslurm.core.job.job",
    "pyslurm.core.job.submission",
    "pyslurm.core.slurmctld",
    "pyslurm.core.slurmctld.config",
    "pyslurm.db",
    "pyslurm.db.job",
    "pyslurm.utils.helpers",
    "pyslurm.version",
    "pyslurm.xcollections",
)
"""The modules whose names are kept; of all others only that they are there."""

_IMPORT = re.compile(r"^from\s+\S+\s+import\s+(?:\(([^)]*)\)|(.+))$|^import\s+(\S+)$", re.MULTILINE)
_TOP = re.compile(r"^(?:c?p?def\s+(?:class\s+)?|class\s+)(\w+)|^(\w+)\s*=[^=]", re.MULTILINE)
_CLASS = re.compile(
    r"^(?:cdef\s+)?class\s+(\w+)[^\n]*:\n((?:[ \t]+[^\n]*\n|\s*\n|#[^\n]*\n)*)", re.MULTILINE
)
_MEMBER = re.compile(r"^    def\s+(\w+)|\bself\.(\w+)\s*(?:,\s*self\.(\w+)\s*)?=[^=]", re.MULTILINE)
_PUBLIC = re.compile(r"^    cdef public:\n((?:        [^\n]*\n|\s*\n)+)", re.MULTILINE)


def record(archive: Path) -> dict[str, Any]:
    """Return the document of names of the sources in ``archive``."""
    modules: set[str] = set()
    names: dict[str, set[str]] = defaultdict(set)
    classes: dict[str, set[str]] = defaultdict(set)
    for path, text in _sources(archive):
        module = ".".join(path.with_suffix("").parts).removesuffix(".__init__")
        modules.add(module)
        if module not in NEEDED:
            continue
        names[module] |= set(_top_names(text))
        for match in _CLASS.finditer(text):
            classes[f"{module}.{match[1]}"] |= set(_members(match[2]))
    return {
        "source": archive.name,
        "sha256": hashlib.sha256(archive.read_bytes()).hexdigest(),
        "modules": sorted(modules),
        "names": {module: sorted(found) for module, found in sorted(names.items())},
        "classes": {name: sorted(found) for name, found in sorted(classes.items())},
    }


def _sources(archive: Path) -> Iterator[tuple[PurePosixPath, str]]:
    with tarfile.open(archive) as tar:
        for member in tar:
            path = PurePosixPath(*PurePosixPath(member.name).parts[1:])
            if path.parts[:1] == ("pyslurm",) and path.suffix in {".py", ".pyx", ".pxd"}:
                file = tar.extractfile(member)
                assert file is not None
                yield path, file.read().decode()


def _top_names(text: str) -> Iterator[str]:
    for several, some, module in _IMPORT.findall(text):
        for part in (several or some or module).split(","):
            name = part.split("#")[0].split(" as ")[-1].strip()
            if name.isidentifier():
                yield name
    for defined, assigned in _TOP.findall(text):
        yield defined or assigned


def _members(body: str) -> Iterator[str]:
    for found in _MEMBER.findall(body):
        yield from filter(None, found)
    for block in _PUBLIC.findall(body):
        yield from (word for word in block.split() if word.isidentifier())


def main() -> None:
    """Write the recording of the archive that is named on the command line."""
    archive = Path(sys.argv[1])
    document = record(archive)
    folder = HERE / archive.name.removesuffix(".tar.gz")
    folder.mkdir(exist_ok=True)
    (folder / "names.json").write_text(json.dumps(document, indent=1) + "\n")


if __name__ == "__main__":
    main()
