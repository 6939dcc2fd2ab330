"""The archive writer: the layout that Docker and Apptainer read, and the same bytes each time."""

import hashlib
import io
import json
import tarfile
from pathlib import Path

import pytest

from examples.digits.docker_archive import (
    EPOCH,
    File,
    rewrite_layer,
    write_docker_archive,
    write_layer,
)

FILES = {
    "app/predict": File(content=b"#!/bin/sh\n", mode=0o755),
    "app/data/weights": File(content=b"1,2,3\n"),
    "a.txt": File(content=b""),
}


@pytest.fixture
def layer(tmp_path) -> Path:
    path = tmp_path / "layer.tar"
    write_layer(path, FILES, folders=["input"])
    return path


def root_tar(path: Path, *members: tuple[tarfile.TarInfo, bytes]) -> Path:
    with tarfile.open(path, "w") as archive:
        for info, content in members:
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return path


def member(
    name: str, kind: bytes = tarfile.REGTYPE, link: str = "", **attributes
) -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, link
    for key, value in attributes.items():
        setattr(info, key, value)
    return info


def test_a_layer_is_sorted_and_owned_by_root_at_one_time(layer):
    with tarfile.open(layer) as archive:
        members = archive.getmembers()

    assert [(info.name, info.mode, info.isdir()) for info in members] == [
        ("a.txt", 0o644, False),
        ("app", 0o755, True),
        ("app/data", 0o755, True),
        ("app/data/weights", 0o644, False),
        ("app/predict", 0o755, False),
        ("input", 0o755, True),
    ]
    assert {(info.uid, info.gid, info.uname, info.gname, info.mtime) for info in members} == {
        (0, 0, "", "", EPOCH)
    }


def test_two_writes_give_the_same_bytes(tmp_path, layer):
    again = tmp_path / "again.tar"
    write_layer(again, dict(reversed(FILES.items())), folders=["input"])
    archives = [tmp_path / "1.tar", tmp_path / "2.tar"]
    for archive, source in zip(archives, [layer, again], strict=True):
        write_docker_archive(archive, [source], entrypoint=["/app/predict"], tag="a:1")

    assert archives[0].read_bytes() == archives[1].read_bytes()


def test_an_archive_names_its_config_and_layers_by_their_digests(tmp_path, layer):
    upper = tmp_path / "upper.tar"
    write_layer(upper, {"b.txt": File(content=b"b")})
    path = tmp_path / "image.tar"

    write_docker_archive(path, [layer, upper], entrypoint=["/app/predict"], tag="digits:1")

    with tarfile.open(path) as archive:
        contents = {info.name: archive.extractfile(info).read() for info in archive}
    (manifest,) = json.loads(contents["manifest.json"])
    config = contents[manifest["Config"]]
    digests = [hashlib.sha256(tar.read_bytes()).hexdigest() for tar in (layer, upper)]
    assert manifest["Config"] == f"{hashlib.sha256(config).hexdigest()}.json"
    assert manifest["RepoTags"] == ["digits:1"]
    assert manifest["Layers"] == [f"{digest}/layer.tar" for digest in digests]
    assert contents[manifest["Layers"][1]] == upper.read_bytes()
    assert json.loads(config)["rootfs"]["diff_ids"] == [f"sha256:{digest}" for digest in digests]
    assert json.loads(config)["config"]["Entrypoint"] == ["/app/predict"]


def test_an_archive_that_cannot_be_finished_does_not_appear(tmp_path, layer):
    path = tmp_path / "image.tar"

    with pytest.raises(FileNotFoundError):
        write_docker_archive(path, [layer, tmp_path / "none"], entrypoint=["/x"], tag="a:1")

    assert not path.exists()


def test_a_root_file_system_is_copied_without_devices_owners_and_what_is_not_wanted(tmp_path):
    source = root_tar(
        tmp_path / "root.tar",
        (member("./", tarfile.DIRTYPE, mode=0o755), b""),
        (member("./usr/", tarfile.DIRTYPE, mode=0o755), b""),
        (member("./usr/b", uid=7, gid=7, uname="x", mtime=5, mode=0o4755), b"program"),
        (member("./usr/a", tarfile.LNKTYPE, "./usr/b"), b""),
        (member("./usr/.hidden"), b"h"),
        (member("./usr/doc"), b"unwanted"),
        (member("./bin", tarfile.SYMTYPE, "usr", mode=0o777), b""),
        (member("./dev/null", tarfile.CHRTYPE), b""),
    )

    path = tmp_path / "layer.tar"
    rewrite_layer(
        source,
        path,
        keep=lambda name: name != "usr/doc",
        links={"lib": "usr/lib"},
        files={"usr/.hidden": File(content=b"replaced")},
    )

    with tarfile.open(path) as archive:
        members = archive.getmembers()
        hidden = archive.extractfile("usr/.hidden").read()
        through_link = archive.extractfile("usr/a").read()
    assert [(info.name, info.linkname, oct(info.mode)) for info in members] == [
        ("bin", "usr", "0o777"),
        ("usr", "", "0o755"),
        ("usr/b", "", "0o755"),
        ("usr/a", "usr/b", "0o644"),
        ("lib", "usr/lib", "0o777"),
        ("usr/.hidden", "", "0o644"),
    ]
    assert {(info.uid, info.gid, info.uname, info.mtime) for info in members} == {(0, 0, "", EPOCH)}
    assert (hidden, through_link) == (b"replaced", b"program")
