"""kill -9 of the worker between any two of its steps, then restart: the same leaderboard, each job once."""

import subprocess
import sys
from collections import Counter
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import select

from portal.db.tables import Event
from portal.domain.evaluations.states import EvaluationState
from tests.cluster.dying_worker import DEATHS
from tests.support.cluster.spine import CHECKOUT, CLOSED, HONEST, OpenSpine, Spine

pytestmark = [pytest.mark.cluster, pytest.mark.slow]

PATIENCE = timedelta(minutes=30)
"""A quiet machine needs two of them: some hundred lives, each of which reads the settings anew."""
COURSE = ["waiting", "building", "queued", "running", "scoring", "scored"]
SHORT_COURSE = ["waiting", "scoring", "scored"]
WHAT = {
    "before commit",
    "after commit",
    "before submit",
    "after submit",
    "before find",
    "after find",
    "before snapshot",
    "after snapshot",
    "os.mkdir",
    "os.rename",
    "os.remove",
    "os.rmdir",
    "open",
}
WHERE = {
    "portal.bootstrap.worker.ensure_probe",
    "portal.worker.loop._plan",
    "portal.worker.prepare.run_directory.prepare",
    "portal.worker.steps.send._send",
    "portal.worker.steps.resolve._resolve",
    "portal.worker.steps.resolve._denied",
    "portal.worker.steps.resolve.give_up",
    "portal.worker.steps.watch.watch_live",
    "portal.worker.set_aside.all_at_once",
    "portal.worker.ingest.attempt._take_image",
    "portal.worker.ingest.attempt._take_predictions",
    "portal.worker.ingest.attempt._take_scores",
    "portal.files.archives.submitted.repack_code",
    "portal.files.atomic.become",
    "portal.files.atomic.beside",
    "containers.rundir.take_claim",
}


@pytest.fixture(scope="module")
def survived(open_site: OpenSpine, tmp_path_factory: pytest.TempPathFactory) -> tuple[Spine, Path]:
    """Return a site that was worked off by workers of which all but the last were killed."""
    # The claim makes a short grace safe: a job that comes later than that can do nothing.
    # Each death while a job is being submitted costs it a try, and all of them can meet one job.
    spine = open_site(grace={"submit": "2s"}, worker={"pauses": ["1s"] * 9})
    person = spine.new_person()
    for name in HONEST:
        spine.submit(name, person)
    record = tmp_path_factory.mktemp("deaths") / "record"
    argv = [sys.executable, "-m", "tests.cluster.dying_worker", str(spine.settings), str(record)]
    with (spine.settings.parent / "worker.log").open("ab") as log:
        done = subprocess.run(
            argv,
            stdout=log,
            stderr=log,
            cwd=CHECKOUT,
            timeout=PATIENCE.total_seconds(),
            check=False,
        )
    assert done.returncode == 0, spine.log()[-3000:]
    return spine, record


def test_it_died_in_all_kinds_of_places(survived: tuple[Spine, Path]) -> None:
    _, record = survived
    places = record.read_text().splitlines()

    what = {place.partition(" in ")[0] for place in places}
    where = {place.partition(" in ")[2].rpartition(":")[0] for place in places}

    assert what == WHAT
    assert where >= WHERE
    assert max(Counter(places).values()) == DEATHS


def test_the_leaderboard_is_as_if_nothing_had_happened(survived: tuple[Spine, Path]) -> None:
    spine, _ = survived
    evaluations, results, expected = spine.evaluations(), spine.results(), spine.expected()
    [submission] = spine.standings()
    with spine.site.database.reading() as session:
        steps = session.scalars(select(Event).order_by(Event.id)).all()

    courses = [
        [step.state.value for step in steps if step.evaluation_id == one.id]
        for one in evaluations.values()
    ]

    assert {one.state for one in evaluations.values()} == {EvaluationState.SCORED}
    assert [results[one].scores for one in sorted(results)] == [expected[name] for name in HONEST]
    assert results[submission].scores == expected["knn.zip"]
    assert courses == [COURSE, COURSE, SHORT_COURSE]


def test_nothing_is_left_open(survived: tuple[Spine, Path]) -> None:
    spine, _ = survived

    assert [a.token for a, job in spine.attempts() if job.is_open or a.state not in CLOSED] == []


def test_each_job_ran_once(survived: tuple[Spine, Path]) -> None:
    spine, _ = survived
    jobs = {attempt.token: job.id for attempt, job in spine.attempts()}

    on_cluster = Counter(jobs[one.name] for one in spine.accounting() if one.ran)
    in_storage = Counter(
        claim.parents[2].name for claim in spine.storage.glob("runs/*/*/claim/token")
    )
    finished = Counter(done.parents[1].name for done in spine.storage.glob("runs/*/*/done"))

    once = dict.fromkeys(jobs.values(), 1)
    assert on_cluster == once
    assert in_storage == once
    assert finished == once


def test_no_half_written_file_is_left(survived: tuple[Spine, Path]) -> None:
    spine, _ = survived

    assert list(spine.storage.rglob("*.part")) == []
