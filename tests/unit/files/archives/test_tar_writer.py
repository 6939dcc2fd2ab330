import io
import tarfile
from pathlib import PurePosixPath

import pytest

from portal.files.archives.tar_writer import TarWriter


def test_a_file_has_the_size_that_was_announced():
    writer = TarWriter(io.BytesIO())

    with pytest.raises(ValueError) as caught:
        writer.file(PurePosixPath("a"), 3, [b"ab"], executable=False)

    assert str(caught.value) == "a has 2 bytes instead of 3"


def test_directories_come_before_their_content_and_once():
    sink = io.BytesIO()
    writer = TarWriter(sink)
    writer.file(PurePosixPath("a/b/c"), 1, [b"1"], executable=True)
    writer.directory(PurePosixPath("a/b"))
    writer.file(PurePosixPath("a/d"), 0, [], executable=False)
    writer.finish()

    with tarfile.open(fileobj=io.BytesIO(sink.getvalue())) as tar:
        found = [(info.name, oct(info.mode), info.uid, info.mtime) for info in tar]
    assert found == [
        ("a", "0o755", 0, 0),
        ("a/b", "0o755", 0, 0),
        ("a/b/c", "0o755", 0, 0),
        ("a/d", "0o644", 0, 0),
    ]
    assert len(sink.getvalue()) % tarfile.RECORDSIZE == 0
