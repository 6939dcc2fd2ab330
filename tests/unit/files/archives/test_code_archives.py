import gzip
import hashlib
import io
import itertools
import lzma
import stat
import tarfile
import tracemalloc
import unicodedata
import warnings
import zipfile
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from portal.files.archives.members import ArchiveLimits
from portal.files.archives.submitted import CODE_LIMITS, PackedCode, repack_code
from portal.files.errors import BadArchiveError

CODE = (("predict.py", b"print()\n"), ("lib/model.bin", b"\0" * 1000))


@pytest.fixture
def packed(tmp_path):
    """Repack an upload and show the result as {name: (mode, content)}."""

    def repack(source, limits=CODE_LIMITS):
        repack_code(source, tmp_path / "code.tar", limits)
        with tarfile.open(tmp_path / "code.tar", "r:") as tar:
            return {
                info.name: (oct(info.mode), tar.extractfile(info).read() if info.isreg() else None)
                for info in tar
            }

    return repack


@pytest.fixture
def refusal(tmp_path):
    def refuse(source, limits=CODE_LIMITS):
        target = tmp_path / "code.tar"
        with pytest.raises(BadArchiveError) as caught:
            repack_code(source, target, limits)
        assert not target.exists()
        assert not list(tmp_path.glob(".part-*"))
        return caught.value.reason, caught.value.message

    return refuse


PLAIN = {
    "predict.py": ("0o644", b"print()\n"),
    "lib": ("0o755", None),
    "lib/model.bin": ("0o644", b"\0" * 1000),
}


@pytest.mark.parametrize("maker", ["make_tar", "make_zip"])
def test_what_macos_puts_beside_files_is_left_out(request, packed, maker):
    inside = [(f"proj/{name}", content) for name, content in CODE]
    beside = [("./._proj", b"\0\5\x16\7"), ("proj/lib/._model.bin", b"\0\5\x16\7")]
    source = request.getfixturevalue(maker)(beside[0], *inside, beside[1])

    assert packed(source) == PLAIN


@pytest.mark.parametrize(
    "name",
    [
        "Sn\u00edmek v\u00a013.05.png",
        "9.41\u202fAM.png",
        "\u3000.txt",
        "\U0001f469\u200d\U0001f4bb.png",
    ],
)
def test_names_with_spaces_of_any_width_and_emoji_are_taken(make_zip, packed, name):
    assert name in packed(make_zip((name, b"1"), *CODE))


@pytest.mark.parametrize("name", ["a\u202eb", "a\u200bb", "a\u2028b", "a\x07b", "\ufeffa"])
def test_names_that_cannot_be_seen_are_refused_so_that_one_can_see_it(make_zip, refusal, name):
    reason, message = refusal(make_zip((name, b"1")))

    assert reason == "name"
    assert ascii(name) in message


def test_a_zip_of_windows_may_have_backslashes(tmp_path, packed):
    source = tmp_path / "windows.zip"
    with zipfile.ZipFile(source, "w") as archive:
        for name, content in (("proj\\lib\\", b""), *((f"proj\\{n}", c) for n, c in CODE)):
            info = zipfile.ZipInfo(name.replace("/", "\\"))
            info.create_system = 0
            archive.writestr(info, content)

    assert packed(source) == PLAIN


@pytest.mark.parametrize("mode", ["w", "w:gz", "w:bz2", "w:xz"])
def test_a_tar_becomes_a_plain_tar(make_tar, packed, mode):
    assert packed(make_tar(*CODE, mode=mode)) == PLAIN


@pytest.mark.parametrize("form", [tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])
def test_each_form_of_long_names_is_understood(make_tar, packed, form):
    long = "/".join(["d" * 40] * 4) + "/é.py"

    names = packed(make_tar((long, b"1"), ("b.py", b"2"), format=form))

    assert names[long] == ("0o644", b"1")
    assert names["b.py"] == ("0o644", b"2")


def test_several_xz_streams_make_one_file(make_tar, make_file, packed):
    content = make_tar(*CODE).read_bytes()
    half = len(content) // 2

    pieces = lzma.compress(content[:half]) + lzma.compress(content[half:])

    assert packed(make_file(pieces)) == PLAIN


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_a_zip_becomes_a_plain_tar(make_zip, packed, method):
    assert packed(make_zip(*CODE, method=method)) == PLAIN


