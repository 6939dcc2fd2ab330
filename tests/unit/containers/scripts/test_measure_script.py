"""The script that measures data, really run."""

import hashlib
import os
from collections.abc import Callable
from pathlib import Path, PurePosixPath

import pytest

from containers.interface import Measure, StopReason
from containers.rundir import RunFileError, read_measured, read_run, records
from containers.scripts import measure_script
from tests.unit.containers.fake_node import FakeNode


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Return a directory with all that data may be, under names that are awkward."""
    folder = tmp_path / "da ta"
    (folder / "empty").mkdir(parents=True)
    (folder / "cells.csv").write_bytes(b"1,2\n")
    (folder / "empty" / "-n \\ \n'x").write_bytes(b"")
    (folder / "link").symlink_to("cells.csv")
    return folder


def _measure(node: FakeNode, data: Path, *, lacks: str = "") -> int:
    measure = Measure(directory=PurePosixPath(data), node=node.node)
    script = measure_script(measure, token=node.token, directory=PurePosixPath(node.directory))
    return node.execute(script, lacks=lacks)


def _sha(content: bytes) -> bytes:
    return hashlib.sha256(content).hexdigest().encode()


def test_everything_in_it_has_a_record(node: FakeNode, data: Path) -> None:
    code = _measure(node, data)

    assert code == 0
    assert list(records(node.directory / "manifest")) == sorted(
        [
            b"d empty",
            b"l link//cells.csv",
            _sha(b"1,2\n") + b"  cells.csv",
            _sha(b"") + b"  empty/-n \\ \n'x",
        ]
    )
    measured = read_measured(node.directory)
    assert (measured.files, measured.size) == (2, 4)
    assert read_run(node.directory, node.token).done
    assert node.names() == {"claim", "done", "exit", "manifest", "measured", "versions"}


def test_an_empty_directory_has_no_records(node: FakeNode, tmp_path: Path) -> None:
    (tmp_path / "nothing").mkdir()

    code = _measure(node, tmp_path / "nothing")

    assert code == 0
    assert list(records(node.directory / "manifest")) == []


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(lambda data: (data / "cells.csv").write_text("1,3\n5\n"), id="content"),
        pytest.param(lambda data: (data / "cells.csv").rename(data / "cell.csv"), id="name"),
        pytest.param(lambda data: os.utime(data / "cells.csv", (1, 1)), id="time"),
        pytest.param(lambda data: (data / "more").touch(), id="one-more"),
        pytest.param(lambda data: (data / "link").unlink(), id="one-less"),
    ],
)
def test_a_change_can_be_seen_without_reading(
    node: FakeNode, data: Path, change: Callable[[Path], object], tmp_path: Path
) -> None:
    _measure(node, data)
    before = read_measured(node.directory).fingerprint

    change(data)
    again = FakeNode(tmp_path / "again")
    _measure(again, data)

    assert read_measured(again.directory).fingerprint != before


def test_what_is_no_file_cannot_be_measured(node: FakeNode, data: Path) -> None:
    os.mkfifo(data / "pipe")

    code = _measure(node, data)

    assert code == 83
    assert read_run(node.directory, node.token).reason is StopReason.DATA_STRANGE
    assert not (node.directory / "manifest").exists()


def test_what_is_not_there_is_the_nodes_fault(node: FakeNode, tmp_path: Path) -> None:
    lacks = f"the directory {tmp_path / 'nowhere'} cannot be entered"
    code = _measure(node, tmp_path / "nowhere", lacks=lacks)

    assert code == 74
    assert read_run(node.directory, node.token).reason is StopReason.NODE_UNFIT


def test_data_that_changes_meanwhile_is_told(node: FakeNode, data: Path) -> None:
    # Apptainer is asked for its release before the first look, so change with the digests.
    program = node.programs / "bin"
    program.mkdir()
    script = measure_script(
        Measure(directory=PurePosixPath(data), node=node.node),
        token=node.token,
        directory=PurePosixPath(node.directory),
    )
    (program / "xargs").write_text(f"#!/bin/bash\n/usr/bin/xargs \"$@\"\ntouch '{data}/new'\n")
    (program / "xargs").chmod(0o755)
    script = script.replace("PATH=/usr/bin", f"PATH='{program}':/usr/bin")

    code = node.execute(script)

    assert code == 84
    assert read_run(node.directory, node.token).reason is StopReason.DATA_CHANGED


@pytest.mark.parametrize(
    "content",
    [pytest.param(b"d a", id="cut"), pytest.param(b"d " + b"a" * 20_000, id="long")],
)
def test_a_manifest_that_is_none_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "manifest").write_bytes(content)

    with pytest.raises(RunFileError):
        list(records(tmp_path / "manifest"))


def test_a_manifest_behind_a_link_is_refused(tmp_path: Path) -> None:
    (tmp_path / "manifest").symlink_to("/etc/passwd")

    with pytest.raises(RunFileError):
        list(records(tmp_path / "manifest"))


@pytest.mark.parametrize("text", ["", "x 1 2", f"{'a' * 64} 1", f"{'a' * 64} -1 2"])
def test_a_measurement_that_is_none_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "measured").write_text(text)

    with pytest.raises(RunFileError):
        read_measured(tmp_path)
