"""Adding a challenge again brings it up to date and takes nothing away from teams."""

from pathlib import Path
from typing import Any

import pytest
import yaml
from sqlalchemy import func, select

from portal import bootstrap
from portal.db.tables import Challenge, Column, Image, Page, Standing
from portal.domain.errors import OperatorError, ParticipantError
from tests.integration.worker.world import World


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
    world.run_until_final(world.hand_in())

    _change(world, tmp_path, lambda c: c["leaderboard"]["columns"][0].update(precision=1))

    with world.database.reading() as session:
        assert session.scalars(select(Standing)).one().scores["accuracy"] == 0.9


def _rename_phase(described: dict[str, Any]) -> None:
    described["phases"][0]["id"] = "other"


def _rename_task(described: dict[str, Any]) -> None:
    described["tasks"] = {"other": described["tasks"]["digits"]}
    described["phases"][0]["tasks"] = ["other"]


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        pytest.param(_rename_phase, "phase 'dev' has submissions and cannot go", id="phase"),
        pytest.param(_rename_task, "task 'digits' has submissions and cannot go", id="task"),
        pytest.param(
            lambda c: c["leaderboard"].update(rule="chosen"),
            "leaderboard.rule 'chosen' is not yet available",
            id="rule",
        ),
    ],
)
def test_what_cannot_be_is_refused_whole(world: World, tmp_path: Path, change, sentence) -> None:
    world.run_until_final(world.hand_in())

    with pytest.raises(ParticipantError) as refusal:
        _change(world, tmp_path, lambda c: (c.update(title="Numbers"), change(c)))

    assert refusal.value.sentence == sentence
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