def test_the_result_is_described(make_tar, tmp_path):
    target = tmp_path / "code.tar"

    result = repack_code(make_tar(*CODE, mode="w:gz"), target)

    digest = hashlib.sha256(target.read_bytes()).hexdigest()
    assert result == PackedCode(sha256=digest, files=2, size=1008)


def test_owners_times_and_form_leave_no_trace(make_tar, make_zip, tmp_path):
    plain = repack_code(make_tar(*CODE), tmp_path / "a.tar")
    zipped = repack_code(make_zip(*CODE), tmp_path / "b.tar")
    dressed = []
    for name, content in CODE:
        info = tarfile.TarInfo(name)
        info.uid, info.uname, info.mtime, info.mode = 1000, "somebody", 1_700_000_000, 0o600
        dressed.append((info, content))

    assert repack_code(make_tar(*dressed), tmp_path / "c.tar") == plain == zipped


def test_repeating_replaces_the_target(make_tar, tmp_path):
    target = tmp_path / "code.tar"
    target.write_bytes(b"left over")

    first = repack_code(make_tar(*CODE), target)

    assert repack_code(make_tar(*CODE), target) == first
    assert hashlib.sha256(target.read_bytes()).hexdigest() == first.sha256


@pytest.mark.parametrize(
    ("mode", "expected"),
    [(0o755, "0o755"), (0o4755, "0o755"), (0o100, "0o755"), (0o666, "0o644"), (0o2600, "0o644")],
)
def test_only_the_executable_bit_of_a_mode_counts(make_tar, packed, mode, expected):
    info = tarfile.TarInfo("run")
    info.mode = mode

    assert packed(make_tar((info, b"#!")))["run"] == (expected, b"#!")


def test_the_executable_bit_survives_in_a_zip(make_zip, packed):
    info = zipfile.ZipInfo("run")
    info.external_attr = (stat.S_IFREG | 0o755) << 16

    assert packed(make_zip((info, b"#!")))["run"] == ("0o755", b"#!")


def test_one_directory_around_everything_is_taken_off(make_zip, packed):
    names = packed(make_zip(("repo-main/", b""), ("repo-main/a.py", b""), ("repo-main/b/c", b"")))

    assert list(names) == ["a.py", "b", "b/c"]


def test_two_directories_stay(make_zip, packed):
    assert list(packed(make_zip(("a/x", b""), ("b/x", b"")))) == ["a", "a/x", "b", "b/x"]


def test_a_directory_beside_a_file_stays(make_zip, packed):
    assert list(packed(make_zip(("a/x", b""), ("x", b"")))) == ["a", "a/x", "x"]


def test_empty_directories_are_kept(make_tar, packed):
    empty = tarfile.TarInfo("cache/empty")
    empty.type = tarfile.DIRTYPE

    assert list(packed(make_tar(("x", b""), (empty, b"")))) == ["x", "cache", "cache/empty"]


def test_leading_dots_and_double_slashes_mean_nothing(make_tar, packed):
    dot = tarfile.TarInfo("./")
    dot.type = tarfile.DIRTYPE

    assert list(packed(make_tar((dot, b""), ("./a.py", b""), ("lib//./b.py", b"")))) == [
        "a.py",
        "lib",
        "lib/b.py",
    ]


def test_what_macos_adds_is_left_out(make_zip, packed):
    names = packed(
        make_zip(
            ("code/a.py", b""),
            ("code/.DS_Store", b"x"),
            ("__MACOSX/code/._a.py", b"x"),
        )
    )

    assert list(names) == ["a.py"]


def test_comments_of_git_archive_are_passed_over(make_tar, tmp_path, packed):
    source = tmp_path / "upload"
    with tarfile.open(source, "w", format=tarfile.PAX_FORMAT, pax_headers={"comment": "c"}) as tar:
        tar.addfile(tarfile.TarInfo("a.py"))

    assert list(packed(source)) == ["a.py"]


