"""The way of a submission through the worker, on a pretended cluster."""

import json
import tarfile

import pytest
from sqlalchemy import select

from portal.db.tables import Image, Result, Standing, Submission
from portal.domain.evaluations.failures import FailureReason
from portal.domain.evaluations.states import EvaluationState, ImageState
from portal.domain.submissions.limits import SubmissionKind
from portal.services.evaluations.results import canonical_digest
from scheduler.interface import Outcome
from tests.fuzz.seeds import docker_image
from tests.support.uploads.images import entry, layer, sif
from tests.support.worker.pretended_node import SEALED
from tests.support.worker.world import World


def _counts(world: World, submission: str) -> bool:
    with world.database.reading() as session:
        return session.get_one(Submission, submission).counts


def test_code_is_built_run_and_scored(world: World) -> None:
    submission = world.submit()

    evaluation = world.run_until_final(submission)

    assert evaluation.state is EvaluationState.SCORED
    with world.database.reading() as session:
        result = session.get_one(Result, evaluation.id)
        standing = session.scalars(select(Standing)).one()
    assert result.scores == {"accuracy": 0.91239, "loss": 0.25}
    assert standing.scores == {"accuracy": 0.912, "loss": 0.25}
    assert standing.submission_id == submission
    assert [kind for kind, _ in world.node.ran].count("predict") == 1


def test_the_seal_record_names_everything_that_was_used(world: World) -> None:
    submission = world.submit()
    evaluation = world.run_until_final(submission)

    with world.database.reading() as session:
        result = session.get_one(Result, evaluation.id)
        submitted = session.get_one(Submission, submission)
        image = session.get_one(Image, evaluation.image_id)

    seal = result.seal
    assert result.seal_sha256 == canonical_digest(seal)
    assert seal["submission"]["sha256"] == submitted.blob_sha256
    assert seal["images"]["submission"] == image.sif_sha256
    assert seal["predict"]["probe"] == SEALED
    assert seal["predict"]["versions"]["apptainer"] == "1.4.5"
    assert seal["predict"]["images_verified"] == {"probe": "known", "image": "computed"}
    assert [seal[part]["job_id"] for part in ("predict", "score")] == [
        world.attempts(kind)[0].cluster_job_id for kind in ("predict", "score")
    ]


def test_results_are_scored_without_an_image(world: World) -> None:
    submission = world.submit(SubmissionKind.RESULTS, b"id,digit\n1,7\n")

    evaluation = world.run_until_final(submission)

    assert evaluation.state is EvaluationState.SCORED
    assert world.attempts("predict") == []


def test_the_same_upload_is_built_once(world: World) -> None:
    first, second = world.submit(), world.submit()
    world.run_until_final(first)
    world.run_until_final(second)

    with world.database.reading() as session:
        images = session.scalars(select(Image).where(Image.kind == "code")).all()
    assert [image.state for image in images] == [ImageState.READY]


def _exits(code: int):
    def work(output):
        (output / "predictions.csv").write_text("x")
        return code

    return work


def _writes(name: str, content: str):
    def work(output):
        (output / name).write_text(content)
        return 0

    return work


def _links(output):
    (output / "predictions.csv").symlink_to("/etc/passwd")
    return 0


@pytest.mark.parametrize(
    ("work", "reason"),
    [
        pytest.param(_exits(3), FailureReason.EXIT_CODE, id="exit code"),
        pytest.param(_writes("other.csv", ""), FailureReason.NO_OUTPUT, id="no output"),
        pytest.param(
            _writes("predictions.csv", "x" * 2**20 + "x"),
            FailureReason.OUTPUT_LIMIT,
            id="too large",
        ),
        pytest.param(_links, FailureReason.BAD_OUTPUT_ENTRY, id="link"),
    ],
)
def test_the_teams_own_failures_count(world: World, work, reason) -> None:
    world.node.predict = work
    submission = world.submit()

    evaluation = world.run_until_final(submission)

    assert (evaluation.state, evaluation.reason) == (EvaluationState.FAILED, reason)
    assert _counts(world, submission)
    assert world.attempts("score") == []


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        pytest.param('{"accuracy": NaN, "loss": 1}', FailureReason.BAD_SCORES, id="NaN"),
        pytest.param('{"accuracy": 2, "loss": 1}', FailureReason.BAD_SCORES, id="out of bounds"),
        pytest.param('{"accuracy": 1}', FailureReason.BAD_SCORES, id="a key is missing"),
    ],
)
def test_a_bad_score_file_is_not_the_teams_fault(world: World, content, reason) -> None:
    world.node.score = _writes("scores.json", content)
    submission = world.submit()

    evaluation = world.run_until_final(submission)

    assert (evaluation.state, evaluation.reason) == (EvaluationState.FAILED, reason)
    assert not _counts(world, submission)


