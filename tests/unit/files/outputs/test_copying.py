import os
import stat

import pytest

from portal.files.errors import BadOutputError
from portal.files.outputs import copying as output_copying
from portal.files.outputs.copying import OutputSummary, check_outputs, copy_outputs
from portal.files.trees import MAX_DEPTH


@pytest.fixture
def output(tmp_path):
    directory = tmp_path / "output"
    (directory / "maps").mkdir(parents=True)
    (directory / "counts.csv").write_bytes(b"1,2,3")
    (directory / "maps" / "1.bin").write_bytes(b"\0" * 100)
    return directory


LIMITS = {"required": ["counts.csv"], "max_bytes": 1000, "max_files": 10}
ENTRY = (
    "bad_output_entry",
    "The output holds a pipe or another thing that is neither file nor directory.",
)


def check(directory, target, **limits):
    return check_outputs(directory, **LIMITS | limits)


def copy(directory, target, **limits):
    return copy_outputs(directory, target, **LIMITS | limits)


both = pytest.mark.parametrize("take", [check, copy])


def refusal(take, output, **limits):
    target = output.parent / "collected"
    with pytest.raises(BadOutputError) as caught:
        take(output, target, **limits)
    assert sorted(path.name for path in output.parent.iterdir() if "collected" in path.name) == []
    return caught.value.reason, caught.value.message


@both
def test_a_good_output_is_counted(take, output, tmp_path):
    assert take(output, tmp_path / "collected") == OutputSummary(files=2, directories=1, size=105)


@both
def test_limits_are_part_of_the_range(take, output, tmp_path):
    assert take(output, tmp_path / "collected", max_bytes=105, max_files=3).size == 105


@both
@pytest.mark.parametrize(
    ("limits", "expected"),
    [
        pytest.param(
            {"max_bytes": 104},
            ("output_limit", "The output is larger than the 104 bytes allowed."),
            id="bytes",
        ),
        pytest.param(
            {"max_files": 2},
            ("output_limit", "The output has more than the 2 files and directories allowed."),
            id="files",
        ),
        pytest.param(
            {"required": ["maps/2.bin"]},
            ("no_output", "The run did not write 'maps/2.bin' to /output."),
            id="missing",
        ),
        pytest.param(
            {"required": ["maps"]},
            ("no_output", "The run did not write 'maps' to /output."),
            id="directory-instead-of-file",
        ),
    ],
)
def test_an_output_beyond_the_limits_is_refused(take, output, limits, expected):
    assert refusal(take, output, **limits) == expected


def second_name(output):
    (output / "again.csv").hardlink_to(output / "counts.csv")


def deep(output):
    directory = output
    for _ in range(MAX_DEPTH + 1):
        directory = directory / "d"
    directory.mkdir(parents=True)


def newline_in_name(output):
    (output / "a\nb").touch()


def bytes_in_name(output):
    os.close(os.open(os.fsencode(output) + b"/\xff", os.O_CREAT | os.O_WRONLY))


NAME = ("bad_output_entry", "The output has a file name with control characters or not in UTF-8.")


@both
@pytest.mark.parametrize(
    ("spoil", "expected"),
    [
        pytest.param(lambda o: os.mkfifo(o / "x"), ENTRY, id="fifo"),
        pytest.param(lambda o: os.mkfifo(o / "maps" / "x"), ENTRY, id="fifo-below"),
        pytest.param(
            second_name,
            ("bad_output_entry", "The output holds a file that has several names."),
            id="hard-link",
        ),
        pytest.param(
            deep,
            ("output_limit", "The output has more than 32 directories inside each other."),
            id="depth",
        ),
        pytest.param(newline_in_name, NAME, id="newline-in-name"),
        pytest.param(bytes_in_name, NAME, id="bytes-in-name"),
    ],
)
def test_a_bad_entry_is_refused(take, output, spoil, expected):
    spoil(output)

    assert refusal(take, output, max_files=100) == expected


