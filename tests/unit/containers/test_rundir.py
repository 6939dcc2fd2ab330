"""A run directory is read as if an enemy had written all of it."""

import os
from pathlib import Path

import pytest

from containers.interface import LOG_LIMIT, StopReason
from containers.rundir import LEFT_OUT, RunFileError, RunRecord, read_log, read_run, take_claim
from tests.unit.containers.fake_node import PROBE_REPORT

NOTHING = RunRecord(
    claimed=False,
    claim_token="",
    started=False,
    done=False,
    exit_code=None,
    reason=None,
    probe={},
    sealed=False,
    versions={},
    image_sha256=None,
)
FILES = [
    "started",
    "done",
    "exit",
    "reason",
    "probe.json",
    "versions",
    "image.sha256",
    "image.check",
]


def test_an_empty_directory_tells_nothing(tmp_path: Path) -> None:
    assert read_run(tmp_path, "t") == NOTHING


def test_a_missing_directory_tells_nothing(tmp_path: Path) -> None:
    assert read_run(tmp_path / "gone", "t") == NOTHING


def test_everything_is_read(tmp_path: Path) -> None:
    (tmp_path / "claim").mkdir()
    (tmp_path / "claim" / "token").write_text("t\n")
    (tmp_path / "started").write_text("t\n")
    (tmp_path / "done").write_text("t\n")
    (tmp_path / "exit").write_text("7\n")
    (tmp_path / "reason").write_text("image_start\n")
    (tmp_path / "probe.json").write_text(PROBE_REPORT)
    (tmp_path / "versions").write_text("apptainer 1.4.5\nslurm \nbad\nnode a b\n")
    (tmp_path / "image.sha256").write_text("a" * 64 + "\n")
    digests = "a" * 64 + " " + "b" * 64
    (tmp_path / "image.check").write_text(
        f"probe {digests} known\nimage {digests} computed\nsource {digests} computed\n"
        f"base {digests} guessed\nbase {digests}\nnothing\n"
    )

    record = read_run(tmp_path, "t")

    assert (record.claimed, record.claim_token) == (True, "t")
    assert (record.started, record.done) == (True, True)
    assert (record.exit_code, record.reason) == (7, StopReason.IMAGE_START)
    assert record.probe["interfaces"] == ["lo"]
    assert record.sealed
    assert record.versions == {"apptainer": "1.4.5", "slurm": "", "node": "a b"}
    assert record.image_sha256 == "a" * 64
    assert record.images_verified == {"probe": "known", "image": "computed"}


@pytest.mark.parametrize("mark", ["", "t", "other\n", "t\nt\n", "t \n", " t\n", "t\r\n", "t\n\n"])
def test_done_is_exactly_the_token_and_a_newline(tmp_path: Path, mark: str) -> None:
    (tmp_path / "done").write_bytes(mark.encode())

    assert not read_run(tmp_path, "t").done


@pytest.mark.parametrize("mark", ["", "t", "other\n"])
def test_any_mark_of_a_start_is_one(tmp_path: Path, mark: str) -> None:
    """To take a start for none would let a program that has read data go for free."""
    (tmp_path / "started").write_text(mark)

    assert read_run(tmp_path, "t").started


@pytest.mark.parametrize("text", ["", "x", "-1", "1.0", "1000", "0x1", "\u0667"])
def test_an_exit_code_is_a_small_number(tmp_path: Path, text: str) -> None:
    (tmp_path / "exit").write_text(text)

    assert read_run(tmp_path, "t").exit_code is None


def test_a_reason_is_one_of_ours(tmp_path: Path) -> None:
    (tmp_path / "reason").write_text("success\n")

    with pytest.raises(RunFileError, match="reason"):
        read_run(tmp_path, "t")


@pytest.mark.parametrize("text", ["", "{", "[]", "\x00", PROBE_REPORT.replace("2", '"2"')])
def test_an_unreadable_probe_is_not_sealed(tmp_path: Path, text: str) -> None:
    (tmp_path / "probe.json").write_text(text)

    record = read_run(tmp_path, "t")
    assert (record.probe, record.sealed) == ({}, False)


@pytest.mark.parametrize("digest", ["a" * 63, "A" * 64, "a" * 65, "a" * 64 + "\nb"])
def test_a_digest_is_a_digest(tmp_path: Path, digest: str) -> None:
    (tmp_path / "image.sha256").write_text(digest)

    assert read_run(tmp_path, "t").image_sha256 is None


def secret_link(path: Path, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("t\n")
    path.symlink_to(tmp_path / "secret")


def second_name(path: Path, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("0\n")
    path.hardlink_to(tmp_path / "secret")


@pytest.mark.parametrize("name", [*FILES, "claim/token"])
@pytest.mark.parametrize(
    "spoil",
    [
        pytest.param(secret_link, id="symbolic link"),
        pytest.param(second_name, id="second name"),
        pytest.param(lambda path, _: os.mkfifo(path), id="fifo"),
        pytest.param(lambda path, _: path.mkdir(), id="directory"),
        pytest.param(lambda path, _: path.write_bytes(b"1" * 2 * LOG_LIMIT), id="too long"),
        pytest.param(lambda path, _: path.symlink_to("/dev/zero"), id="endless device"),
    ],
)
def test_what_is_not_a_plain_small_file_is_refused(tmp_path: Path, name: str, spoil) -> None:
    run = tmp_path / "run"
    (run / "claim").mkdir(parents=True)
    spoil(run / name, tmp_path)

    with pytest.raises(RunFileError):
        read_run(run, "t")


def test_a_run_directory_that_is_a_link_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "real")

    with pytest.raises(RunFileError):
        read_run(tmp_path / "link", "t")


def test_other_failures_of_the_storage_are_not_hidden(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="too long"):
        read_run(tmp_path / ("x" * 300), "t")


def test_the_portal_knows_its_own_claim_again(tmp_path: Path) -> None:
    """A worker that was killed after the claim and started again gives up just the same."""
    assert take_claim(tmp_path)
    assert take_claim(tmp_path)
    record = read_run(tmp_path, "t")
    assert (record.claimed, record.claim_token) == (True, "")


def test_the_claim_of_a_job_stays_its_own(tmp_path: Path) -> None:
    (tmp_path / "claim").mkdir(mode=0o700)

    assert not take_claim(tmp_path)


def test_a_claim_cannot_be_taken_where_there_is_no_directory(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        take_claim(tmp_path / "gone")


@pytest.mark.parametrize("name", ["stdout.log", "stderr.log", "probe.log"])
def test_logs_are_read_whatever_is_in_them(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(b"ok \xff\x00\n")

    assert read_log(tmp_path, name) == "ok \ufffd\x00\n"


def test_where_the_middle_of_a_log_is_left_out_that_is_told(tmp_path: Path) -> None:
    half = LOG_LIMIT // 2
    (tmp_path / "stdout.log").write_bytes(b"a" * half + b"b" * half)

    assert read_log(tmp_path, "stdout.log") == "a" * half + LEFT_OUT + "b" * half


def test_a_log_that_is_missing_is_empty(tmp_path: Path) -> None:
    assert read_log(tmp_path, "stdout.log") == ""


@pytest.mark.parametrize("name", ["done", "../stdout.log", "/etc/passwd", "slurm.out"])
def test_only_logs_are_read_as_logs(tmp_path: Path, name: str) -> None:
    with pytest.raises(ValueError, match="log"):
        read_log(tmp_path, name)
