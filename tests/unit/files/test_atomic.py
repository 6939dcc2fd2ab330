"""A file that is written appears whole, or what was there stays."""

from pathlib import Path

import pytest

from portal.files import atomic


def _write_half(target: Path) -> None:
    with atomic.new_file(target) as stream:
        stream.write(b"new")
        raise ValueError("half")


def test_what_is_written_replaces_what_was_there_with_its_mode(tmp_path: Path) -> None:
    target = tmp_path / "file"
    target.write_bytes(b"old")

    atomic.write(target, b"new", mode=0o640)

    assert (target.read_bytes(), target.stat().st_mode & 0o777) == (b"new", 0o640)
    assert list(tmp_path.iterdir()) == [target]


def test_nothing_of_it_is_to_be_seen_before_it_is_whole(tmp_path: Path) -> None:
    target = tmp_path / "file"

    with atomic.new_file(target) as stream:
        stream.write(b"new")
        stream.flush()
        [part] = tmp_path.iterdir()
        before = (target.exists(), part.name.startswith(atomic.PART))

    assert before == (False, True)
    assert target.read_bytes() == b"new"


def test_what_fails_meanwhile_leaves_what_was_there(tmp_path: Path) -> None:
    target = tmp_path / "file"
    target.write_bytes(b"old")

    with pytest.raises(ValueError, match="half"):
        _write_half(target)

    assert target.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [target]


def test_a_link_in_its_place_is_replaced_and_not_followed(tmp_path: Path) -> None:
    target, other = tmp_path / "file", tmp_path / "other"
    other.write_bytes(b"other")
    target.symlink_to(other)

    atomic.write(target, b"new")

    assert (target.is_symlink(), other.read_bytes()) == (False, b"other")
