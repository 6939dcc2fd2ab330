import hashlib
import multiprocessing
import os
import stat
from datetime import UTC, datetime, timedelta

import pytest

from portal.files.store import DamagedFileError, Store, Stored, TooLargeError

CONTENT = b"content"
DIGEST = hashlib.sha256(CONTENT).hexdigest()


@pytest.fixture
def store(tmp_path):
    return Store(tmp_path / "store")


def keep(store, content=CONTENT):
    with store.incoming() as incoming:
        incoming.write(content)
        return incoming.commit()


def files_in(store):
    root = store.incoming_directory.parent
    return sorted(str(path.relative_to(root)) for path in root.rglob("*") if path.is_file())


def test_a_file_is_kept_under_its_digest(store):
    stored = keep(store)

    assert stored == Stored(sha256=DIGEST, size=7)
    assert files_in(store) == [f"{DIGEST[:2]}/{DIGEST}"]
    with store.open(DIGEST) as stream:
        assert stream.read() == CONTENT


def test_a_file_can_be_read_by_its_group_and_written_by_nobody(store):
    keep(store)

    assert stat.S_IMODE(store.path(DIGEST).stat().st_mode) == 0o440


def test_pieces_make_one_file(store):
    with store.incoming() as incoming:
        incoming.write(b"con")
        incoming.write(b"")
        incoming.write(b"tent")
        assert incoming.size == 7
        stored = incoming.commit()

    assert stored.sha256 == DIGEST


def test_the_same_content_is_kept_once(store):
    keep(store)
    os.utime(store.path(DIGEST), (0, 0))

    assert keep(store) == Stored(sha256=DIGEST, size=7)
    assert files_in(store) == [f"{DIGEST[:2]}/{DIGEST}"]
    # As new as the upload that came last: so it is not removed while that is being looked at.
    assert store.path(DIGEST).stat().st_mtime > 0


def test_nothing_is_seen_before_commit(store):
    with store.incoming() as incoming:
        incoming.write(CONTENT)

        assert not store.path(DIGEST).exists()


def test_leaving_without_commit_keeps_nothing(store):
    with store.incoming() as incoming:
        incoming.write(CONTENT)

    assert files_in(store) == []


def test_an_error_keeps_nothing(store):
    def receive():
        with store.incoming() as incoming:
            incoming.write(CONTENT)
            raise ConnectionError

    with pytest.raises(ConnectionError):
        receive()

    assert files_in(store) == []


def test_the_limit_is_kept_while_writing(store):
    with store.incoming(limit=7) as incoming:
        incoming.write(CONTENT)
        with pytest.raises(TooLargeError) as caught:
            incoming.write(b"!")

    assert caught.value.limit == 7
    assert files_in(store) == []


def test_a_file_of_exactly_the_limit_is_kept(store):
    with store.incoming(limit=7) as incoming:
        incoming.write(CONTENT)

        assert incoming.commit().size == 7


def test_a_file_is_added_and_stays_where_it_is(store, tmp_path):
    file = tmp_path / "scorer.tar"
    file.write_bytes(CONTENT)

    assert store.add(file) == Stored(sha256=DIGEST, size=7)
    assert file.read_bytes() == CONTENT


def test_an_added_file_has_a_limit(store, tmp_path):
    file = tmp_path / "scorer.tar"
    file.write_bytes(CONTENT)

    with pytest.raises(TooLargeError):
        store.add(file, limit=6)

    assert files_in(store) == []


def test_a_finished_file_is_adopted(store, tmp_path):
    file = tmp_path / "upload"
    file.write_bytes(CONTENT)

    assert store.adopt(file) == Stored(sha256=DIGEST, size=7)
    assert not file.exists()
    assert stat.S_IMODE(store.path(DIGEST).stat().st_mode) == 0o440


def test_adopting_what_is_there_removes_the_second_copy(store, tmp_path):
    keep(store)
    file = tmp_path / "upload"
    file.write_bytes(CONTENT)

    assert store.adopt(file) == Stored(sha256=DIGEST, size=7)
    assert not file.exists()