REPACK = "Pack the files with plain relative names and hand the archive in again."
NAMES = [
    pytest.param("../x", f"The name '../x' leads out of the archive. {REPACK}", id="upwards"),
    pytest.param("a/../../x", f"The name 'a/../../x' leads out of the archive. {REPACK}", id="up"),
    pytest.param("/etc/x", f"The name '/etc/x' is absolute. {REPACK}", id="absolute"),
    pytest.param("C:x", f"The name 'C:x' is absolute. {REPACK}", id="drive"),
    pytest.param("a\\..\\x", f"The name 'a\\\\..\\\\x' has a backslash. {REPACK}", id="backslash"),
    pytest.param(
        "a\nb", f"The name 'a\\nb' has control characters or is not UTF-8. {REPACK}", id="newline"
    ),
    pytest.param(
        "\x1b[1m",
        f"The name '\\x1b[1m' has control characters or is not UTF-8. {REPACK}",
        id="ansi",
    ),
    pytest.param(
        "a\u202eb",
        f"The name 'a\\u202eb' has control characters or is not UTF-8. {REPACK}",
        id="rtl",
    ),
    pytest.param("x" * 256, f"The name '{'x' * 99}...' is too long. {REPACK}", id="long-name"),
    pytest.param(
        "/".join("abcdefghij" * 4),
        f"The name '{'/'.join('abcdefghij' * 4)}' is too long. {REPACK}",
        id="deep",
    ),
]


@pytest.mark.parametrize(("name", "message"), NAMES)
def test_an_unsafe_name_in_a_tar_is_refused(make_tar, refusal, name, message):
    assert refusal(make_tar((name, b""), ("ok.py", b""))) == ("name", message)


@pytest.mark.parametrize(("name", "message"), NAMES)
def test_an_unsafe_name_in_a_zip_is_refused(make_zip, refusal, name, message):
    assert refusal(make_zip((name, b""), ("ok.py", b""))) == ("name", message)


def test_bytes_that_are_not_text_are_no_name(make_tar, refusal):
    assert refusal(make_tar((tarfile.TarInfo("a\udcff"), b""), encoding="utf-8")) == (
        "name",
        f"The name 'a\\udcff' has control characters or is not UTF-8. {REPACK}",
    )


def test_a_nul_in_a_zip_does_not_hide_the_rest_of_the_name(make_zip, make_file, refusal):
    content = make_zip(("a.py#.txt", b"")).read_bytes().replace(b"a.py#.txt", b"a.py\0.txt")

    assert refusal(make_file(content)) == (
        "name",
        f"The name 'a.py\\x00.txt' has control characters or is not UTF-8. {REPACK}",
    )


PLACE = "Only files and directories are accepted: put a copy in its place, or leave it out."


@pytest.mark.parametrize(
    ("kind", "word"),
    [
        pytest.param(tarfile.SYMTYPE, "symbolic link", id="symlink"),
        pytest.param(tarfile.LNKTYPE, "hard link", id="hard-link"),
        pytest.param(tarfile.CHRTYPE, "device", id="character-device"),
        pytest.param(tarfile.BLKTYPE, "device", id="block-device"),
        pytest.param(tarfile.FIFOTYPE, "pipe", id="fifo"),
        pytest.param(b"Z", "special entry", id="unknown"),
    ],
)
def test_an_entry_of_another_kind_in_a_tar_is_refused(make_tar, refusal, kind, word):
    info = tarfile.TarInfo("x")
    info.type, info.linkname = kind, "ok.py"

    assert refusal(make_tar(("ok.py", b""), (info, b""))) == ("kind", f"'x' is a {word}. {PLACE}")


@pytest.mark.parametrize(
    ("mode", "word"),
    [
        pytest.param(stat.S_IFLNK, "symbolic link", id="symlink"),
        pytest.param(stat.S_IFCHR, "device", id="device"),
        pytest.param(stat.S_IFIFO, "pipe", id="fifo"),
        pytest.param(stat.S_IFSOCK, "special entry", id="socket"),
    ],
)
def test_an_entry_of_another_kind_in_a_zip_is_refused(make_zip, refusal, mode, word):
    info = zipfile.ZipInfo("x")
    info.external_attr = (mode | 0o777) << 16

    assert refusal(make_zip((info, b"/etc/passwd"))) == ("kind", f"'x' is a {word}. {PLACE}")


@pytest.mark.parametrize(
    ("first", "second"),
    [
        pytest.param("a.py", "a.py", id="same"),
        pytest.param("a.py", "./a.py", id="same-by-dot"),
        pytest.param("a.py", "A.py", id="case"),
        pytest.param("straße", "STRASSE", id="special-case"),
        pytest.param("é.py", unicodedata.normalize("NFD", "é.py"), id="decomposed"),
        pytest.param("lib/a.py", "Lib/b.py", id="directory"),
    ],
)
def test_a_name_is_there_once(make_tar, refusal, first, second):
    reason, message = refusal(make_tar((first, b""), (second, b"")))

    assert reason == "duplicate"
    assert message.endswith(
        " is in the archive twice, if upper and lower case are not distinguished. Rename or leave out"
        " one of the two."
    )