def test_a_score_file_of_the_participant_is_ignored(world: World) -> None:
    def forge(output):
        (output / "scores.json").write_text(json.dumps({"accuracy": 1.0, "loss": 0.0}))
        return _writes("predictions.csv", "x")(output)

    world.node.predict = forge
    evaluation = world.run_until_final(world.submit())

    with world.database.reading() as session:
        assert session.get_one(Result, evaluation.id).scores["accuracy"] == 0.91239


def test_a_run_that_was_not_sealed_gives_no_score(world: World) -> None:
    world.node.probe = {**SEALED, "interfaces": ["lo", "eth0"]}

    evaluation = world.run_until_final(world.submit())

    assert evaluation.reason is FailureReason.ISOLATION_UNAVAILABLE


def test_a_broken_archive_fails_before_anything_is_sent(world: World) -> None:
    submission = world.submit(SubmissionKind.IMAGE, b"not an archive at all")

    evaluation = world.run_until_final(submission)

    assert evaluation.reason is FailureReason.BAD_ARCHIVE
    assert evaluation.message
    assert ("build", evaluation.image_id) not in world.node.ran


def test_a_hostile_layer_fails_before_anything_is_sent(world: World) -> None:
    hostile = layer(entry("srv/sda", tarfile.BLKTYPE))
    submission = world.submit(SubmissionKind.IMAGE, docker_image(hostile))

    evaluation = world.run_until_final(submission)

    assert evaluation.reason is FailureReason.BAD_ARCHIVE
    assert evaluation.message == ("Layer 1 of the image: 'srv/sda' is a device. Leave it out.")
    assert ("build", evaluation.image_id) not in world.node.ran


def test_an_encrypted_sif_fails_before_anything_is_sent(world: World) -> None:
    submission = world.submit(SubmissionKind.IMAGE, sif(file_system=5))

    evaluation = world.run_until_final(submission)

    assert evaluation.reason is FailureReason.BAD_ARCHIVE
    assert evaluation.message == "The image is encrypted. Build it without --encrypt."
    assert ("build", evaluation.image_id) not in world.node.ran


@pytest.mark.parametrize("outcome", [o for o in Outcome if o.is_infrastructure])
def test_the_clusters_failures_are_tried_again_and_do_not_count(world: World, outcome) -> None:
    submission = world.submit()
    for number in (1, 2, 3):
        world.run_until_sent("predict", number)
        world.scheduler.end(world.attempts("predict")[-1].token, outcome)

    evaluation = world.run_until_final(submission)

    assert evaluation.reason is FailureReason.INFRASTRUCTURE
    assert not _counts(world, submission)
    assert len(world.attempts("predict")) == 3


def test_no_more_than_the_phase_allows_are_on_the_cluster_at_once(world: World) -> None:
    submissions = [world.submit() for _ in range(3)]
    most = 0
    for _ in range(20):
        world.run()
        states = [world.evaluation(submission).state for submission in submissions]
        busy = sum(s in {EvaluationState.QUEUED, EvaluationState.RUNNING} for s in states)
        most = max(most, busy)

    assert most == 2
    assert states == [EvaluationState.SCORED] * 3


def test_a_job_cancelled_on_the_cluster_does_not_count(world: World) -> None:
    submission = world.submit()
    world.run_until_sent("predict")
    world.scheduler.cancel(world.attempts("predict")[0].token)

    evaluation = world.run_until_final(submission)

    assert evaluation.state is EvaluationState.CANCELLED
    assert not _counts(world, submission)
