import bz2
import gzip
import io
import itertools
import lzma
import os
import stat
import tarfile
import zipfile
from contextlib import suppress

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from portal.files.archives.submitted import UnpackedResults, unpack_results
from portal.files.errors import BadArchiveError

LIMITS = {"max_bytes": 10_000, "max_files": 10}


@pytest.fixture
def target(tmp_path):
    return tmp_path / "results"


def contents(directory):
    return {
        str(path.relative_to(directory)): path.read_bytes()
        for path in sorted(directory.rglob("*"))
        if path.is_file()
    }


def refusal(source, target, required, **limits):
    with pytest.raises(BadArchiveError) as caught:
        unpack_results(source, target, required=required, **LIMITS | limits)
    assert [path.name for path in target.parent.iterdir()] == [source.name]
    return caught.value.reason, caught.value.message


def test_a_single_file_takes_the_required_name(make_file, target):
    result = unpack_results(make_file(b"1,2,3"), target, required=["counts.csv"], **LIMITS)

    assert result == UnpackedResults(files=1, size=5)
    assert contents(target) == {"counts.csv": b"1,2,3"}


def test_a_single_file_may_be_required_in_a_directory(make_file, target):
    unpack_results(make_file(b"1"), target, required=["out/counts.csv"], **LIMITS)

    assert contents(target) == {"out/counts.csv": b"1"}


@pytest.mark.parametrize("maker", ["make_tar", "make_zip"])
def test_an_archive_is_unpacked(request, maker, target):
    source = request.getfixturevalue(maker)(("a.csv", b"1"), ("maps/1.bin", b"23"))

    result = unpack_results(source, target, required=["a.csv", "maps/1.bin"], **LIMITS)

    assert result == UnpackedResults(files=2, size=3)
    assert contents(target) == {"a.csv": b"1", "maps/1.bin": b"23"}


def test_an_archive_may_hold_the_single_required_file(make_zip, target):
    unpack_results(make_zip(("counts.csv", b"1")), target, required=["counts.csv"], **LIMITS)

    assert contents(target) == {"counts.csv": b"1"}


NO_TAR = gzip.compress(b"BAM\1" + bytes(200), mtime=0)


@pytest.mark.parametrize(
    ("required", "filename"),
    [("predictions.bam", "predictions.bam"), ("out/model.rds", "mine.rds"), ("scores", "scores")],
)
def test_a_file_of_a_packed_format_is_taken_as_it_is(make_file, target, required, filename):
    unpack_results(make_file(NO_TAR), target, required=[required], filename=filename, **LIMITS)

    assert contents(target) == {required: NO_TAR}


def test_an_archive_of_such_a_name_that_holds_the_file_is_unpacked(make_tar, target):
    source = make_tar(("predictions.bam", NO_TAR), mode="w:gz")

    unpack_results(
        source, target, required=["predictions.bam"], filename="predictions.bam", **LIMITS
    )

    assert contents(target) == {"predictions.bam": NO_TAR}


@pytest.mark.parametrize("compress", [gzip.compress, bz2.compress, lzma.compress])
@pytest.mark.parametrize("filename", ["counts.csv.gz", "counts.csv"])
def test_a_compressed_text_is_unpacked(make_file, target, compress, filename):
    source = make_file(compress(b"1,2,3"))

    result = unpack_results(source, target, required=["counts.csv"], filename=filename, **LIMITS)

    assert result == UnpackedResults(files=1, size=5)
    assert contents(target) == {"counts.csv": b"1,2,3"}


def test_a_compressed_text_has_the_limit_of_the_file_inside(make_file, target):
    source = make_file(gzip.compress(b"1" * 10_001))

    assert refusal(source, target, ["counts.csv"], filename="counts.csv.gz")[0] == "too_large"


def test_a_compressed_text_that_is_cut_is_damaged(make_file, target):
    source = make_file(gzip.compress(os.urandom(5000))[:4000])

    assert refusal(source, target, ["counts.csv"], filename="counts.csv.gz")[0] == "damaged"


def test_a_compressed_archive_without_the_file_is_told_so(make_tar, target):
    source = make_tar(("other.csv", b"1"), mode="w:gz")

    assert refusal(source, target, ["counts.csv"], filename="x.tar.gz")[0] == "missing_file"


def test_one_directory_around_everything_is_taken_off(make_zip, target):
    unpack_results(
        make_zip(("mine/", b""), ("mine/a.csv", b"1")), target, required=["a.csv"], **LIMITS
    )

    assert contents(target) == {"a.csv": b"1"}


def test_a_required_directory_stays(make_zip, target):
    unpack_results(make_zip(("out/a.csv", b"1")), target, required=["out/a.csv"], **LIMITS)

    assert contents(target) == {"out/a.csv": b"1"}


def test_files_and_directories_get_plain_modes(make_tar, target):
    info = tarfile.TarInfo("out/a.csv")
    info.mode = 0o4777

    previous = os.umask(0o002)
    try:
        unpack_results(make_tar((info, b"")), target, required=["out/a.csv"], **LIMITS)
    finally:
        os.umask(previous)

    paths = (target, target / "out", target / "out" / "a.csv")
    assert [oct(stat.S_IMODE(path.stat().st_mode)) for path in paths] == ["0o750", "0o750", "0o640"]


