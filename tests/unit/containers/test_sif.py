"""Uploaded SIFs are looked at, never run: the tables are made here by hand."""

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from containers.sif import NotASifError, SifHeader, read_sif
from tests.support.uploads.sifs import (
    DATA,
    DEFINITION,
    ENCRYPTED,
    EXT3,
    OVERLAPPING,
    OVERLAY,
    SIGNATURE,
    SLOT,
    START,
    SYSTEM,
    TABLE,
    descriptor,
    header,
    sif,
    superblock,
)


@pytest.fixture
def upload(tmp_path: Path):
    def write(content: bytes) -> Path:
        path = tmp_path / "upload"
        path.write_bytes(content)
        return path

    return write


def test_a_plain_image_is_taken(upload) -> None:
    content = sif(
        descriptor(DEFINITION, offset=START + 300, size=10),
        descriptor(number=2),
        descriptor(SIGNATURE, size=0, number=3),
    )

    header = read_sif(upload(content))

    assert header == SifHeader(
        architecture="amd64", objects=("definition", "partition", "signature"), system=2
    )
    assert header.is_signed


def test_a_part_with_the_number_of_the_system_is_refused(upload) -> None:
    """Its signature could be taken for that of the system."""
    content = sif(descriptor(DEFINITION, offset=START + 300, size=10), descriptor())

    with pytest.raises(NotASifError, match="the same number"):
        read_sif(upload(content))


@pytest.mark.parametrize(
    ("arch", "name"), [(b"02\0", "amd64"), (b"04\0", "arm64"), (b"06\0", "ppc64le")]
)
def test_the_architecture_is_told(upload, arch: bytes, name: str) -> None:
    content = sif(descriptor(arch=arch), head=header(arch=arch))

    assert read_sif(upload(content)).architecture == name


def test_slots_that_are_not_used_do_not_count(upload) -> None:
    content = sif(descriptor(used=False, purpose=OVERLAY, offset=-1), descriptor())

    assert read_sif(upload(content)).objects == ("partition",)


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b"\x7fELF" * 100, id="a program"),
        pytest.param(header()[:127], id="cut in the header"),
        pytest.param(header(), id="nothing but the header"),
        pytest.param(sif(descriptor(), head=header(magic=b"SIF_MAGIX\0")), id="magic"),
        pytest.param(sif(descriptor(), head=header(version=b"02\0")), id="version"),
        pytest.param(sif(descriptor(), head=header(slots=0)), id="no slots"),
        pytest.param(sif(descriptor(), head=header(slots=-1)), id="less than no slots"),
        pytest.param(sif(descriptor(), head=header(slots=2**48)), id="endless slots"),
        pytest.param(sif(descriptor(), head=header(table=-5)), id="table before the file"),
        pytest.param(sif(descriptor(), head=header(table=0)), id="table in the header"),
        pytest.param(sif(descriptor(), head=header(table=2**62)), id="table after the file"),
        pytest.param(sif(descriptor(), length=TABLE + SLOT), id="cut in the table"),
        pytest.param(sif(descriptor(), length=START + 50), id="cut in the data"),
        pytest.param(sif(descriptor(offset=-1)), id="data before the file"),
        pytest.param(sif(descriptor(size=-1)), id="data of negative length"),
        pytest.param(sif(descriptor(offset=2**63 - 1, size=2**63 - 1)), id="data far away"),
        pytest.param(sif(), id="no partition"),
        pytest.param(sif(descriptor(DEFINITION)), id="only a definition"),
        pytest.param(sif(descriptor(), descriptor()), id="two systems"),
        pytest.param(sif(descriptor(), descriptor(purpose=OVERLAY)), id="overlay"),
        pytest.param(sif(descriptor(), descriptor(purpose=DATA)), id="data partition"),
        pytest.param(sif(descriptor(purpose=SYSTEM)), id="not the primary system"),
        pytest.param(sif(descriptor(file_system=EXT3)), id="ext3"),
        pytest.param(sif(descriptor(file_system=ENCRYPTED)), id="encrypted"),
        pytest.param(sif(descriptor(arch=b"04\0")), id="two architectures"),
        pytest.param(sif(descriptor(arch=b"99\0"), head=header(arch=b"99\0")), id="no machine"),
    ],
)
def test_everything_else_is_refused(upload, content: bytes) -> None:
    with pytest.raises(NotASifError):
        read_sif(upload(content))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (
            sif(descriptor(file_system=ENCRYPTED)),
            "The image is encrypted. Build it without --encrypt.",
        ),
        (
            sif(descriptor(), descriptor(offset=START + 200, purpose=OVERLAY)),
            "The image has a writable overlay. Build it again without one.",
        ),
        (
            sif(descriptor(file_system=EXT3)),
            "The image holds an ext3 file system. Build it again as squashfs.",
        ),
        (
            sif(descriptor(), descriptor(offset=START + 200, purpose=SYSTEM)),
            "The image holds several systems. Build it with exactly one.",
        ),
        (
            sif(descriptor(), descriptor(0x40FF, offset=START + 200)),
            "The image holds a part of a kind that is not known here.",
        ),
        (OVERLAPPING, "Parts of the image overlap each other."),
        (
            sif(descriptor(DEFINITION, offset=TABLE, size=10), descriptor()),
            "A part of the image overlaps its table of contents.",
        ),
        (
            sif(descriptor(), system=superblock(magic=0)),
            "The image's system partition is no squashfs.",
        ),
        (
            sif(descriptor(), system=superblock(version=3)),
            "The image's system partition is no squashfs.",
        ),
        (
            sif(descriptor(), system=superblock(compression=9)),
            "The image's squashfs is compressed in a way that is not known.",
        ),
        (
            sif(descriptor(), system=superblock(inodes=2_000_001)),
            "The image holds 2000001 files; up to 2000000 are accepted. Leave some out.",
        ),
        (
            sif(descriptor(), system=superblock(used=101)),
            "The image's squashfs is damaged or cut short.",
        ),
        (
            sif(descriptor(), system=superblock(table=2**40)),
            "The image's squashfs is damaged or cut short.",
        ),
        (
            sif(descriptor(), system=superblock(block=4096)),
            "The image's squashfs is damaged or cut short.",
        ),
    ],
)
def test_a_refusal_says_what_is_wrong(upload, content: bytes, message: str) -> None:
    with pytest.raises(NotASifError) as caught:
        read_sif(upload(content))

    assert str(caught.value) == message


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(place=st.integers(0, TABLE + 2 * SLOT), value=st.integers(0, 255))
def test_a_changed_byte_does_no_harm(upload, place: int, value: int) -> None:
    content = bytearray(sif(descriptor(DEFINITION, offset=START + 300, size=10), descriptor()))
    content[place] = value

    try:
        found = read_sif(upload(bytes(content)))
    except NotASifError:
        return
    assert found.objects.count("partition") == 1