def test_a_name_is_there_once_in_a_zip(make_zip, refusal):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        source = make_zip(("a", b"1"), ("a", b"2"))

    assert refusal(source)[0] == "duplicate"


def test_a_directory_may_be_repeated(make_tar, packed):
    info = tarfile.TarInfo("lib")
    info.type = tarfile.DIRTYPE

    assert list(packed(make_tar((info, b""), (info, b""), ("lib/a", b""), ("b", b"")))) == [
        "lib",
        "lib/a",
        "b",
    ]


def test_a_file_is_not_a_directory(make_tar, refusal):
    assert refusal(make_tar(("a", b""), ("a/b", b""))) == (
        "file_as_directory",
        f"'a' is a file, but other members lie in it. {REPACK}",
    )


def test_a_directory_is_not_a_file(make_tar, refusal):
    assert refusal(make_tar(("a/b", b""), ("a", b"")))[0] == "duplicate"


RECIPE = (
    "recipe",
    (
        "A definition file or Dockerfile is not accepted: submit the image that it makes (kind"
        " 'image', from docker save or apptainer build), or only your files (kind 'code')."
    ),
)


@pytest.mark.parametrize(
    "name", ["Dockerfile", "dockerfile", "Containerfile", "Singularity", "image.def", "IMAGE.DEF"]
)
def test_a_recipe_at_the_top_is_refused(make_tar, refusal, name):
    assert refusal(make_tar((name, b"FROM x"), ("a.py", b""))) == RECIPE


def test_a_recipe_in_the_one_directory_is_refused(make_tar, refusal):
    assert refusal(make_tar(("repo/Dockerfile", b""), ("repo/a.py", b""))) == RECIPE


def test_a_recipe_further_down_is_only_a_file(make_tar, packed):
    assert "lib/Dockerfile" in packed(make_tar(("lib/Dockerfile", b""), ("a.py", b"")))


@pytest.mark.parametrize(
    "content",
    [
        b"Bootstrap: docker\nFrom: debian\n",
        b"# mine\n\nbootstrap: localimage\n",
        b"FROM debian:12\nRUN id\n",
        b"# syntax=x\nARG A\nFROM $A\n",
    ],
)
def test_a_recipe_as_the_upload_is_refused(make_file, refusal, content):
    assert refusal(make_file(content)) == RECIPE


NEITHER = (
    "not_an_archive",
    "This is neither a zip nor a tar. Pack the files as one of them.",
)


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        pytest.param(b"", NEITHER, id="empty"),
        pytest.param(b"print('hello')\n" * 100, NEITHER, id="script"),
        pytest.param(b"7z\xbc\xaf\x27\x1c" + bytes(600), NEITHER, id="7z"),
        pytest.param(
            b"#!/usr/bin/env run-singularity\n".ljust(32, b"\0") + b"SIF_MAGIC\0" + bytes(600),
            ("not_an_archive", "This is an Apptainer image. Choose the kind 'image'."),
            id="sif",
        ),
        pytest.param(
            b"\x28\xb5\x2f\xfd" + bytes(100),
            (
                "compression",
                "Zstandard is not accepted here. Pack the files as a tar.gz or a zip.",
            ),
            id="zstd",
        ),
        pytest.param(bytes(1024), ("empty", "The archive holds no files."), id="empty-tar"),
        pytest.param(
            b"PK\x05\x06" + bytes(18), ("empty", "The archive holds no files."), id="empty-zip"
        ),
    ],
)
def test_what_is_no_archive_of_files_is_refused(make_file, refusal, content, expected):
    assert refusal(make_file(content)) == expected


def test_directories_alone_are_not_enough(make_zip, refusal):
    assert refusal(make_zip(("a/", b""))) == ("empty", "The archive holds no files.")


DAMAGED = (
    "damaged",
    "The archive is damaged or incomplete. Pack it again, test it on your side and submit it again.",
)