def test_a_required_zip_can_be_the_upload(make_zip, target):
    source = make_zip(("array.npy", b"1"))
    content = source.read_bytes()

    unpack_results(source, target, required=["counts.npz"], **LIMITS)

    assert contents(target) == {"counts.npz": content}


def test_a_required_zip_can_be_in_the_upload(make_zip, target):
    unpack_results(make_zip(("counts.npz", b"1")), target, required=["counts.npz"], **LIMITS)

    assert contents(target) == {"counts.npz": b"1"}


def test_a_required_gzip_can_be_the_upload(make_file, target):
    content = gzip.compress(b"1,2,3")

    unpack_results(make_file(content), target, required=["counts.csv.gz"], **LIMITS)

    assert contents(target) == {"counts.csv.gz": content}


def test_repeating_changes_nothing(make_zip, target):
    source = make_zip(("a.csv", b"1"))
    first = unpack_results(source, target, required=["a.csv"], **LIMITS)

    assert unpack_results(source, target, required=["a.csv"], **LIMITS) == first
    assert contents(target) == {"a.csv": b"1"}


def test_what_was_cut_off_disturbs_no_other(make_zip, target):
    part = target.with_name(".part-of-another")
    part.mkdir()
    (part / "half").touch()

    unpack_results(make_zip(("a.csv", b"1")), target, required=["a.csv"], **LIMITS)

    assert contents(target) == {"a.csv": b"1"}
    assert [path.name for path in target.parent.glob(".part-*")] == [".part-of-another"]


@pytest.mark.parametrize(
    ("members", "required", "expected"),
    [
        pytest.param(
            [("a.csv", b"")],
            ["a.csv", "b.csv"],
            (
                "missing_file",
                (
                    "The archive lacks 'b.csv'. It must hold, not in a directory of its own: a.csv,"
                    " b.csv."
                ),
            ),
            id="missing",
        ),
        pytest.param(
            [("a/a.csv", b""), ("b/b.csv", b"")],
            ["a.csv", "b.csv"],
            (
                "missing_file",
                (
                    "The archive lacks 'a.csv'. It must hold, not in a directory of its own: a.csv,"
                    " b.csv."
                ),
            ),
            id="in-directories",
        ),
        pytest.param(
            [("a.csv/", b""), ("b.csv", b"")],
            ["a.csv", "b.csv"],
            (
                "missing_file",
                (
                    "The archive lacks 'a.csv'. It must hold, not in a directory of its own: a.csv,"
                    " b.csv."
                ),
            ),
            id="directory-instead-of-file",
        ),
        pytest.param(
            [("../a.csv", b"")],
            ["a.csv"],
            (
                "name",
                (
                    "The name '../a.csv' leads out of the archive. Pack the files with plain relative"
                    " names and hand the archive in again."
                ),
            ),
            id="unsafe",
        ),
        pytest.param(
            [("a.csv", bytes(10_001))],
            ["a.csv"],
            (
                "too_large",
                "The files in the archive are larger than 10000 bytes together, which is the limit.",
            ),
            id="too-large",
        ),
    ],
)
def test_an_archive_that_does_not_fit_is_refused(make_zip, target, members, required, expected):
    assert refusal(make_zip(*members), target, required) == expected


def test_a_plain_file_cannot_stand_for_several(make_file, target):
    assert refusal(make_file(b"1,2,3"), target, ["a.csv", "b.csv"]) == (
        "not_an_archive",
        "This is neither a zip nor a tar. Pack the files as one of them.",
    )


def test_a_single_file_has_the_limit_as_well(make_file, target):
    assert refusal(make_file(bytes(6)), target, ["a"], max_bytes=5) == (
        "too_large",
        "The file is larger than 5 bytes, the limit.",
    )


def test_a_link_does_not_lead_the_next_member_out(make_tar, target, tmp_path):
    info = tarfile.TarInfo("out")
    info.type, info.linkname = tarfile.SYMTYPE, str(tmp_path)
    source = make_tar((info, b""), ("out/upload", b"overwritten"))

    assert refusal(source, target, ["out/upload"])[0] == "kind"
    assert source.read_bytes() != b"overwritten"


counter = itertools.count()


@given(
    names=st.lists(st.text(alphabet="a./\\é\0", max_size=8), max_size=4),
    packed=st.sampled_from(["zip", "tar"]),
)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_no_name_leads_out_of_the_target(tmp_path, names, packed):
    buffer = io.BytesIO()
    if packed == "zip":
        with zipfile.ZipFile(buffer, "w") as archive:
            for name in names:
                archive.writestr(zipfile.ZipInfo(name), b"1")
    else:
        with tarfile.open(fileobj=buffer, mode="w") as tar:
            for name in names:
                tar.addfile(tarfile.TarInfo(name))
    place = tmp_path / str(next(counter))
    place.mkdir()
    source = place / "upload"
    source.write_bytes(buffer.getvalue())

    with suppress(BadArchiveError):
        unpack_results(source, place / "results", required=["a", "é"], **LIMITS)

    assert {path.name for path in place.iterdir()} <= {"upload", "results"}
