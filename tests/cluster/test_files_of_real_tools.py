"""What people submit, as their tools pack it, goes its whole way to the score that its content deserves."""

import gzip
import io
import tarfile
import zipfile
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path

import pytest

from portal.domain.accounts.people import Actor
from portal.domain.submissions.limits import SubmissionKind
from portal.files.archives.weights import check_weights
from portal.services.submissions import weights
from portal.services.submissions.submit import Upload, submit
from tests.cluster import archive_forms, tool_archives
from tests.support.cluster.spine import PATIENCE, OpenSpine, Spine

pytestmark = [pytest.mark.cluster, pytest.mark.slow]

LINKS = """
os.makedirs("wandb/run-1"); pathlib.Path("wandb/run-1/log").write_text("x"); os.symlink("run-1", "wandb/latest-run")
"""
CHECKPOINT = """
import zipfile
assert zipfile.is_zipfile("/weights/model_best.pth.tar"), os.listdir("/weights")
"""
SHARDS = """
assert pathlib.Path("/weights/shards/one.bin").read_bytes() == b"1", os.listdir("/weights")
"""

CODE: Mapping[str, Callable[[dict[str, bytes], Path], None]] = {
    "macos.tar.gz": tool_archives.by_macos,
    "odd-names.zip": tool_archives.with_odd_names,
    "powershell.zip": tool_archives.by_powershell,
    "links.zip": partial(tool_archives.that_does_first, first=LINKS),
}
LAYERS: Mapping[str, Callable[[bytes], bytes]] = {
    "devices.tar": lambda layer: tool_archives.more_of_a_layer(
        layer,
        [tool_archives.device("dev/console", 5, 1), tool_archives.device("dev/null", 1, 3)],
    ),
    "without-end.tar": lambda layer: tool_archives.more_of_a_layer(layer, [], end=False),
    "climbing.tar": lambda layer: tool_archives.more_of_a_layer(
        layer, [tool_archives.link("usr/lib/there", "../../../../../etc/hosts")]
    ),
    "twice.tar": lambda layer: tool_archives.more_of_a_layer(
        layer, [tool_archives.empty("etc/motd"), tool_archives.empty("etc/motd")]
    ),
}
WEIGHTS: Mapping[str, tuple[str, str]] = {
    "checkpoint.zip": ("model_best.pth.tar", CHECKPOINT),
    "shards.zip": ("shards.tar.gz", SHARDS),
}
PACKED = "predictions.csv.gz"
EXPECTED = {
    **dict.fromkeys(CODE, "knn.zip"),
    **dict.fromkeys(WEIGHTS, "knn.zip"),
    **dict.fromkeys(LAYERS, "centroid.tar"),
    PACKED: "predictions.csv",
}
"""Of which file of the example each is another form."""


def checkpoint() -> bytes:
    """Return what ``torch.save`` writes: a zip of its own."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as packed:
        packed.writestr("archive/data.pkl", b"\x80\x02}q\x00.")
    return buffer.getvalue()


def shards() -> bytes:
    """Return a packed tar of weights."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as tar:
        entry = tarfile.TarInfo("shards/one.bin")
        entry.size = 1
        tar.addfile(entry, io.BytesIO(b"1"))
    return buffer.getvalue()


@pytest.fixture(scope="module")
def submitted(
    open_site: OpenSpine, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Spine, dict[str, str]]:
    """Return a site that is settled, and the submission of each file."""
    spine, folder = open_site(), tmp_path_factory.mktemp("files")
    example = spine.example / "submissions"
    code = tool_archives.files_of(example / "knn.zip")
    made: dict[str, str] = {}
    for name, write in CODE.items():
        write(code, folder / name)
        made[name] = submit_file(spine, folder / name, SubmissionKind.CODE)
    for name, change in LAYERS.items():
        archive_forms.with_another_layer(example / "centroid.tar", folder / name, change)
        made[name] = submit_file(spine, folder / name, SubmissionKind.IMAGE)
    (folder / PACKED).write_bytes(gzip.compress((example / "predictions.csv").read_bytes()))
    made[PACKED] = submit_file(spine, folder / PACKED, SubmissionKind.RESULTS)
    contents = {"checkpoint.zip": checkpoint(), "shards.zip": shards()}
    for name, (filename, first) in WEIGHTS.items():
        tool_archives.that_does_first(code, folder / name, first)
        (folder / filename).write_bytes(contents[name])
        person = spine.new_person()
        uploaded = upload_weights(spine, folder / filename, person)
        made[name] = submit_file(spine, folder / name, SubmissionKind.CODE, person, uploaded)
    spine.start_worker()
    spine.wait(2 * PATIENCE, spine.is_settled)
    return spine, made


def upload_weights(spine: Spine, file: Path, person: str) -> str:
    stored = spine.site.store.add(file)
    with spine.site.database.writing() as session:
        return weights.keep(
            session,
            actor=Actor(person_id=person, name="Ada"),
            slug="digits",
            upload=Upload(sha256=stored.sha256, size=stored.size),
            filename=file.name,
            unpacked=check_weights(file, file.name, max_bytes=10**6),
            limit=10**6,
            now=spine.site.clock(),
        )


def submit_file(
    spine: Spine, file: Path, kind: SubmissionKind, person: str = "", uploaded: str = ""
) -> str:
    stored = spine.site.store.add(file)
    person = person or spine.new_person()
    with spine.site.database.writing() as session:
        return submit(
            session,
            actor=Actor(person_id=person, name="Ada"),
            challenge_slug="digits",
            phase_slug="dev",
            kind=kind,
            upload=Upload(sha256=stored.sha256, size=stored.size),
            filename=file.name,
            note="",
            weights=uploaded,
            now=spine.site.clock(),
        )


@pytest.mark.parametrize("name", EXPECTED)
def test_it_gets_the_score_of_its_content(
    submitted: tuple[Spine, dict[str, str]], name: str
) -> None:
    spine, made = submitted

    evaluation = spine.evaluations()[made[name]]
    result = spine.results().get(made[name])

    assert result is not None, (evaluation.reason, evaluation.message, evaluation.detail)
    assert result.scores == spine.expected()[EXPECTED[name]]