@pytest.mark.parametrize("mode", ["w", "w:gz", "w:bz2", "w:xz"])
def test_every_shorter_tar_is_damaged(make_tar, make_file, refusal, mode):
    content = make_tar(("a.py", bytes(range(256)) * 8), mode=mode).read_bytes()
    # A plain tar is complete from the first block of zeros on.
    complete = 512 + 2048 + 512 if mode == "w" else len(content)

    for length in range(520 if mode == "w" else 20, complete, 61):
        assert refusal(make_file(content[:length])) == DAMAGED


def test_every_shorter_zip_is_damaged(make_zip, make_file, refusal):
    content = make_zip(("a.py", bytes(range(256)) * 8)).read_bytes()

    for length in range(4, len(content), 7):
        assert refusal(make_file(content[:length])) == DAMAGED


@pytest.mark.parametrize("mode", ["w:gz", "w:xz", "w:bz2"])
def test_a_wrong_checksum_at_the_very_end_is_damage(make_tar, make_file, refusal, mode):
    content = bytearray(make_tar(*CODE, mode=mode).read_bytes())
    content[-6] ^= 0xFF

    assert refusal(make_file(bytes(content))) == DAMAGED


def test_a_wrong_checksum_in_a_zip_is_damage(make_zip, make_file, refusal):
    content = make_zip(("a", b"content"), method=zipfile.ZIP_STORED).read_bytes()

    assert refusal(make_file(content.replace(b"content", b"CONTENT"))) == DAMAGED


def header(name="x", kind=tarfile.REGTYPE, size=0):
    info = tarfile.TarInfo(name)
    info.type, info.size = kind, size
    return info.tobuf(tarfile.GNU_FORMAT)


def pax(*records, kind=tarfile.XHDTYPE):
    data = b"".join(records)
    return header("pax", kind, len(data)) + data.ljust(-(-len(data) // 512) * 512, b"\0")


END = bytes(1024)
GLOBAL = tarfile.XGLTYPE


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(header(size=2**20) + bytes(512), id="announced-but-absent"),
        pytest.param(header(size=-512) + END, id="negative-size"),
        pytest.param(header("d", tarfile.DIRTYPE, 512) + bytes(512) + END, id="directory-content"),
        pytest.param(header("l", tarfile.SYMTYPE, 512) + bytes(512) + END, id="link-content"),
        pytest.param(header("x", tarfile.XHDTYPE, 2**33) + bytes(4096), id="huge-extension"),
        pytest.param(header("x", tarfile.GNUTYPE_LONGNAME, 2**33), id="huge-name"),
        pytest.param(pax(b"12 path=a\n") + header() + END, id="wrong-record-length"),
        pytest.param(pax(b"x path=a\n") + header() + END, id="no-record-length"),
        pytest.param(pax(b"0 path=a\n") + header() + END, id="no-progress"),
        pytest.param(pax(b"9 path-a\n") + header() + END, id="no-equals-sign"),
        pytest.param(pax(b"10 size=-5\n") + header() + END, id="negative-pax-size"),
        pytest.param(pax(b"12 size=1e10\n") + header() + END, id="pax-size-in-words"),
        pytest.param(
            header("t", tarfile.GNUTYPE_LONGLINK, 5) + b"a".ljust(512, b"\0") + bytes(100), id="cut"
        ),
        pytest.param(pax(b"10 path=a\n", kind=GLOBAL) + header() + END, id="name-for-all"),
        pytest.param(pax(b"10 path=a\n") * 9 + header() + END, id="extensions-without-end"),
        pytest.param(pax(b"10 path=a\n") + END, id="extension-of-nothing"),
        pytest.param(pax(b"11 path=a/\n") + header() + END, id="file-named-as-directory"),
    ],
)
def test_a_tar_that_readers_could_read_differently_is_damaged(make_file, refusal, content):
    assert refusal(make_file(content)) == DAMAGED


def test_a_size_in_an_extended_header_counts(make_file, packed):
    content = pax(b"9 size=3\n") + header("x") + b"abc".ljust(512, b"\0") + END

    assert packed(make_file(content)) == {"x": ("0o644", b"abc")}


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(header("x", tarfile.GNUTYPE_SPARSE) + END, id="gnu"),
        pytest.param(pax(b"22 GNU.sparse.major=1\n") + header() + END, id="pax"),
    ],
)
def test_files_with_holes_are_refused(make_file, refusal, content):
    assert refusal(make_file(content)) == (
        "sparse",
        "The archive stores files with holes. Pack it again without tar's --sparse.",
    )


