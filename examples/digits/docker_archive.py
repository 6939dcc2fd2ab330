"""Write container images as ``docker save`` archives without Docker.

The same input gives the same bytes: members are sorted, owners are 0 and all times are equal. So an
image has one sha256 wherever it is built, and the portal keeps and converts it once.
"""

import hashlib
import io
import json
import tarfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

EPOCH = 1_767_225_600
"""The time that every file gets: the start of 2026."""


@dataclass(frozen=True, slots=True, kw_only=True)
class File:
    """A regular file of a layer."""

    content: bytes
    mode: int = 0o644


def write_layer(path: Path, files: Mapping[str, File], *, folders: Iterable[str] = ()) -> None:
    """Write a layer with these files, the folders above them and some empty folders."""
    folders = {*folders, *(str(parent) for name in files for parent in Path(name).parents)} - {"."}
    with tarfile.open(path, "w", format=tarfile.PAX_FORMAT) as layer:
        for name in sorted({*folders, *files}):
            info = _plain(tarfile.TarInfo(name))
            if name in folders:
                info.type, info.mode = tarfile.DIRTYPE, 0o755
                layer.addfile(info)
            else:
                _add(layer, name, files[name])


def rewrite_layer(
    source: Path,
    path: Path,
    *,
    keep: Callable[[str], bool],
    links: Mapping[str, str],
    files: Mapping[str, File],
) -> None:
    """Copy a root file system's tar into a layer: only what ``keep`` wants, with additions.

    ``links`` are symbolic links, name to target. Devices are left out: the runtime makes its own.
    """
    with (
        tarfile.open(source) as root,
        tarfile.open(path, "w", format=tarfile.PAX_FORMAT) as layer,
    ):
        found = {_relative(member.name): member for member in root}
        kept = {name: member for name, member in found.items() if name and keep(name)}
        # A hard link must come after the file that it names, which sorting alone does not promise.
        for name, member in sorted(kept.items(), key=lambda item: (item[1].islnk(), item[0])):
            if name in files or name in links or member.isdev():
                continue
            content = root.extractfile(member) if member.isreg() else None
            member.name, member.linkname = name, _link_target(member)
            layer.addfile(_plain(member), content)
        for name, target in sorted(links.items()):
            info = _plain(tarfile.TarInfo(name))
            info.type, info.linkname, info.mode = tarfile.SYMTYPE, target, 0o777
            layer.addfile(info)
        for name, file in sorted(files.items()):
            _add(layer, name, file)


def write_docker_archive(
    path: Path, layers: Sequence[Path], *, entrypoint: Sequence[str], tag: str
) -> None:
    """Write an archive that ``docker load`` and ``apptainer build docker-archive:`` read.

    ``layers`` are uncompressed tar files, the lowest first. The file appears whole or not at all.
    """
    digests = [_sha256(layer) for layer in layers]
    config = _json(
        {
            "architecture": "amd64",
            "os": "linux",
            "created": "2026-01-01T00:00:00Z",
            "config": {
                "Entrypoint": list(entrypoint),
                "Env": ["PATH=/usr/local/bin:/usr/bin:/bin"],
                "WorkingDir": "/",
            },
            "rootfs": {"type": "layers", "diff_ids": [f"sha256:{digest}" for digest in digests]},
            "history": [{"created": "2026-01-01T00:00:00Z"} for _ in digests],
        }
    )
    names = [f"{digest}/layer.tar" for digest in digests]
    config_name = f"{hashlib.sha256(config).hexdigest()}.json"
    manifest = _json([{"Config": config_name, "RepoTags": [tag], "Layers": names}])
    partial = path.with_name(f".{path.name}.part")
    with tarfile.open(partial, "w", format=tarfile.PAX_FORMAT) as archive:
        _add(archive, "manifest.json", File(content=manifest))
        _add(archive, config_name, File(content=config))
        for name, layer in dict(zip(names, layers, strict=True)).items():
            info = _plain(tarfile.TarInfo(name))
            info.size = layer.stat().st_size
            with layer.open("rb") as content:
                archive.addfile(info, content)
    partial.replace(path)


def _add(archive: tarfile.TarFile, name: str, file: File) -> None:
    info = _plain(tarfile.TarInfo(name))
    info.mode, info.size = file.mode, len(file.content)
    archive.addfile(info, io.BytesIO(file.content))


def _plain(info: tarfile.TarInfo) -> tarfile.TarInfo:
    """Take away what differs from one build to the next; set-id bits have no use in a sealed job."""
    info.uid = info.gid = 0
    info.uname = info.gname = ""
    info.mtime = EPOCH
    info.mode &= 0o1777
    info.pax_headers = {}
    return info


def _relative(name: str) -> str:
    plain = name.removeprefix("./").strip("/")
    return "" if plain == "." else plain


def _link_target(member: tarfile.TarInfo) -> str:
    return _relative(member.linkname) if member.islnk() else member.linkname


def _json(value: object) -> bytes:
    return json.dumps(value, sort_keys=True, separators=(",", ":")).encode()


def _sha256(path: Path) -> str:
    with path.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()
