"""Image archives as ``docker save`` writes them, the same bytes for the same content."""

import hashlib
import io
import json
import tarfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

ARCHITECTURES: Mapping[str, str] = {"x86_64": "amd64", "aarch64": "arm64"}
"""What image formats call the machines that ``uname -m`` names."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One file, symbolic link or directory of an image."""

    path: str
    """Without a leading slash."""
    content: bytes = b""
    mode: int = 0o644
    link: str | None = None
    """The target, if it is a symbolic link."""
    directory: bool = False


def write_archive(entries: Iterable[Entry], target: Path, *, architecture: str) -> None:
    """Write an image of one layer; parents come before their content, as given."""
    layer = _tar(entries)
    layer_digest = hashlib.sha256(layer).hexdigest()
    config = _json(
        {
            "architecture": architecture,
            "os": "linux",
            "config": {"Env": ["PATH=/usr/bin:/bin"]},
            "rootfs": {"type": "layers", "diff_ids": [f"sha256:{layer_digest}"]},
        }
    )
    config_name = f"{hashlib.sha256(config).hexdigest()}.json"
    layer_name = f"{layer_digest}/layer.tar"
    manifest = _json([{"Config": config_name, "RepoTags": None, "Layers": [layer_name]}])
    files = ((config_name, config), (layer_name, layer), ("manifest.json", manifest))
    target.write_bytes(_tar(Entry(path=name, content=content) for name, content in files))


def _tar(entries: Iterable[Entry]) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for entry in entries:
            archive.addfile(_header(entry), io.BytesIO(entry.content))
    return buffer.getvalue()


def _header(entry: Entry) -> tarfile.TarInfo:
    header = tarfile.TarInfo(entry.path)
    header.mode = entry.mode
    if entry.directory:
        header.type, header.mode = tarfile.DIRTYPE, 0o755
    elif entry.link is not None:
        header.type, header.linkname = tarfile.SYMTYPE, entry.link
    else:
        header.size = len(entry.content)
    return header


def _json(value: object) -> bytes:
    return json.dumps(value, sort_keys=True, separators=(",", ":")).encode()
