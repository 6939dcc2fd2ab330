import os

from portal.files.outputs.removal import content_of, remove


def test_the_digest_is_of_names_and_contents(tmp_path):
    (tmp_path / "a/b").mkdir(parents=True)
    (tmp_path / "a/b/one").write_bytes(b"1234")
    (tmp_path / "a/two").write_bytes(b"56")

    first = content_of([tmp_path / "a"])
    (tmp_path / "a/two").write_bytes(b"57")

    assert first.size == 6
    assert content_of([tmp_path / "a"]).sha256 != first.sha256
    assert content_of([tmp_path / "no"]) == content_of([])


def test_what_is_no_file_is_neither_followed_nor_waited_for(tmp_path):
    folder = tmp_path / "a"
    folder.mkdir()
    outside = tmp_path / "outside"
    outside.write_bytes(b"keep me")
    (folder / "link").symlink_to(outside)
    (folder / "up").symlink_to(tmp_path)
    os.mkfifo(folder / "pipe")

    assert content_of([folder]).size == 0
    assert remove([folder, tmp_path / "gone"])
    assert (folder.exists(), outside.read_bytes()) == (False, b"keep me")


def test_a_link_goes_and_what_it_leads_to_stays(tmp_path):
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "real")

    assert remove([tmp_path / "link"])
    assert [path.name for path in tmp_path.iterdir()] == ["real"]