def test_data_without_end_after_the_end_is_damage(make_tar, make_file, refusal):
    content = gzip.compress(make_tar(*CODE).read_bytes() + bytes(3 * 1024 * 1024))

    assert refusal(make_file(content)) == DAMAGED


def test_a_zip_that_points_before_its_beginning_is_damaged(make_zip, make_file, refusal):
    content = bytearray(make_zip(("a.py", b"")).read_bytes())
    content[-6:-2] = (2**31).to_bytes(4, "little")

    assert refusal(make_file(bytes(content))) == DAMAGED


@pytest.mark.parametrize("mode", ["w", "w:gz", "zip"])
def test_a_disk_that_fails_is_not_blamed_on_the_archive(make_file, tmp_path, mode):
    # The directory of the target is missing: as for a full disk, the error is the site's.
    source = make_file(sample(mode))

    with pytest.raises(FileNotFoundError):
        repack_code(source, tmp_path / "absent" / "code.tar")


def test_an_encrypted_zip_is_refused(make_zip, make_file, refusal):
    content = bytearray(make_zip(("a.py", b"")).read_bytes())
    content[content.index(b"PK\x01\x02") + 8] |= 1

    assert refusal(make_file(bytes(content))) == (
        "encrypted",
        "'a.py' is protected by a password. Pack the zip without one.",
    )


@pytest.mark.parametrize("method", [zipfile.ZIP_LZMA, zipfile.ZIP_BZIP2])
def test_a_method_without_bounds_is_refused(make_zip, refusal, method):
    assert refusal(make_zip(("a.py", b""), method=method)) == (
        "compression",
        "'a.py' is packed with an unusual method. Make a plain zip, or a tar.gz.",
    )


def test_an_xz_that_needs_too_much_memory_is_refused(make_tar, make_file, refusal):
    filters = [{"id": lzma.FILTER_LZMA2, "preset": 0, "dict_size": 256 * 1024 * 1024}]
    content = lzma.compress(make_tar(*CODE).read_bytes(), filters=filters)

    assert refusal(make_file(content)) == DAMAGED


SMALL = ArchiveLimits(files=3, size=1000)
MANY = (
    "too_many",
    (
        "The archive holds more than 3 files and directories. Leave out what is not needed, such as"
        " .git, caches and environments."
    ),
)
LARGE = (
    "too_large",
    "The files in the archive are larger than 1000 bytes together, which is the limit.",
)


def test_limits_are_part_of_the_range(make_tar, packed):
    assert len(packed(make_tar(("a", bytes(500)), ("b/c", bytes(500))), SMALL)) == 3


@pytest.mark.parametrize("maker", ["make_tar", "make_zip"])
@pytest.mark.parametrize(
    ("members", "expected"),
    [
        pytest.param([(name, b"") for name in "abcd"], MANY, id="files"),
        pytest.param([("a/b/c/d", b"")], MANY, id="implied-directories"),
        pytest.param([("a", bytes(1001))], LARGE, id="one-file"),
        pytest.param([("a", bytes(501)), ("b", bytes(500))], LARGE, id="together"),
    ],
)
def test_more_than_the_limits_is_refused(request, refusal, maker, members, expected):
    assert refusal(request.getfixturevalue(maker)(*members), SMALL) == expected


def test_left_out_entries_count_as_well(make_zip, refusal):
    members = [(f"__MACOSX/{number}", b"") for number in range(4)]

    assert refusal(make_zip(*members), SMALL) == MANY


def test_a_size_is_counted_and_not_believed(make_zip, make_file, refusal):
    # The list at the end of the zip says 10 bytes, the data unpacks to 5000.
    content = bytearray(make_zip(("a", bytes(5000))).read_bytes())
    at = content.index(b"PK\x01\x02") + 24
    content[at : at + 4] = (10).to_bytes(4, "little")

    assert refusal(make_file(bytes(content)), SMALL) == DAMAGED


@pytest.mark.parametrize("maker", ["make_tar", "make_zip"])
def test_a_bomb_is_stopped(request, refusal, maker):
    options = {"mode": "w:gz"} if maker == "make_tar" else {}
    source = request.getfixturevalue(maker)(("zeros", bytes(80 * 1024 * 1024)), **options)

    assert refusal(source) == (
        "ratio",
        (
            "The archive unpacks to more than 200 times its size. Leave out files that are mostly"
            " empty, or pack them without compression."
        ),
    )


