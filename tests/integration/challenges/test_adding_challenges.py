"""Adding a challenge again brings it up to date and takes nothing away from teams."""

from pathlib import Path
from typing import Any

import pytest
import yaml
from sqlalchemy import func, select

from containers.archives import Entry, write_archive
from portal import bootstrap
from portal.db.tables import (
    Challenge,
    Column,
    Image,
    Page,
    Phase,
    PhaseAdmission,
    Standing,
    Task,
    Team,
)
from portal.domain.errors import OperatorError, ParticipantError
from portal.domain.ids import new_id
from portal.services.challenges.bundles.import_bundle import TakenIn
from site_config.errors import SettingsError
from tests.support.worker.world import World


def _change(world: World, tmp_path: Path, change: Any) -> None:
    """Change the bundle that the world was made from, and add it again."""
    folder = tmp_path / "challenge"
    described = yaml.safe_load((folder / "challenge.yaml").read_text())
    change(described)
    (folder / "challenge.yaml").write_text(yaml.safe_dump(described))
    bootstrap.add_challenge(world.site, folder)


def _count(world: World, table: Any) -> int:
    with world.database.reading() as session:
        return session.scalar(select(func.count()).select_from(table)) or 0


def test_adding_the_same_again_changes_nothing(world: World, tmp_path: Path) -> None:
    before = [_count(world, table) for table in (Challenge, Page, Column, Image)]

    _change(world, tmp_path, lambda _: None)

    assert [_count(world, table) for table in (Challenge, Page, Column, Image)] == before


def test_a_new_title_and_a_page_less_are_taken_over(world: World, tmp_path: Path) -> None:
    _change(world, tmp_path, lambda c: c.update(title="Numbers"))

    with world.database.reading() as session:
        assert session.scalars(select(Challenge)).one().title == "Numbers"


def test_pages_of_one_file_name_are_all_there_and_a_mark_before_the_text_is_none(
    world: World, tmp_path: Path
) -> None:
    files = ["en/overview.md", "fr/overview.md", "en-overview.md", "bom.md"]
    for name in files:
        (tmp_path / "challenge" / name).parent.mkdir(exist_ok=True)
        (tmp_path / "challenge" / name).write_bytes(
            b"\xef\xbb\xbf# Evaluation\r\n\r\n" + name.encode()
        )

    _change(world, tmp_path, lambda c: c.update(pages=[{"title": n, "file": n} for n in files]))

    with world.database.reading() as session:
        rows = session.scalars(select(Page).order_by(Page.position)).all()
    assert {row.slug: row.markdown for row in rows} == {
        "en-overview": "# Evaluation\n\nen/overview.md",
        "fr-overview": "# Evaluation\n\nfr/overview.md",
        "en-overview~2": "# Evaluation\n\nen-overview.md",
        "bom": "# Evaluation\n\nbom.md",
    }


def test_another_precision_is_shown_of_old_results_too(world: World, tmp_path: Path) -> None:
    world.run_until_final(world.submit())

    _change(world, tmp_path, lambda c: c["leaderboard"]["columns"][0].update(precision=1))

    with world.database.reading() as session:
        assert session.scalars(select(Standing)).one().scores["accuracy"] == 0.9


def _rename_phase(described: dict[str, Any]) -> None:
    described["phases"][0]["id"] = "other"


def _rename_task(described: dict[str, Any]) -> None:
    described["tasks"] = {"other": described["tasks"]["digits"]}
    described["phases"][0]["tasks"] = ["other"]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        pytest.param(_rename_phase, "phase 'dev' has submissions and cannot go", id="phase"),
        pytest.param(_rename_task, "task 'digits' has submissions and cannot go", id="task"),
    ],
)
def test_what_cannot_be_is_refused_whole(world: World, tmp_path: Path, change, message) -> None:
    world.run_until_final(world.submit())

    with pytest.raises(ParticipantError) as refusal:
        _change(world, tmp_path, lambda c: (c.update(title="Numbers"), change(c)))

    assert refusal.value.message == message
    with world.database.reading() as session:
        assert session.scalars(select(Challenge)).one().title == "Digits"


