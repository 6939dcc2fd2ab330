"""Columns and boards of a bundle: what becomes of them, of what stands there, and of what was chosen."""

from pathlib import Path
from typing import Any

import pytest
import yaml
from sqlalchemy import select

from portal import bootstrap
from portal.db.tables import AuditEntry, Board, Challenge, ChallengeRevision, Column, Pick, Standing
from portal.domain.leaderboards.scores import Rule
from portal.domain.permissions import Audience
from portal.services.evaluations.task_approvals import approval_of
from site_config.errors import SettingsError
from tests.support.worker.world import World

COLUMNS = [
    {"key": "accuracy", "title": "Accuracy", "task": "digits", "min": 0, "max": 1},
    {"key": "error", "task": "digits", "from": "loss", "sort": "asc", "unit": "nats"},
    {"key": "total", "compute": {"weighted": {"accuracy": 2, "error": -1}}, "precision": 2},
]
MAIN = {"id": "dev", "phases": ["dev"], "rank": {"by": "total", "ties": ["error"]}}
FROZEN = {
    "id": "frozen", "title": "Frozen", "phases": ["dev"], "rank": {"mean_rank": ["accuracy", "error"]},
    "audience": "participants", "freeze": "2026-12-20T00:00Z", "eligible": {"not": "organisers"},
    "columns": ["accuracy", "error"],
}  # fmt: skip
CHOSEN = {
    "id": "chosen", "phases": ["dev"], "rank": {"by": "accuracy"}, "counts": "chosen", "picks": 3,
    "compare": "dev", "reveal": "2027-02-01T00:00Z", "anonymous": "2027-03-01T00:00Z",
}  # fmt: skip


def _boards(*boards: dict[str, Any]) -> Any:
    def change(described: dict[str, Any]) -> None:
        described.pop("leaderboard", None)
        described.update(columns=COLUMNS, boards=list(boards))

    return change


def _change(world: World, tmp_path: Path, change: Any) -> None:
    folder = tmp_path / "challenge"
    described = yaml.safe_load((folder / "challenge.yaml").read_text())
    change(described)
    (folder / "challenge.yaml").write_text(yaml.safe_dump(described))
    bootstrap.add_challenge(world.site, folder)


def _standing(world: World) -> dict[str, tuple[dict[str, float], float]]:
    with world.database.reading() as session:
        rows = session.execute(
            select(Board.slug, Standing).join(Standing, Standing.board_id == Board.id)
        )
        return {slug: (row.scores, row.rank_value) for slug, row in rows}


def test_the_short_form_becomes_boards_and_each_keeps_its_address(
    world: World, tmp_path: Path
) -> None:
    world.run_until_final(world.submit())
    with world.database.reading() as session:
        before = session.scalars(select(Board)).one()
        assert (before.slug, before.ranking, before.rule) == ("dev", {}, None)

    _change(world, tmp_path, _boards(MAIN, FROZEN, CHOSEN))

    scores = {"accuracy": 0.912, "error": 0.25, "total": 1.57}
    assert _standing(world) == {
        "dev": (scores, 1.57),
        "frozen": (scores, 0.912),
        "frozen@frozen": (scores, 0.912),
        "chosen": (scores, 0.912),
    }
    with world.database.reading() as session:
        rows = {row.slug: row for row in session.scalars(select(Board))}
        assert rows["dev"].id == before.id
        assert rows["dev"].ranking == {"by": "total", "ties": ["error"]}
        assert rows["frozen"].ranking == {"mean_rank": ["accuracy", "error"]}
        assert (rows["frozen"].audience, rows["frozen"].ranks_organisers) == (
            Audience.PARTICIPANTS,
            False,
        )
        assert rows["frozen@frozen"].frozen_of == rows["frozen"].id
        assert (rows["chosen"].rule, rows["chosen"].number, rows["chosen"].compare) == (
            Rule.CHOSEN,
            3,
            "dev",
        )
        revision = session.scalars(
            select(ChallengeRevision).order_by(ChallengeRevision.number.desc())
        ).first()
        assert revision is not None
        assert {"board frozen added", "board chosen added", "board dev: rank"} <= {
            *revision.changes
        }
        assert not [change for change in revision.changes if "@" in change]


def test_what_is_scored_afterwards_is_read_by_the_columns_of_its_task(
    world: World, tmp_path: Path
) -> None:
    _change(world, tmp_path, _boards(MAIN, FROZEN))

    world.run_until_final(world.submit())

    assert _standing(world)["dev"] == ({"accuracy": 0.912, "error": 0.25, "total": 1.57}, 1.57)
    with world.database.reading() as session:
        approved = approval_of(session, "digits").columns
    assert (approved["error"].task, approved["error"].source) == ("digits", "loss")
    assert "weighted" in approved["total"].formula


def test_a_board_goes_with_what_was_chosen_for_it(world: World, tmp_path: Path) -> None:
    _change(world, tmp_path, _boards(MAIN, FROZEN, CHOSEN))
    submission = world.submit()
    world.run_until_final(submission)
    with world.database.writing() as session:
        board = session.scalars(select(Board).where(Board.slug == "chosen")).one()
        person = session.scalars(
            select(AuditEntry.actor_id).where(AuditEntry.actor_id.is_not(None))
        ).first()
        session.add(
            Pick(
                board_id=board.id,
                submission_id=submission,
                picked_by=person,
                picked_at=world.clock(),
            )
        )

    _change(world, tmp_path, _boards(MAIN))

    assert set(_standing(world)) == {"dev"}
    with world.database.reading() as session:
        assert session.scalars(select(Pick)).all() == []
        assert session.scalars(select(Board.slug)).all() == ["dev"]


def test_the_short_form_can_come_back(world: World, tmp_path: Path) -> None:
    world.run_until_final(world.submit())
    folder = tmp_path / "challenge"
    short = yaml.safe_load((folder / "challenge.yaml").read_text())["leaderboard"]
    before = _standing(world)
    _change(world, tmp_path, _boards(MAIN, FROZEN))

    def back(described: dict[str, Any]) -> None:
        del described["columns"], described["boards"]
        described["leaderboard"] = short

    _change(world, tmp_path, back)

    assert _standing(world) == before
    with world.database.reading() as session:
        assert {row.key for row in session.scalars(select(Column))} == {"accuracy", "loss"}


def test_doing_it_again_changes_nothing(world: World, tmp_path: Path) -> None:
    _change(world, tmp_path, _boards(MAIN, FROZEN, CHOSEN))
    with world.database.reading() as session:
        before = session.scalars(select(Board.id).order_by(Board.id)).all()
        revisions = len(session.scalars(select(ChallengeRevision)).all())

    _change(world, tmp_path, _boards(MAIN, FROZEN, CHOSEN))

    with world.database.reading() as session:
        assert session.scalars(select(Board.id).order_by(Board.id)).all() == before
        assert len(session.scalars(select(ChallengeRevision)).all()) == revisions


def test_a_mistake_in_a_board_is_refused_with_its_place(world: World, tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"boards\[0\]\.rank: there is no column 'loss'"):
        _change(world, tmp_path, _boards({**MAIN, "rank": {"by": "loss"}}))

    with world.database.reading() as session:
        assert session.scalars(select(Challenge)).one().rule is Rule.BEST
