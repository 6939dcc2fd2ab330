import bz2
import errno
import gzip
import io
import lzma

import pytest

from portal.files.archives.decompression import _Compressed, open_source
from portal.files.archives.formats import Format
from portal.files.errors import BadArchiveError

PACK = {Format.GZIP: gzip.compress, Format.BZIP2: bz2.compress, Format.XZ: lzma.compress}
every_form = pytest.mark.parametrize("form", [Format.TAR, *PACK])


@pytest.fixture
def opened(make_file):
    def open_packed(form, content):
        return open_source(make_file(PACK.get(form, bytes)(content)), form)

    return open_packed


@every_form
def test_a_read_is_short_only_at_the_end(opened, form):
    with opened(form, bytes(1_000_000)) as source:
        lengths = [len(source.read(300_000)) for _ in range(5)]

    assert lengths == [300_000, 300_000, 300_000, 100_000, 0]


@every_form
def test_what_is_skipped_is_passed_over(opened, form):
    with opened(form, b"abcdef") as source:
        source.skip(2)
        assert source.read(2) == b"cd"
        source.skip(2)
        assert source.read(2) == b""


@every_form
def test_more_than_there_is_cannot_be_skipped(opened, form):
    with opened(form, b"abcdef") as source, pytest.raises(BadArchiveError) as caught:
        source.skip(7)

    assert caught.value.reason == "damaged"


@pytest.mark.parametrize("form", [Format.ZIP, Format.SIF, Format.ZSTD])
def test_other_forms_hold_no_tar(opened, form):
    with pytest.raises(ValueError), opened(form, b""):
        pass


class FailingDisk(io.RawIOBase):
    """A file on a disk that has stopped working."""

    def readable(self):
        return True

    def readinto(self, _buffer):
        raise OSError(errno.EIO, "Input/output error")


def test_a_failing_disk_is_not_damage():
    source = _Compressed(gzip.GzipFile(fileobj=io.BufferedReader(FailingDisk())), 100)

    with pytest.raises(OSError) as caught:
        source.read(10)

    assert caught.value.errno == errno.EIO