@pytest.mark.parametrize(
    ("names", "why"),
    [
        (("Cells.csv", "cells.csv"), "is in the archive twice"),
        ((), "holds no files"),
    ],
    ids=["alike", "empty"],
)
def test_a_sample_that_programs_could_not_be_given_is_refused_when_it_is_added(
    world: World, tmp_path: Path, names: tuple[str, ...], why: str
) -> None:
    folder = tmp_path / "challenge" / "sample"
    (folder / "input" / "cells.csv").unlink()
    (folder / "input").rmdir()
    for name in names:
        (folder / name).write_text("public")

    with pytest.raises(OperatorError, match="cannot be a sample: ") as refused:
        _change(world, tmp_path, lambda _: None)

    assert str(folder) in str(refused.value)
    assert why in str(refused.value)


def _again(world: World, folder: Path, change: Any, **options: Any) -> TakenIn:
    described = yaml.safe_load((folder / "challenge.yaml").read_text())
    change(described)
    (folder / "challenge.yaml").write_text(yaml.safe_dump(described))
    return bootstrap.add_challenge(world.site, folder, **options)


def test_what_changes_is_told_in_the_words_of_the_file(world: World, tmp_path: Path) -> None:
    folder = tmp_path / "challenge"
    assert _again(world, folder, lambda _: None).changes == ()

    def change(described: dict[str, Any]) -> None:
        described["title"] = "Numbers"
        described["phases"][0]["end"] = "2027-02-01T00:00Z"
        described["phases"][0]["limits"]["per_day"] = 9
        described["pages"].append({"title": "More", "file": "more.md"})
        described["leaderboard"]["columns"].append({"key": "f1", "title": "F1", "min": 0, "max": 1})
        described["tasks"]["digits"]["outputs"]["max"] = "2M"

    (folder / "overview.md").write_text("# Another\n")
    (folder / "more.md").write_text("# More\n")
    taken = _again(world, folder, change)

    assert not taken.is_new
    assert set(taken.changes) == {
        "title", "page overview: text", "page more added", "task digits: outputs.max",
        "phase dev: end", "phase dev: limits.per_day", "column f1 added",
    }  # fmt: skip
    (folder / "more.md").unlink()
    assert _again(world, folder, lambda d: d["pages"].pop()).changes == ("page more removed",)


def test_a_check_tells_the_same_and_changes_nothing(world: World, tmp_path: Path) -> None:
    folder = tmp_path / "challenge"
    with world.database.reading() as session:
        before = session.scalars(select(Challenge)).one().updated_at
    world.clock.advance(60)

    entry = Entry(path="app/score", content=b"another", mode=0o755)
    write_archive([entry], folder / "scorer.tar", architecture="amd64")
    stored = sorted(world.site.store.root.rglob("*"))

    taken = _again(world, folder, lambda d: d.update(title="Numbers"), only_check=True)

    assert set(taken.changes) == {"title", "task digits: scorer.image"}
    assert sorted(world.site.store.root.rglob("*")) == stored
    with world.database.reading() as session:
        row = session.scalars(select(Challenge)).one()
    assert (row.title, row.updated_at) == ("Digits", before)


def test_images_that_cannot_be_built_are_refused_with_their_place(
    world: World, tmp_path: Path
) -> None:
    folder = tmp_path / "challenge"
    before = _count(world, Image)
    (folder / "scorer.tar").write_bytes(bytes(range(256)) * 400)
    entry = Entry(path="app/elsewhere", content=b"x", mode=0o755)
    write_archive([entry], folder / "base.tar", architecture="amd64")

    with pytest.raises(SettingsError) as refused:
        bootstrap.add_challenge(world.site, folder)

    assert str(refused.value).splitlines() == [
        (
            f"{folder}/scorer.tar: tasks.digits.scorer: This is not an image. Submit the file that docker save, podman"
            " save or apptainer build has written."
        ),
        (
            f"{folder}/base.tar: tasks.digits.base: The image has no program '/app/predict', which a code submission for"
            " task 'digits' starts. Put it there, make it executable, or write another argv."
        ),
    ]
    assert _count(world, Image) == before