@pytest.mark.parametrize(
    "name",
    ["", "abc", "../../etc/passwd", DIGEST.upper(), DIGEST + "\n", f"{DIGEST}0", "g" * 64],
)
def test_only_digests_are_names(store, name):
    with pytest.raises(ValueError) as caught:
        store.path(name)

    assert str(caught.value) == "not the hex digits of a SHA-256"


def test_a_file_that_is_not_here_is_not_found(store):
    with pytest.raises(FileNotFoundError), store.open(DIGEST):
        pass


def test_a_sound_file_is_verified(store):
    keep(store)

    assert store.verify(DIGEST) == Stored(sha256=DIGEST, size=7)


def spoil(store, content):
    store.path(DIGEST).chmod(0o640)
    store.path(DIGEST).write_bytes(content)


def test_changed_content_is_found(store):
    keep(store)
    spoil(store, b"CONTENT")

    with pytest.raises(DamagedFileError) as caught:
        store.verify(DIGEST)

    assert str(caught.value) == f"{store.path(DIGEST)} does not have the digest of its name"


def test_a_cut_file_is_not_taken_for_the_whole(store):
    keep(store)
    spoil(store, b"con")

    with pytest.raises(DamagedFileError) as caught:
        keep(store)

    assert str(caught.value) == f"{store.path(DIGEST)} does not have the size of its content"
    assert files_in(store) == [f"{DIGEST[:2]}/{DIGEST}"]


def test_only_leftovers_are_swept(store):
    keep(store)
    now = datetime(2026, 12, 1, tzinfo=UTC)
    for name, age in (("old", timedelta(days=3)), ("young", timedelta(hours=1))):
        file = store.incoming_directory / name
        file.write_bytes(b"half")
        moment = (now - age).timestamp()
        os.utime(file, (moment, moment))

    assert store.sweep(timedelta(days=2), now) == 1
    assert files_in(store) == [f"{DIGEST[:2]}/{DIGEST}", "incoming/young"]


def _write_and_die(root):
    incoming = Store(root).incoming()
    incoming.write(CONTENT * 1_000_000)
    os._exit(9)


def test_a_killed_writer_leaves_nothing_under_a_final_name(tmp_path):
    context = multiprocessing.get_context("spawn")
    process = context.Process(target=_write_and_die, args=(tmp_path,))
    process.start()
    process.join()
    store = Store(tmp_path)

    assert process.exitcode == 9
    assert [name.split("/")[0] for name in files_in(store)] == ["incoming"]
    assert store.sweep(timedelta(0), datetime.now(UTC) + timedelta(seconds=1)) == 1


HOUR = timedelta(hours=1)


def test_an_old_file_is_removed_and_a_fresh_one_stays(store):
    keep(store)
    fresh = store.remove(DIGEST, unused_for=HOUR)
    stayed = files_in(store)
    os.utime(store.path(DIGEST), (0, 0))

    assert (fresh, stayed) == (False, [f"{DIGEST[:2]}/{DIGEST}"])
    assert store.remove(DIGEST, unused_for=HOUR)
    assert files_in(store) == []


def test_removing_what_is_gone_is_as_good(store):
    assert store.remove(DIGEST, unused_for=HOUR)


def test_a_removal_that_was_killed_half_way_is_finished(store):
    keep(store)
    os.utime(store.path(DIGEST), (0, 0))
    aside = store.incoming_directory.parent / "leaving" / DIGEST
    aside.parent.mkdir(exist_ok=True)
    store.path(DIGEST).rename(aside)

    assert store.remove(DIGEST, unused_for=HOUR)
    assert files_in(store) == []


def test_what_came_again_during_a_removal_stays(store):
    keep(store)
    aside = store.incoming_directory.parent / "leaving" / DIGEST
    aside.parent.mkdir(exist_ok=True)
    store.path(DIGEST).rename(aside)
    keep(store)

    assert not store.remove(DIGEST, unused_for=HOUR)
    assert files_in(store) == [f"{DIGEST[:2]}/{DIGEST}"]


