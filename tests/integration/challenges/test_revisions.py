"""Each change of a challenge's bundle is a revision, which can be looked at and written out again."""

from pathlib import Path
from typing import Any

import pytest
import yaml
from sqlalchemy import func, select

from portal import bootstrap
from portal.db.tables import Blob, ChallengeRevision, RevisionFile
from portal.domain.challenges.revisions import Origin
from portal.domain.errors import NotFoundError, OperatorError
from site_config.bundle import load_challenge
from tests.support.worker.world import World


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return the bundle that the world was made from; its task has a sample."""
    return tmp_path / "challenge"


def _change(world: World, folder: Path, change: Any = lambda _: None) -> int:
    described = yaml.safe_load((folder / "challenge.yaml").read_text())
    change(described)
    (folder / "challenge.yaml").write_text(yaml.safe_dump(described))
    return bootstrap.add_challenge(world.site, folder).revision


def _numbers(world: World) -> list[int]:
    with world.database.reading() as session:
        return list(
            session.scalars(select(ChallengeRevision.number).order_by(ChallengeRevision.number))
        )


def test_the_first_import_is_the_first_revision(world: World) -> None:
    with world.database.reading() as session:
        [row] = session.scalars(select(ChallengeRevision)).all()
        paths = set(session.scalars(select(RevisionFile.path)))

    assert (row.number, row.changes, row.origin, row.made_by) == (1, [], Origin.COMMAND, None)
    assert {"scorer.tar", "base.tar"} <= paths
    assert "challenge.yaml" not in paths


def test_the_same_again_makes_no_revision(world: World, folder: Path) -> None:
    text = (folder / "challenge.yaml").read_text()
    before = _numbers(world)

    numbers = [bootstrap.add_challenge(world.site, folder).revision for _ in range(2)]

    assert (folder / "challenge.yaml").read_text() == text
    assert (numbers, _numbers(world)) == ([1, 1], before)


def test_a_change_is_a_revision_with_its_words(world: World, folder: Path) -> None:
    number = _change(world, folder, lambda d: d.update(title="Numbers"))

    with world.database.reading() as session:
        row = session.scalars(select(ChallengeRevision).order_by(ChallengeRevision.number)).all()[
            -1
        ]
    assert (number, row.number, row.changes) == (2, 2, ["title"])


def test_only_checking_writes_no_revision(world: World, folder: Path) -> None:
    described = yaml.safe_load((folder / "challenge.yaml").read_text()) | {"title": "Numbers"}
    (folder / "challenge.yaml").write_text(yaml.safe_dump(described))

    bootstrap.add_challenge(world.site, folder, only_check=True)

    assert _numbers(world) == [1]


def _content(directory: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(directory)): path.read_bytes()
        for path in sorted(directory.rglob("*"))
        if path.is_file()
    }


def test_what_is_exported_is_what_was_added_and_adding_it_changes_nothing(
    world: World, folder: Path, tmp_path: Path
) -> None:
    _change(world, folder, lambda d: d.update(title="Numbers"))
    target = tmp_path / "out" / "digits"
    target.parent.mkdir()

    bootstrap.export_bundle(world.site, "digits", target)
    again = bootstrap.add_challenge(world.site, target)

    assert _content(target) == _content(folder)
    assert load_challenge(target).title == load_challenge(folder).title
    assert (again.changes, again.revision) == ((), 2)
    assert [path.name for path in target.parent.iterdir()] == ["digits"]


def test_an_earlier_revision_can_be_exported(world: World, folder: Path, tmp_path: Path) -> None:
    before = (folder / "challenge.yaml").read_text()
    _change(world, folder, lambda d: d.update(title="Numbers"))

    bootstrap.export_bundle(world.site, "digits", tmp_path / "first", number=1)

    assert (tmp_path / "first" / "challenge.yaml").read_text() == before


@pytest.mark.parametrize(("slug", "number"), [("nothing", None), ("digits", 2)])
def test_what_there_is_not_is_not_exported(
    world: World, tmp_path: Path, slug: str, number: int | None
) -> None:
    with pytest.raises(NotFoundError):
        bootstrap.export_bundle(world.site, slug, tmp_path / "out", number=number)

    assert not (tmp_path / "out").exists()


def test_nothing_is_written_over(world: World, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()

    with pytest.raises(OperatorError, match="is there already"):
        bootstrap.export_bundle(world.site, "digits", tmp_path / "out")


@pytest.mark.parametrize("path", ["../outside", "/etc/passwd", "a/../../b", "a\\b", ""])
def test_a_path_that_leads_elsewhere_is_not_written_to(
    world: World, tmp_path: Path, path: str
) -> None:
    with world.database.writing() as session:
        session.scalars(select(RevisionFile)).first().path = path
    before = sorted(tmp_path.rglob("*"))

    with pytest.raises(OperatorError, match="a file that is none"):
        bootstrap.export_bundle(world.site, "digits", tmp_path / "out")

    assert sorted(tmp_path.rglob("*")) == before


def test_a_file_that_is_not_as_it_was_stored_is_not_exported(world: World, tmp_path: Path) -> None:
    with world.database.reading() as session:
        file = session.scalars(select(RevisionFile)).first()
    stored = world.site.store.path(file.blob_sha256)
    stored.chmod(0o600)
    stored.write_bytes(b"something else")

    with pytest.raises(OperatorError, match="cannot be written"):
        bootstrap.export_bundle(world.site, "digits", tmp_path / "out")

    assert not (tmp_path / "out").exists()


def test_every_file_of_a_revision_is_known_as_an_upload(world: World, folder: Path) -> None:
    _change(world, folder, lambda d: d.update(title="Numbers"))

    with world.database.reading() as session:
        files = set(session.scalars(select(RevisionFile.blob_sha256)))
        known = session.scalar(select(func.count()).select_from(Blob).where(Blob.sha256.in_(files)))
    assert known == len(files)


def test_a_difference_is_shown_by_file(world: World, folder: Path) -> None:
    assert bootstrap.differences(world.site, folder) == []

    described = yaml.safe_load((folder / "challenge.yaml").read_text())
    page = described["pages"][0]["file"]
    text = (folder / "challenge.yaml").read_text()
    (folder / "challenge.yaml").write_text(text + "# a remark\n")
    (folder / page).write_text((folder / page).read_text() + "\nMore.\n")
    (folder / "scorer.tar").write_bytes(b"another")

    lines = bootstrap.differences(world.site, folder)

    assert "+# a remark" in lines
    assert f"+++ b/{page}" in lines
    assert "+More." in lines
    assert "changed: scorer.tar" in lines
