import hashlib
import io
import json
import tarfile
from pathlib import Path

from containers.archives import Entry, write_archive

ENTRIES = (
    Entry(path="bin", directory=True),
    Entry(path="bin/tool", content=b"tool", mode=0o755),
    Entry(path="bin/sh", link="tool"),
    Entry(path="etc/empty"),
)


def test_it_has_one_layer_that_the_configuration_names(tmp_path: Path) -> None:
    target = tmp_path / "image.tar"

    write_archive(ENTRIES, target, architecture="amd64")

    with tarfile.open(target) as archive:
        (image,) = json.load(archive.extractfile("manifest.json"))
        config = json.load(archive.extractfile(image["Config"]))
        (layer,) = [archive.extractfile(name).read() for name in image["Layers"]]
    digest = hashlib.sha256(layer).hexdigest()
    assert config["rootfs"] == {"type": "layers", "diff_ids": [f"sha256:{digest}"]}
    assert (config["architecture"], config["os"]) == ("amd64", "linux")


def test_the_layer_holds_the_entries(tmp_path: Path) -> None:
    target = tmp_path / "image.tar"

    write_archive(ENTRIES, target, architecture="amd64")

    with tarfile.open(target) as archive:
        (name,) = [name for name in archive.getnames() if name.endswith("/layer.tar")]
        content = io.BytesIO(archive.extractfile(name).read())
    with tarfile.open(fileobj=content) as layer:
        members = [(m.name, m.type, oct(m.mode), m.linkname, m.size) for m in layer.getmembers()]
        assert layer.extractfile("bin/tool").read() == b"tool"
    assert members == [
        ("bin", tarfile.DIRTYPE, "0o755", "", 0),
        ("bin/tool", tarfile.REGTYPE, "0o755", "", 4),
        ("bin/sh", tarfile.SYMTYPE, "0o644", "tool", 0),
        ("etc/empty", tarfile.REGTYPE, "0o644", "", 0),
    ]


def test_the_same_entries_give_the_same_bytes(tmp_path: Path) -> None:
    for name in ("one", "two"):
        write_archive(ENTRIES, tmp_path / name, architecture="amd64")

    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()