def test_old_files_that_nobody_knows_are_found(store):
    keep(store)
    other = keep(store, b"other")
    for digest in (DIGEST, other.sha256):
        os.utime(store.path(digest), (0, 0))

    def known(digests):
        return {DIGEST}.intersection(digests)

    def found(prefix):
        return store.unknown_to(known, prefix=prefix, older_than=HOUR)

    assert found(other.sha256[:2]) == [other]
    assert found(DIGEST[:2]) == []
    assert found("00") == []
    keep(store, b"other")
    assert found(other.sha256[:2]) == []


# Whoever has the web account's uid writes to the store.


def a_link(path, secret):
    path.symlink_to(secret)


def a_pipe(path, secret):
    os.mkfifo(path)


def another_name(path, secret):
    os.link(secret, path)


def a_directory(path, secret):
    path.mkdir()


def other_bytes(path, secret):
    path.write_bytes(b"CONTENT")


@pytest.mark.parametrize("put", [a_link, a_pipe, another_name, a_directory, other_bytes])
def test_what_was_put_in_the_place_of_a_file_is_not_copied(store, tmp_path, put):
    secret = tmp_path / "truth"
    # Also where the digest is right: the file could be changed after it was looked at.
    secret.write_bytes(CONTENT)
    keep(store)
    store.path(DIGEST).unlink()
    put(store.path(DIGEST), secret)

    with pytest.raises(DamagedFileError):
        store.copy(DIGEST, tmp_path / "copy")

    assert sorted(path.name for path in tmp_path.iterdir()) == ["store", "truth"]


def test_a_copy_is_whole_closed_and_apart_from_the_store(store, tmp_path):
    keep(store)

    assert store.copy(DIGEST, tmp_path / "copy") == Stored(sha256=DIGEST, size=7)
    spoil(store, b"CONTENT")
    assert (tmp_path / "copy").read_bytes() == CONTENT
    assert stat.S_IMODE((tmp_path / "copy").stat().st_mode) == 0o440


@pytest.fixture
def elsewhere(store, tmp_path):
    """Put a link in the place of a directory of the store; return where it leads."""
    keep(store)
    there = tmp_path / "elsewhere"
    store.path(DIGEST).parent.rename(there)
    os.utime(there / DIGEST, (0, 0))
    os.utime(there, (0, 0))
    store.path(DIGEST).parent.symlink_to(there)
    return there


def test_a_directory_that_is_a_link_is_not_entered(store, elsewhere, tmp_path):
    for act in (
        lambda: store.copy(DIGEST, tmp_path / "copy"),
        lambda: store.verify(DIGEST),
        lambda: store.remove(DIGEST, unused_for=timedelta(0)),
        lambda: keep(store),
    ):
        with pytest.raises(DamagedFileError):
            act()

    assert store.unknown_to(lambda _: set(), prefix=DIGEST[:2], older_than=HOUR) == []
    assert [path.name for path in elsewhere.iterdir()] == [DIGEST]


def test_nothing_is_swept_or_written_where_incoming_leads(store, elsewhere):
    store.incoming_directory.rmdir()
    store.incoming_directory.symlink_to(elsewhere)

    with pytest.raises(DamagedFileError):
        store.sweep(timedelta(0), datetime.now(UTC))
    with pytest.raises(DamagedFileError):
        store.incoming()

    assert [path.name for path in elsewhere.iterdir()] == [DIGEST]


def test_only_plain_files_that_are_named_by_digests_are_unknown(store, tmp_path):
    keep(store)
    folder = store.path(DIGEST).parent
    (folder / "name-of-a-patient").write_bytes(b"")
    (folder / f"{DIGEST[:2]}{'0' * 62}").symlink_to(tmp_path)
    for path in (*folder.iterdir(),):
        os.utime(path, (0, 0), follow_symlinks=False)

    found = store.unknown_to(lambda _: set(), prefix=DIGEST[:2], older_than=HOUR)

    assert [one.sha256 for one in found] == [DIGEST]


def test_the_mode_of_what_a_link_leads_to_is_never_changed(tmp_path):
    store = Store(tmp_path / "store", for_group=True)
    private = tmp_path / "private"
    private.mkdir(mode=0o700)
    store.path(DIGEST).parent.symlink_to(private)

    with pytest.raises(DamagedFileError):
        keep(store)

    assert stat.S_IMODE(private.stat().st_mode) == 0o700