def test_a_program_that_comes_with_the_submission_is_not_looked_for(
    world: World, tmp_path: Path
) -> None:
    def change(described: dict[str, Any]) -> None:
        described["tasks"]["digits"]["predict"]["argv"] = ["/submission/run"]

    taken = _again(world, tmp_path / "challenge", change)

    assert taken.changes == ("task digits: predict.argv",)


def test_a_reveal_in_the_past_is_asked_about_once(world: World, tmp_path: Path) -> None:
    folder, asked = tmp_path / "challenge", []

    def agreed(question: str) -> bool:
        asked.append(question)
        return len(asked) > 1

    def change(described: dict[str, Any]) -> None:
        described["leaderboard"]["reveal"] = "2026-11-30T00:00Z"

    with pytest.raises(OperatorError, match="nothing was changed"):
        _again(world, folder, change, agreed=agreed)
    assert _again(world, folder, lambda _: None, agreed=agreed).changes == ("leaderboard.reveal",)
    assert _again(world, folder, lambda d: d.update(title="N"), agreed=agreed).changes == ("title",)

    assert len(asked) == 2
    assert asked[0] == (
        "'leaderboard.reveal' of digits lies in the past: all that is kept until then is shown to everybody at once."
        " Go on?"
    )


def test_a_new_column_that_ranks_leaves_older_results_without_a_place(
    world: World, tmp_path: Path
) -> None:
    world.run_until_final(world.submit())

    def rank_by_another(described: Any) -> None:
        for column in described["leaderboard"]["columns"]:
            column.pop("primary", None)
        described["leaderboard"]["columns"].append({"key": "f1", "title": "F1", "primary": True})

    before = _count(world, Standing)
    _change(world, tmp_path, rank_by_another)

    assert (before, _count(world, Standing)) == (1, 0)


def test_a_phase_and_a_task_without_submissions_are_replaced_with_what_refers_to_them(
    world: World, tmp_path: Path
) -> None:
    with world.database.writing() as session:
        phase = session.scalars(select(Phase)).one()
        team = Team(
            id=new_id(world.clock()),
            challenge_id=phase.challenge_id,
            name="Team Ada",
            created_at=world.clock(),
        )
        session.add(team)
        session.flush()
        session.add(
            PhaseAdmission(
                phase_id=phase.id,
                team_id=team.id,
                admitted_by=world.person,
                admitted_at=world.clock(),
            )
        )

    def change(described: dict[str, Any]) -> None:
        described["tasks"] = {"letters": described["tasks"]["digits"]}
        described["phases"][0] |= {"id": "first", "tasks": ["letters"]}

    taken = _again(world, tmp_path / "challenge", change)

    assert set(taken.changes) == {
        "task digits removed", "task letters added", "phase dev removed", "phase first added",
    }  # fmt: skip
    with world.database.reading() as session:
        assert session.scalars(select(Phase.slug)).all() == ["first"]
        assert session.scalars(select(Task.slug)).all() == ["letters"]
        assert session.scalars(select(PhaseAdmission)).all() == []


def test_a_task_that_a_phase_has_lets_another_take_its_place(world: World, tmp_path: Path) -> None:
    def change(described: dict[str, Any]) -> None:
        described["tasks"] = {"letters": described["tasks"]["digits"]}
        described["phases"][0]["tasks"] = ["letters"]

    assert set(_again(world, tmp_path / "challenge", change).changes) == {
        "task digits removed", "task letters added",
    }  # fmt: skip
    world.run_until_final(world.submit())
