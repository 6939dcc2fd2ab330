"""Weights on their way into a run: found by digest, unpacked once, never written to."""

import hashlib
import io
import zipfile

import pytest

from portal.db.tables import Evaluation, Submission
from portal.domain.failures import FailureReason
from portal.domain.people import Actor
from portal.domain.states import EvaluationState
from portal.domain.weights import mounted_at
from portal.services import weights
from portal.services.submissions import Upload
from portal.worker.prepare import prepare
from tests.integration.worker.world import World


def upload(world: World, filename: str, content: bytes) -> str:
    with world.site.store.incoming() as incoming:
        incoming.write(content)
        stored = incoming.commit()
    with world.database.writing() as session:
        return weights.keep(
            session,
            actor=Actor(person_id=world.person, name="Ada"),
            slug="digits",
            upload=Upload(sha256=stored.sha256, size=stored.size),
            filename=filename,
            limit=10**6,
            now=world.clock(),
        )


def run_with(world: World, weights_id: str) -> Evaluation:
    submission = world.hand_in()
    with world.database.writing() as session:
        session.get_one(Submission, submission).weights_id = weights_id
    return world.run_until_final(submission)


def predict_script(world: World) -> str:
    return prepare(world.context, world.attempts("predict")[-1].token).script


def packed(**files: str) -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        for name, text in files.items():
            archive.writestr(f"{name}.bin", text)
    return content.getvalue()


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


def test_an_archive_that_cannot_be_unpacked_is_the_teams_to_mend(world: World) -> None:
    evaluation = run_with(world, upload(world, "shards.zip", b"no archive"))

    assert evaluation.reason is FailureReason.BAD_ARCHIVE
    assert list((world.context.cluster.storage / "weights").iterdir()) == []


@pytest.mark.parametrize(
    ("filename", "place"),
    [
        ("model.safetensors", "/weights/model.safetensors"),
        ("shards.tar.gz", "/weights"),
        ("SHARDS.ZIP", "/weights"),
        ("model.pt", "/weights/model.pt"),
        ("a:b,c", "/weights/weights"),
        ("..", "/weights/weights"),
        ("ä.bin", "/weights/weights"),
        ("", "/weights/weights"),
    ],
)
def test_where_a_file_is_found(filename: str, place: str) -> None:
    assert str(mounted_at(filename)) == place
