"""What the database says is run only as an operator ordered it."""

import stat
from typing import Any

import pytest
from sqlalchemy import select, update

from portal import bootstrap
from portal.db.tables import Evaluation, Image, Task
from portal.domain.failures import FailureReason
from portal.services.orders import orders_of
from tests.integration.worker.world import World


def change_task(world: World, **values: Any) -> None:
    with world.database.writing() as session:
        session.execute(update(Task).values(**values))


def jobs_that_ran(world: World, kind: str) -> int:
    return [ran for ran, _ in world.node.ran].count(kind)


def ended(world: World, submission: str) -> tuple[FailureReason | None, str]:
    evaluation: Evaluation = world.run_until_final(submission)
    return evaluation.reason, evaluation.detail


def test_adding_a_challenge_orders_what_its_tasks_run(world: World) -> None:
    folder = world.context.cluster.storage / "orders"

    ordered = world.context.orders.get("digits")

    with world.database.reading() as session:
        assert ordered == orders_of(session, "digits")
    assert ordered["digits"].truth_data == "digits-truth"
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700


@pytest.mark.parametrize(
    ("change", "names"),
    [
        ({"input_data": "digits-truth"}, "input_data"),
        ({"truth_data": "digits-test"}, "truth_data"),
        ({"predict_argv": ["/bin/cat", "/input"]}, "predict_argv"),
        ({"score_argv": ["/bin/sh"], "score_profile": "gpu-small"}, "score_profile, score_argv"),
    ],
)
def test_a_task_that_was_changed_in_the_database_is_not_run(
    world: World, change: dict[str, Any], names: str
) -> None:
    submission = world.hand_in()
    change_task(world, **change)

    reason, detail = ended(world, submission)

    assert reason is FailureReason.PREPARATION
    assert detail == f"the database says otherwise than the order of digits, task digits: {names}"
    assert jobs_that_ran(world, "predict") == jobs_that_ran(world, "score") == 0


def test_the_truth_is_not_shown_to_a_scorer_that_nobody_ordered(world: World) -> None:
    submission = world.hand_in()
    world.run_until_sent("score")
    another = world.hand_in(content=b"PK\5\6" + bytes(18))
    world.run_until_final(submission)
    with world.database.writing() as session:
        images = list(session.scalars(select(Image)))
        task = session.scalars(select(Task)).one()
        scorer = next(image for image in images if image.id == task.scorer_image_id)
        own = next(image for image in images if image.kind.value == "code")
        scorer.sif_sha256 = own.sif_sha256
    ran = jobs_that_ran(world, "score")

    submission = world.hand_in()
    reason, detail = ended(world, submission)

    assert another
    assert reason is FailureReason.PREPARATION
    assert detail == f"image {scorer.id} is made of code:{own.source_sha256}, which nobody ordered"
    assert jobs_that_ran(world, "score") == ran


def test_a_probe_that_was_exchanged_vouches_for_nothing(world: World) -> None:
    world.run_until_final(world.hand_in())
    with world.database.writing() as session:
        probe = session.get_one(Image, world.context.probe_image_id)
        probe.sif_sha256 = "e" * 64

    reason, detail = ended(world, world.hand_in())

    assert reason is FailureReason.PREPARATION
    assert detail == f"image {probe.id} is made of nothing that is known, which nobody ordered"


def test_what_was_changed_is_run_once_an_operator_approves_it(world: World) -> None:
    change_task(world, predict_argv=["/app/other"])
    refused = ended(world, world.hand_in())

    with world.database.reading() as session:
        bootstrap.orders_of_site(world.site).put("digits", orders_of(session, "digits"))
    approved = ended(world, world.hand_in())

    assert refused[0] is FailureReason.PREPARATION
    assert approved == (None, "")


def test_a_challenge_without_an_order_is_not_run_and_says_what_to_do(world: World) -> None:
    (world.context.cluster.storage / "orders/digits.json").unlink()

    reason, detail = ended(world, world.hand_in())

    assert reason is FailureReason.PREPARATION
    assert detail == (
        "nobody ordered the task digits of digits: look at it with 'sealrun challenge approve digits'"
    )
