"""Which uploads of weights are unpacked: told by their content, as it is in formats that people use."""

import bz2
import gzip
import io
import lzma
import tarfile

import pytest

from portal.files.archives.weights import check_weights
from portal.files.errors import BadArchiveError

GIB = 1024**3
PICKLE = b"\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19." + bytes(600)


def tar(*names: str, kind: bytes = tarfile.REGTYPE) -> bytes:
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w") as archive:
        for name in names:
            info = tarfile.TarInfo(name)
            info.type, info.size = kind, 1 if kind == tarfile.REGTYPE else 0
            archive.addfile(info, io.BytesIO(b"1"))
    return content.getvalue()


def packed(content: bytes) -> bytes:
    """Compress without the time of day: these bytes are in names of tests, which have to be alike in all processes."""
    return gzip.compress(content, mtime=0)


@pytest.mark.parametrize(
    ("filename", "content"),
    [
        ("shards.tar", tar("a/one.bin")),
        ("shards", tar("one.bin")),
        ("shards.bin", packed(tar("one.bin"))),
        ("shards.tar.gz", packed(tar("one.bin"))),
        ("shards.tbz2", bz2.compress(tar("one.bin"))),
        ("shards.tar.xz", lzma.compress(tar("one.bin"))),
    ],
)
def test_a_tar_is_unpacked_whatever_it_is_called(make_file, filename, content):
    assert check_weights(make_file(content), filename, max_bytes=GIB)


@pytest.mark.parametrize(
    ("filename", "content"),
    [
        ("model_best.pth.tar", PICKLE),
        ("model.tar.gz", PICKLE),
        ("model.bin.gz", packed(PICKLE)),
        ("model.rds", packed(b"X\n\0\0")),
        ("model.gz", b"\x1f\x8b no gzip"),
        ("model.tar", bytes(4096)),
        ("model.bin.gz", packed(bytes(4096))),
        ("model.nemo", tar("model_config.yaml")),
        ("model.zip", PICKLE),
        ("shards.tar.zst", b"\x28\xb5\x2f\xfd" + bytes(20)),
        ("tiny.tar", b"1"),
    ],
)
def test_everything_else_is_the_file_as_it_is(make_file, filename, content):
    assert not check_weights(make_file(content), filename, max_bytes=GIB)


@pytest.mark.parametrize(
    ("filename", "unpacked"),
    [
        ("model.pt", False), ("model_best.pth.tar", False), ("arrays.npz", False), ("model.keras", False),
        ("shards.zip", True), ("SHARDS.ZIP", True),
    ],
)  # fmt: skip
def test_a_zip_is_unpacked_only_where_it_is_called_so(make_zip, filename, unpacked):
    file = make_zip(("archive/data.pkl", b"1"))

    assert check_weights(file, filename, max_bytes=GIB) is unpacked


@pytest.mark.parametrize(
    ("filename", "content", "reason"),
    [
        ("a.tar", tar("one.bin", "two.bin")[:1200], "damaged"),
        ("a.tar.gz", packed(tar("one.bin"))[:-9], "damaged"),
        ("a.tar.gz", b"\x1f\x8b no gzip", "damaged"),
        ("a.tar", tar("one.bin", kind=tarfile.FIFOTYPE), "kind"),
        ("a.tar", tar("folder", kind=tarfile.DIRTYPE), "empty"),
        ("a.tar", tar("../one.bin"), "name"),
        ("a.tar", tar("one", "two", "three"), "too_large"),
    ],
)
def test_an_archive_that_cannot_be_used_is_refused(make_file, filename, content, reason):
    with pytest.raises(BadArchiveError) as caught:
        check_weights(make_file(content), filename, max_bytes=2)

    assert caught.value.reason == reason


def test_a_compressed_archive_that_takes_too_long_to_look_through_is_better_a_plain_one(
    make_file, monkeypatch
):
    monkeypatch.setattr("portal.files.archives.weights.MAX_PACKED_BYTES", 1)
    members = tar("one", "two")

    assert check_weights(make_file(members), "a.tar", max_bytes=2)
    with pytest.raises(BadArchiveError) as caught:
        check_weights(make_file(packed(members)), "a.tar.gz", max_bytes=2)

    assert caught.value.message.endswith("A tar without compression may hold more.")
