"""Data is measured before the first run, again from time to time, and when a run sees that it looks different."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from containers.interface import Measure
from portal.db.tables import AuditEntry, DataSnapshot, Result
from portal.domain.audit import Action
from portal.domain.evaluations.merkle import tree
from portal.domain.evaluations.states import EvaluationState, SnapshotState
from portal.domain.untrusted import Id
from portal.worker.ingest.measurement import last_two
from tests.support.worker.world import World

WEEK = timedelta(days=7)


@pytest.fixture
def measuring(world: World) -> World:
    """Return a world whose data is measured."""
    data = {
        name: replace(one, measure=True, recheck=WEEK)
        for name, one in world.context.resources.data.items()
    }
    for name, one in data.items():
        Path(one.path, f"{name}.csv").write_text(f"{name}\n")
    world.context = replace(world.context, resources=replace(world.context.resources, data=data))
    return world


def _snapshots(world: World) -> list[DataSnapshot]:
    with world.database.reading() as session:
        return list(session.scalars(select(DataSnapshot).order_by(DataSnapshot.id)))


def _data_of_seal(world: World, submission: str) -> dict[str, Any]:
    with world.database.reading() as session:
        found: dict[str, Any] = session.get_one(Result, world.evaluation(submission).id).seal[
            "data"
        ]
    return found


def _actions(world: World) -> list[tuple[Action, str]]:
    with world.database.reading() as session:
        rows = session.scalars(select(AuditEntry).order_by(AuditEntry.number))
        return [(row.action, row.subject_id) for row in rows if row.subject_kind == "data"]


def test_nothing_reads_data_before_it_was_measured(measuring: World) -> None:
    submission = measuring.submit()
    measuring.run(2)

    assert {one.name for one in _snapshots(measuring)} == {"digits-test", "digits-truth"}
    assert measuring.attempts("predict") == []

    measuring.run_until_final(submission)
    kinds = [kind for kind, _ in measuring.node.ran]
    assert kinds.count("measure") == 2
    assert max(place for place, kind in enumerate(kinds) if kind == "measure") < kinds.index(
        "predict"
    )


def test_the_seal_record_names_what_the_data_was(measuring: World) -> None:
    submission = measuring.submit()
    measuring.run_until_final(submission)

    found = _data_of_seal(measuring, submission)

    by_name = {one.name: one for one in _snapshots(measuring)}
    for part, name in (("input", "digits-test"), ("truth", "digits-truth")):
        assert found[part]["name"] == name
        assert found[part]["merkle_root"] == by_name[name].root
        assert (found[part]["files"], found[part]["unchanged"]) == (1, True)
    assert found["input"]["merkle_root"] != found["truth"]["merkle_root"]


def test_the_root_is_that_of_the_manifest_which_only_the_worker_can_read(measuring: World) -> None:
    measuring.run_until_final(measuring.submit())

    for one in _snapshots(measuring):
        manifest = measuring.context.cluster.manifest(Id(one.id))
        assert tree(manifest.read_bytes().split(b"\0")[:-1]).root == one.root
        assert manifest.parent.stat().st_mode & 0o077 == 0


def test_it_is_measured_once_as_long_as_its_time_is_not_over(measuring: World) -> None:
    measuring.run_until_final(measuring.submit())
    measuring.run_until_final(measuring.submit())
    assert len(_snapshots(measuring)) == 2

    measuring.clock.advance(WEEK.total_seconds())
    measuring.run(10)

    assert len(_snapshots(measuring)) == 4
    assert {one.state for one in _snapshots(measuring)} == {SnapshotState.READY}
    # The same content again is no news.
    assert [action for action, _ in _actions(measuring)] == [Action.DATA_MEASURED] * 2


def test_data_that_changed_is_seen_by_the_run_and_measured_again(measuring: World) -> None:
    measuring.run_until_final(measuring.submit())
    before = {one.name: one.root for one in _snapshots(measuring)}
    truth = Path(measuring.context.resources.data["digits-truth"].path)
    (truth / "digits-truth.csv").write_text("other labels\n")

    second = measuring.submit()
    measuring.run_until_final(second)
    seal = _data_of_seal(measuring, second)
    measuring.run(10)

    assert (seal["input"]["unchanged"], seal["truth"]["unchanged"]) == (True, False)
    assert seal["truth"]["merkle_root"] == before["digits-truth"]
    *_, last = [one for one in _snapshots(measuring) if one.name == "digits-truth"]
    assert last.root != before["digits-truth"]
    assert _actions(measuring)[-1] == (Action.DATA_CHANGED, "digits-truth")
    assert last_two(measuring.context, "digits-test") is None
    pair = last_two(measuring.context, "digits-truth")
    assert pair is not None
    older, newer = ([record[66:] for record in records] for records in pair)
    assert (older, newer) == ([b"digits-truth.csv"], [b"digits-truth.csv"])

    third = measuring.submit()
    measuring.run_until_final(third)
    assert _data_of_seal(measuring, third)["truth"]["unchanged"] is True


def test_data_that_cannot_be_measured_holds_up_what_reads_it_and_is_tried_again(
    measuring: World,
) -> None:
    measuring.node.reason = "data_strange"
    submission = measuring.submit()
    measuring.run(10)
    failed = _snapshots(measuring)

    assert {one.state for one in failed} == {SnapshotState.FAILED}
    assert all("data_strange" in one.detail for one in failed)
    assert measuring.evaluation(submission).state is not EvaluationState.FAILED
    assert measuring.attempts("predict") == []

    measuring.node.reason = ""
    measuring.run(5)
    assert len(_snapshots(measuring)) == len(failed)
    measuring.clock.advance(3600)
    assert measuring.run_until_final(submission).state is EvaluationState.SCORED


def test_a_smoke_run_waits_for_no_measurement(measuring: World) -> None:
    measuring.node.reason = "data_strange"
    measuring.run(10)
    measuring.node.reason = ""

    submission = measuring.submit(smoke=True)

    assert measuring.run_until_final(submission).state is EvaluationState.SCORED
    assert {one.state for one in _snapshots(measuring)} == {SnapshotState.FAILED}


def test_a_site_can_leave_data_unmeasured(world: World) -> None:
    submission = world.submit()
    world.run_until_final(submission)

    assert _snapshots(world) == []
    assert _data_of_seal(world, submission)["input"] == {"name": "digits-test", "merkle_root": None}


def test_measuring_needs_a_directory_of_the_settings(measuring: World) -> None:
    """A row of the database alone names no place that is read."""
    assert Measure.__dataclass_fields__.keys() == {"directory", "node"}
    with measuring.database.writing() as session:
        session.add(
            DataSnapshot(
                id="x",
                name="passwords",
                cluster="main",
                path="/etc",
                state=SnapshotState.WAITING,
                created_at=measuring.clock(),
            )
        )

    measuring.run(10)

    [planted] = [one for one in _snapshots(measuring) if one.name == "passwords"]
    assert planted.state is SnapshotState.FAILED
    assert "the site has no data" in planted.detail
