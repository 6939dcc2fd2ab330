"""What the database says is run only as an operator approved it."""

import json
import stat
from typing import Any

import pytest
from sqlalchemy import select, update

from portal import bootstrap
from portal.db.tables import Evaluation, Image, Task
from portal.domain.evaluations.failures import FailureReason
from portal.domain.submissions.limits import SubmissionKind
from portal.domain.untrusted import Slug
from portal.services.evaluations.task_approvals import approval_of
from tests.support.worker.world import World


def change_task(world: World, **values: Any) -> None:
    with world.database.writing() as session:
        session.execute(update(Task).values(**values))


def jobs_that_ran(world: World, kind: str) -> int:
    return [ran for ran, _ in world.node.ran].count(kind)


def ended(world: World, submission: str) -> tuple[FailureReason | None, str]:
    evaluation: Evaluation = world.run_until_final(submission)
    return evaluation.reason, evaluation.detail


def test_adding_a_challenge_approves_what_its_tasks_run(world: World) -> None:
    folder = world.context.cluster.storage / "approvals"

    approved = world.context.approvals.get(Slug("digits"))

    with world.database.reading() as session:
        assert approved == approval_of(session, "digits")
    assert approved.tasks["digits"].truth_data == "digits-truth"
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700


@pytest.mark.parametrize(
    ("change", "names"),
    [
        ({"input_data": "digits-truth"}, "task digits: input_data"),
        ({"truth_data": "digits-test"}, "task digits: truth_data"),
        ({"predict_argv": ["/bin/cat", "/input"]}, "task digits: predict_argv"),
        (
            {"score_argv": ["/bin/sh"], "score_profile": "gpu-small"},
            "task digits: score_profile, task digits: score_argv",
        ),
    ],
)
def test_a_task_that_was_changed_in_the_database_is_not_run(
    world: World, change: dict[str, Any], names: str
) -> None:
    submission = world.submit()
    change_task(world, **change)

    reason, detail = ended(world, submission)

    assert reason is FailureReason.PREPARATION
    assert detail == f"the database says otherwise than what was approved of digits: {names}"
    assert jobs_that_ran(world, "predict") == jobs_that_ran(world, "score") == 0


def test_the_truth_is_not_shown_to_a_scorer_that_nobody_approved(world: World) -> None:
    submission = world.submit()
    world.run_until_sent("score")
    another = world.submit(content=b"PK\5\6" + bytes(18))
    world.run_until_final(submission)
    with world.database.writing() as session:
        task = session.scalars(select(Task)).one()
        scorer = session.get_one(Image, task.scorer_image_id)
        own = session.get_one(Image, world.evaluation(submission).image_id)
        base = session.get_one(Image, task.base_image_id).source_sha256
        scorer.sif_sha256 = own.sif_sha256
    ran = jobs_that_ran(world, "score")

    submission = world.submit()
    reason, detail = ended(world, submission)

    assert another
    assert reason is FailureReason.PREPARATION
    assert (
        detail
        == f"image {scorer.id} is made of code:{own.source_sha256}:{base}, which nobody approved"
    )
    assert jobs_that_ran(world, "score") == ran


def test_a_probe_that_was_exchanged_vouches_for_nothing(world: World) -> None:
    world.run_until_final(world.submit())
    with world.database.writing() as session:
        probe = session.get_one(Image, world.context.probe_image_id)
        probe.sif_sha256 = "e" * 64

    reason, detail = ended(world, world.submit())

    assert reason is FailureReason.PREPARATION
    assert detail == f"image {probe.id} is made of nothing that is known, which nobody approved"


def test_what_was_changed_is_run_once_an_operator_approves_it(world: World) -> None:
    change_task(world, predict_argv=["/app/other"])
    refused = ended(world, world.submit())

    with world.database.reading() as session:
        bootstrap.approvals_of_site(world.site).put(Slug("digits"), approval_of(session, "digits"))
    approved = ended(world, world.submit())

    assert refused[0] is FailureReason.PREPARATION
    assert approved == (None, "")


def test_a_challenge_without_an_approval_is_not_run_and_says_what_to_do(world: World) -> None:
    (world.context.cluster.storage / "approvals/digits.json").unlink()

    reason, detail = ended(world, world.submit(SubmissionKind.RESULTS, b"id,digit\n1,7\n"))

    assert reason is FailureReason.PREPARATION
    assert detail == (
        "nobody approved the challenge digits: look at it with 'sealrun challenge approve digits'"
    )


def test_an_approval_of_an_earlier_release_says_what_to_do(world: World) -> None:
    old = {"digits": {"input_data": "digits-test", "predict_argv": ["/app/predict"]}}
    (world.context.cluster.storage / "approvals/digits.json").write_text(json.dumps(old))

    reason, detail = ended(world, world.submit(SubmissionKind.RESULTS, b"id,digit\n1,7\n"))

    assert reason is FailureReason.PREPARATION
    assert detail == (
        "the approval of digits was written by another release:"
        " look at it with 'sealrun challenge approve digits'"
    )