@both
@pytest.mark.parametrize("to", ["/etc/passwd", "counts.csv", "/etc", "maps", "nowhere"])
def test_a_link_is_left_out_and_counted(take, output, tmp_path, to):
    (output / "latest-run").symlink_to(to)
    (output / "maps" / "again").symlink_to(to)

    taken = take(output, tmp_path / "collected")

    assert taken == OutputSummary(files=2, directories=1, size=105, links=2)
    if take is copy:
        found = sorted(path.name for path in (tmp_path / "collected").rglob("*"))
        assert found == ["1.bin", "counts.csv", "maps"]


@both
@pytest.mark.parametrize("to", ["/etc/passwd", "maps/1.bin", "nowhere"])
def test_what_is_required_may_not_be_a_link(take, output, to):
    (output / "counts.csv").unlink()
    (output / "counts.csv").symlink_to(to)

    assert refusal(take, output) == (
        "bad_output_entry",
        "'counts.csv' is a symbolic link. Write the file itself.",
    )


@both
def test_what_is_required_is_not_looked_for_behind_a_link(take, output):
    (output / "out").symlink_to("maps")

    assert refusal(take, output, required=["out/1.bin"])[0] == "no_output"


@both
def test_links_count_as_entries(take, output):
    for number in range(8):
        (output / f"link {number}").symlink_to("maps")

    assert refusal(take, output)[0] == "output_limit"


@pytest.mark.root
@both
def test_a_device_is_refused(take, output):
    os.mknod(output / "x", stat.S_IFCHR | 0o666, os.makedev(1, 5))

    assert refusal(take, output) == ENTRY


@both
def test_the_output_itself_is_not_followed(take, output):
    real = output.rename(output.parent / "elsewhere")
    output.symlink_to(real)

    assert refusal(take, output) == (
        "bad_output_entry",
        "The output has an entry that cannot be read.",
    )


@both
def test_a_flood_of_files_is_not_listed_to_its_end(take, output):
    for number in range(200):
        (output / f"{number}").touch()

    assert refusal(take, output, max_files=100)[0] == "output_limit"


@both
def test_a_file_of_holes_counts_with_its_full_size(take, output):
    with (output / "holes").open("wb") as stream:
        stream.truncate(10**12)

    assert refusal(take, output)[0] == "output_limit"


def test_copies_are_plain_files_of_our_own(output, tmp_path):
    (output / "counts.csv").chmod(0o4777)
    (output / "maps").chmod(0o1777)
    target = tmp_path / "collected"

    copy(output, target)

    found = {
        str(path.relative_to(target)): oct(stat.S_IMODE(path.stat().st_mode))
        for path in target.rglob("*")
    }
    assert found == {"counts.csv": "0o640", "maps": "0o750", "maps/1.bin": "0o640"}
    assert (target / "counts.csv").read_bytes() == b"1,2,3"
    assert (target / "maps" / "1.bin").read_bytes() == b"\0" * 100


def test_a_finished_copy_needs_no_output_any_more(output, tmp_path):
    first = copy(output, tmp_path / "collected")
    output.rename(tmp_path / "gone")

    assert copy(output, tmp_path / "collected") == first


def test_a_copy_that_was_cut_off_disturbs_no_other(output, tmp_path):
    part = tmp_path / ".part-of-another"
    part.mkdir()
    (part / "half").touch()

    copy(output, tmp_path / "collected")

    assert sorted(path.name for path in (tmp_path / "collected").iterdir()) == [
        "counts.csv",
        "maps",
    ]
    assert [path.name for path in tmp_path.glob(".part-*")] == [".part-of-another"]


def test_of_two_that_copy_the_same_the_first_one_counts(output, tmp_path, monkeypatch):
    """The other finds files gone that the first has removed after it was done."""
    target = tmp_path / "collected"
    inner = output_copying._take

    def overtaken(directory, part, required, tally):
        if part is not None and not target.exists():
            monkeypatch.setattr(output_copying, "_take", inner)
            copy(output, target)
            (output / "counts.csv").unlink()
        return inner(directory, part, required, tally)

    monkeypatch.setattr(output_copying, "_take", overtaken)

    assert copy(output, target).files == check(target, None).files
    assert (target / "counts.csv").exists()
    assert not list(tmp_path.glob(".part-*"))
