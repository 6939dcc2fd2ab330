"""Weights on their way into a run: found by digest, unpacked once, never written to."""

import hashlib
import io
import tarfile

import pytest

from portal.db.tables import Evaluation, Submission
from portal.domain.evaluations.failures import FailureReason
from portal.domain.evaluations.states import EvaluationState
from portal.domain.submissions.weights import mounted_at
from portal.worker.prepare.run_directory import prepare
from tests.support.worker.weights import packed, upload
from tests.support.worker.world import World


def run_with(world: World, weights_id: str) -> Evaluation:
    submission = world.submit()
    with world.database.writing() as session:
        session.get_one(Submission, submission).weights_id = weights_id
    return world.run_until_final(submission)


def predict_script(world: World) -> str:
    return prepare(world.context, world.attempts("predict")[-1].token).script


def test_a_file_is_mounted_from_a_copy_of_the_workers_under_its_name(world: World) -> None:
    evaluation = run_with(world, upload(world, "model.bin", b"numbers"))

    digest = hashlib.sha256(b"numbers").hexdigest()
    copy = world.context.cluster.storage / f"weights/{digest}.plain"
    assert evaluation.state is EvaluationState.SCORED
    assert f"{copy}:/weights/model.bin:ro" in predict_script(world)
    assert copy.read_bytes() == b"numbers"


def test_an_archive_is_unpacked_once_for_all_runs(world: World) -> None:
    weights_id = upload(world, "shards.zip", packed(one="1", two="2"))
    run_with(world, weights_id)
    [place] = (world.context.cluster.storage / "weights").iterdir()
    before = place.stat().st_ino

    run_with(world, weights_id)

    assert sorted(file.name for file in place.iterdir()) == ["one.bin", "two.bin"]
    assert place.stat().st_ino == before
    assert f"{place}:/weights:ro" in predict_script(world)


@pytest.mark.parametrize("filename", ["model_best.pth.tar", "model.pt", "shards.tar.gz"])
def test_a_zip_that_is_not_called_so_is_the_file_as_it_is(world: World, filename: str) -> None:
    checkpoint = packed(data="1")
    evaluation = run_with(world, upload(world, filename, checkpoint))

    digest = hashlib.sha256(checkpoint).hexdigest()
    copy = world.context.cluster.storage / f"weights/{digest}.plain"
    assert evaluation.state is EvaluationState.SCORED
    assert f"{copy}:/weights/{filename}:ro" in predict_script(world)
    assert copy.read_bytes() == checkpoint


def test_one_zip_under_two_names_is_each_as_its_name_says(world: World) -> None:
    archive = packed(one="1")
    scripts = []
    for filename in ("model.pt", "model.zip", "model.pt"):
        run_with(world, upload(world, filename, archive))
        scripts.append(predict_script(world))

    digest = hashlib.sha256(archive).hexdigest()
    place = world.context.cluster.storage / "weights"
    assert [f"{place}/{digest}.plain:/weights/model.pt:ro" in script for script in scripts] == [
        True, False, True,
    ]  # fmt: skip
    assert f"{place}/{digest}.zip:/weights:ro" in scripts[1]


def test_a_tar_is_unpacked_and_a_nemo_of_the_same_bytes_is_not(world: World) -> None:
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w:gz") as tar:
        info = tarfile.TarInfo("one.bin")
        info.size = 1
        tar.addfile(info, io.BytesIO(b"1"))
    scripts = []
    for filename in ("model", "model.nemo"):
        run_with(world, upload(world, filename, content.getvalue()))
        scripts.append(predict_script(world))

    assert [":/weights:ro" in script for script in scripts] == [True, False]
    assert ":/weights/model.nemo:ro" in scripts[1]


def test_what_is_called_an_archive_and_is_none_is_the_file_as_it_is(world: World) -> None:
    evaluation = run_with(world, upload(world, "shards.zip", b"no archive"))

    assert evaluation.state is EvaluationState.SCORED
    assert ":/weights/shards.zip:ro" in predict_script(world)


def test_an_archive_that_cannot_be_unpacked_is_the_teams_to_mend(world: World) -> None:
    evaluation = run_with(world, upload(world, "shards.zip", packed(one="1")[:-1]))

    assert evaluation.reason is FailureReason.BAD_ARCHIVE
    assert list((world.context.cluster.storage / "weights").iterdir()) == []


@pytest.mark.parametrize(
    ("filename", "place"),
    [
        ("model.safetensors", "/weights/model.safetensors"),
        ("shards.tar.gz", "/weights/shards.tar.gz"),
        ("model.pt", "/weights/model.pt"),
        ("a:b,c", "/weights/weights"),
        ("..", "/weights/weights"),
        ("ä.bin", "/weights/weights"),
        ("", "/weights/weights"),
    ],
)
def test_where_a_file_is_found(filename: str, place: str) -> None:
    assert str(mounted_at(filename, unpacked=False)) == place
    assert str(mounted_at(filename, unpacked=True)) == "/weights"
