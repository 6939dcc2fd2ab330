"""A phase that tells little, on real Slurm: its end comes late, and what is left goes by policy."""

import os
import subprocess
import sys
from datetime import timedelta

import pytest
from sqlalchemy import select

from portal import bootstrap
from portal.db.tables import Challenge, Deletion, Image, Phase, Task
from portal.domain.evaluations.jobs import JobKind
from portal.domain.retention import ArtifactKind
from portal.domain.submissions.disclosure import Failures
from portal.domain.untrusted import Slug
from portal.services.evaluations.task_approvals import approval_of
from tests.support.cluster.spine import CHECKOUT, PATIENCE, OpenSpine, Spine

pytestmark = [pytest.mark.cluster, pytest.mark.slow]

STEP = timedelta(seconds=25)
KEPT = dict.fromkeys(("uploads", "images", "outputs", "logs"), "1s")


@pytest.fixture(scope="module")
def spine(open_site: OpenSpine) -> Spine:
    """Return a site on which one program has run in a sealed phase that holds results back."""
    spine = open_site(retention={"default": KEPT})
    with spine.site.database.writing() as session:
        phase = session.scalars(select(Phase)).one()
        phase.failures, phase.hold_results = Failures.SEALED, True
        phase.time_step = int(STEP.total_seconds())
    with spine.site.database.reading() as session:
        slug = session.scalars(select(Challenge.slug)).one()
        approval = approval_of(session, slug)
    bootstrap.approvals_of_site(spine.site).put(Slug(slug), approval)
    spine.submit("knn.zip", spine.new_person())
    spine.start_worker()
    spine.wait(PATIENCE, spine.is_settled)
    return spine


def test_the_result_comes_a_whole_step_after_the_run_began(spine: Spine) -> None:
    # The last of each: the cluster may have failed one before.
    predict = [one for one, job in spine.attempts() if job.kind is JobKind.PREDICT][-1]
    score = [one for one, job in spine.attempts() if job.kind is JobKind.SCORE][-1]
    [evaluation] = spine.evaluations().values()
    assert predict.started_at is not None
    assert score.ended_at is not None

    waited = evaluation.updated_at - predict.started_at

    assert evaluation.state == "scored"
    assert waited >= STEP
    assert evaluation.updated_at >= score.ended_at


def test_what_real_jobs_left_can_be_deleted_and_the_result_stays(spine: Spine) -> None:
    [evaluation] = spine.evaluations().values()
    runs = [
        spine.storage / "runs" / job.id / attempt.token
        for attempt, job in spine.attempts()
        if job.evaluation_id == evaluation.id
    ]
    with spine.site.database.writing() as session:
        phase = session.scalars(select(Phase)).one()
        phase.ends_at = spine.site.clock() - timedelta(minutes=1)
        scorer_id = session.scalars(select(Task.scorer_image_id)).one()
        image = session.get_one(Image, evaluation.image_id)
        scorer = session.get_one(Image, scorer_id)
    for file in (spine.storage / "blobs").rglob("*"):
        if file.is_file():
            os.utime(file, (0, 0))
    assert all(list(run.iterdir()) for run in runs)

    argv = [sys.executable, "-m", "portal", "retention", "--site", str(spine.settings)]
    said = subprocess.run(argv, cwd=CHECKOUT, capture_output=True, text=True, check=False)

    assert (said.returncode, said.stderr) == (0, "")
    assert [list(run.iterdir()) for run in runs] == [[] for _ in runs]
    images = spine.storage / "images"
    assert not (images / f"{image.sif_sha256}.sif").exists()
    assert (images / f"{scorer.sif_sha256}.sif").exists()
    assert len(spine.results()) == 1
    with spine.site.database.reading() as session:
        rows = session.scalars(select(Deletion)).all()
    # The upload stays as long as the bundle names the same file as a baseline.
    assert {row.kind for row in rows} == set(ArtifactKind) - {ArtifactKind.UPLOAD}
    assert all(row.done_at and row.size > 0 for row in rows)