@pytest.mark.parametrize("mode", ["w", "w:gz", "w:bz2", "w:xz", "zip"])
def test_memory_does_not_grow_with_the_archive(make_tar, make_zip, tmp_path, mode):
    member = ("zeros", bytes(32 * 1024 * 1024))
    source = make_zip(member) if mode == "zip" else make_tar(member, mode=mode)

    tracemalloc.start()
    try:
        repack_code(source, tmp_path / "code.tar")
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert peak < 12 * 1024 * 1024  # the dictionary of xz alone takes 8 MiB


def test_a_zip_that_lists_a_million_files_is_not_read_into_memory(make_file, refusal):
    entry = b"PK\x01\x02".ljust(46, b"\0")
    end = b"PK\x05\x06" + bytes(6)
    listing = entry * 100_000
    end += b"\xff\xff" + len(listing).to_bytes(4, "little") + b"\0\0\0\0" + b"\0\0"
    content = b"PK\x03\x04".ljust(30, b"\0") + listing + end

    assert refusal(make_file(content)) == ("too_many", "The zip lists too many files.")


KINDS = st.sampled_from([b"0", b"1", b"2", b"5", b"x", b"g", b"L", b"S", b"Z"])
SAMPLES = {"maker": st.sampled_from(["w", "w:gz", "w:bz2", "w:xz", "zip"])}


def sample(mode):
    buffer = io.BytesIO()
    if mode == "zip":
        with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, content in CODE:
                archive.writestr(name, content)
    else:
        with tarfile.open(fileobj=buffer, mode=mode) as tar:
            for name, content in CODE:
                info = tarfile.TarInfo(name)
                info.size = len(content)
                tar.addfile(info, io.BytesIO(content))
    return buffer.getvalue()


GOOD = {mode: sample(mode) for mode in ("w", "w:gz", "w:bz2", "w:xz", "zip")}
counter = itertools.count()


def try_repacking(directory, content):
    source = directory / f"{next(counter)}"
    source.write_bytes(content)
    with suppress(BadArchiveError):
        repack_code(source, source.with_suffix(".tar"))


@given(
    mode=st.sampled_from(sorted(GOOD)),
    changes=st.lists(
        st.tuples(st.integers(0, 3000), st.binary(min_size=1, max_size=4)), max_size=5
    ),
    cut=st.integers(0, 3000),
)
@settings(max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_changed_archive_raises_nothing_else(tmp_path, mode, changes, cut):
    content = bytearray(GOOD[mode])
    for place, data in changes:
        content[place : place + len(data)] = data
    try_repacking(tmp_path, bytes(content[: len(content) - cut // 4]))


@given(
    entries=st.lists(
        st.tuples(st.text(max_size=20), KINDS, st.integers(-5, 2000), st.binary(max_size=600)),
        max_size=4,
    )
)
@settings(max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_an_invented_tar_raises_nothing_else(tmp_path, entries):
    content = b""
    for name, kind, size, data in entries:
        info = tarfile.TarInfo(name)
        info.type, info.size = kind, size
        content += info.tobuf(tarfile.GNU_FORMAT, errors="surrogateescape")
        content += data.ljust(-(-len(data) // 512) * 512, b"\0")
    try_repacking(tmp_path, content + END)


@given(
    start=st.sampled_from([b"", b"PK\x03\x04", b"\x1f\x8b\x08\0", b"BZh9", b"\xfd7zXZ\0"]),
    content=st.binary(max_size=700),
)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_arbitrary_bytes_raise_nothing_else(tmp_path, start, content):
    try_repacking(tmp_path, start + content)


def test_a_refused_archive_is_closed_while_the_refusal_is_looked_at(make_zip, tmp_path):
    upload = make_zip(("../out", b"x"), ("in", b"y"))

    with pytest.raises(BadArchiveError) as refusal:
        repack_code(upload, tmp_path / "code.tar")

    held = []
    for opened in Path("/proc/self/fd").iterdir():
        # The one that lists them is gone by now.
        with suppress(FileNotFoundError):
            held.append(opened.readlink())
    assert refusal.value.reason == "name"
    assert upload not in held
