"""Hostile submissions on their whole way: submitted, worked off on the cluster, and looked at on the pages."""

import re
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import pytest
from sqlalchemy import select

from portal.db.tables import Attempt, Evaluation, Submission
from portal.domain.evaluations.jobs import JobKind
from portal.domain.evaluations.shares import MESSAGES, BlockingLimit
from site_config.practice.site import PracticeSite
from tests.attacks.cluster.scenes.hostile import LATE, OF_THE_EXAMPLE, PROGRAMS
from tests.attacks.cluster.scenes.scene import PATIENCE, SECRET, TEAM_HOURS, Scene, open_scene
from tests.support.cluster.inside import Inside
from tests.support.patience import until

pytestmark = [pytest.mark.cluster, pytest.mark.root]

BEFORE = {"waiting", "building"}
"""States of what has not been sent to the cluster."""
GREEDY = tuple(f"busy {number}" for number in range(6))
"""The same program again and again, of one team."""
FAILING = (
    *("fails_by_code.zip", "fails_by_silence.zip", "fails_by_format.zip", "fails_by_signal.zip"),
    *("memory.zip", "timeout.zip", "flood.zip", "symlink.zip", "fifo.zip"),
    *("says_fatal.zip", "floods_and_stays.zip"),
)
ODD_LINKS = ("symlink.zip", "symlink_beside.zip", "hardlink.zip", "fifo.zip", "socket.zip")


@pytest.fixture(scope="module")
def scene(
    practice: PracticeSite, digits: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Scene]:
    with open_scene(practice, digits, tmp_path_factory.mktemp("attacks") / "example") as scene:
        names = [*(f"{name}.zip" for name in PROGRAMS if name != "busy"), *OF_THE_EXAMPLE]
        for name in (*names, "knn.zip", "predictions.csv"):
            scene.submit(name)
        # Somebody with a run on private data, and somebody who only listens.
        listeners = {"listens": scene.people[scene.submissions["knn.zip"]], "accomplice": ""}
        for name, person in listeners.items():
            scene.submit("ends_late.zip", called=name, by=person, smoke=True)
        scene.start_worker()
        scene.wait(*names, *listeners, "knn.zip", "predictions.csv")
        yield scene


def secret_row(scene: Scene) -> str:
    """Return a line of the private input."""
    [place] = [one.path for name, one in scene.spine.site.settings.data.items() if "test" in name]
    return Path(place, "images.csv").read_text().splitlines()[1]


@pytest.mark.attack(59)
def test_nothing_that_tells_more_than_scores_was_on_a_node_beside_what_reads_private_data(
    scene: Scene,
) -> None:
    """The two nodes of a practice site are one machine, and its settings say so."""
    with scene.spine.site.database.reading() as session:
        smoke = set(
            session.scalars(
                select(Evaluation.id).join(Evaluation.submission).where(Submission.is_smoke)
            )
        )
    rows = scene.spine.attempts()
    # What has not begun, or was cancelled before, was on no node.
    begun = [(row, job) for row, job in rows if row.started_at]
    told = [row for row, job in begun if job.kind is JobKind.BUILD or job.evaluation_id in smoke]
    reading = [row for row, _ in begun if row not in told]

    beside = [
        (one.token, other.token)
        for one in told
        for other in reading
        if _began(one) < _ended_at(other) and _began(other) < _ended_at(one)
    ]

    assert [scene.reason(name) for name in ("listens", "accomplice")] == ["scored", "scored"]
    assert len(smoke) == 2
    assert len(reading) > 10
    assert beside == []


def _began(attempt: Attempt) -> datetime:
    assert attempt.started_at
    return attempt.started_at


def _ended_at(attempt: Attempt) -> datetime:
    assert attempt.ended_at
    return attempt.ended_at


@pytest.mark.attack(11)
def test_what_a_program_prints_is_for_organisers_only(scene: Scene) -> None:
    submission = scene.submissions["print_input.zip"]
    team, staff = scene.browser(scene.people[submission]), scene.staff()
    places = ("", "/progress", "/sealed", "/log", "/logs", "/stdout")

    answers = [team.get(f"/submissions/{submission}{place}") for place in places]

    # The program did get it as far as the log.
    assert "LEAK" in (scene.run_directory("print_input.zip") / "stdout.log").read_text()
    assert secret_row(scene) in (scene.run_directory("print_input.zip") / "stdout.log").read_text()
    assert "LEAK" in staff.get(f"/submissions/{submission}/sealed").text
    assert [answer.status_code for answer in answers] == [200, 200, 404, 404, 404, 404]
    for answer in answers:
        assert "LEAK" not in answer.text
        assert secret_row(scene)[:40] not in answer.text


@pytest.mark.attack(12)
def test_predictions_are_downloaded_by_nobody(scene: Scene) -> None:
    submission = scene.submissions["print_input.zip"]
    collected = scene.run_directory("print_input.zip") / "collected"
    team = scene.browser(scene.people[submission])
    file, job = "leak.csv", collected.parents[1].name
    places = (
        *(f"/submissions/{submission}/{part}" for part in (file, f"output/{file}", "predictions")),
        *(f"/runs/{job}/{file}", f"/static/../runs/{job}/{file}", f"/files/{file}"),
        *(f"/api/v1/submissions/{submission}/{part}" for part in ("output", "predictions", file)),
    )

    answers = [team.get(place) for place in places]

    # It lies there for the scorer.
    assert (collected / file).read_text().startswith("LEAK ")
    assert {answer.status_code for answer in answers} <= {401, 404}
    assert all("LEAK" not in answer.text for answer in answers)


@pytest.mark.attack(14)
def test_a_longer_run_looks_like_a_shorter_one(scene: Scene) -> None:
    short, long = "ends_at_once.zip", "ends_late.zip"
    with scene.spine.site.database.reading():
        took = [_seconds(scene, name) for name in (short, long)]

    # It did take longer, and the pages show nothing of that.
    assert took[1] >= LATE
    assert took[1] > took[0]
    assert scene.page(short) == scene.page(long)
    assert _shown_times(scene, short) == _shown_times(scene, long) == [300]


def _seconds(scene: Scene, name: str) -> float:
    evaluation = scene.spine.evaluations()[scene.submissions[name]]
    [(attempt, _)] = [
        (attempt, job)
        for attempt, job in scene.spine.attempts()
        if job.evaluation_id == evaluation.id and job.kind is JobKind.PREDICT
    ]
    assert attempt.started_at is not None
    assert attempt.ended_at is not None
    return (attempt.ended_at - attempt.started_at).total_seconds()


def _shown_times(scene: Scene, name: str) -> list[int]:
    """Return the seconds between the begin of the run and its end, as the team's page tells them."""
    submission = scene.submissions[name]
    page = scene.browser(scene.people[submission]).get(f"/submissions/{submission}").text
    times = re.findall(r"<li[^>]*>.*?datetime=\"([^\"]+)\".*?</li>", page, flags=re.DOTALL)
    moments = [datetime.fromisoformat(time) for time in times]
    return [round((moments[-1] - moments[-2]).total_seconds())]


@pytest.mark.attack(15)
def test_all_failures_of_a_sealed_run_sound_the_same(scene: Scene) -> None:
    reasons = {scene.reason(name) for name in FAILING}

    pages = {name: scene.page(name) for name in FAILING}

    # The site knows them apart; the pages do not.
    assert len(reasons) > 5
    usual = pages[FAILING[0]]
    assert pages == dict.fromkeys(FAILING, usual)
    assert "It gave no result" in usual


@pytest.mark.attack(60)
def test_an_output_over_its_limit_while_running_is_no_free_try(scene: Scene) -> None:
    assert scene.reason("floods_and_stays.zip") == "output_limit"
    assert _tries(scene, "floods_and_stays.zip") == 1
    assert _counts(scene, "floods_and_stays.zip")


@pytest.mark.attack(61)
def test_a_program_that_says_what_apptainer_says_is_told_of_like_any_other(scene: Scene) -> None:
    # The script did take it for an image that did not start.
    assert scene.reason("says_fatal.zip") == "image_start"
    assert (scene.run_directory("says_fatal.zip") / "started").exists()
    assert "did not start" not in scene.page("says_fatal.zip")
    assert scene.page("says_fatal.zip") == scene.page("fails_by_code.zip")
    assert _tries(scene, "says_fatal.zip") == 1
    assert _counts(scene, "says_fatal.zip")


def _tries(scene: Scene, name: str) -> int:
    """Count the attempts at the run of a submission."""
    evaluation = scene.spine.evaluations()[scene.submissions[name]]
    return sum(
        job.evaluation_id == evaluation.id and job.kind is JobKind.PREDICT
        for _, job in scene.spine.attempts()
    )


def _counts(scene: Scene, name: str) -> bool:
    with scene.spine.site.database.reading() as session:
        return session.get_one(Submission, scene.submissions[name]).counts


@pytest.mark.attack(7)
def test_the_workers_secret_gets_into_no_job(scene: Scene) -> None:
    for path in scene.spine.storage.glob("runs/*/*/*"):
        if path.is_file() and path.stat().st_size < 10_000_000:
            assert SECRET.encode() not in path.read_bytes()


@pytest.mark.attack(21)
def test_too_much_memory_ends_the_run_and_organisers_are_told(scene: Scene) -> None:
    submission = scene.submissions["memory.zip"]

    page = scene.staff().get(f"/submissions/{submission}").text

    assert scene.reason("memory.zip") == "memory_limit"
    assert "It needed too much memory" in page
    assert scene.scores("memory.zip") is None


@pytest.mark.attack(22)
def test_an_output_that_is_too_large_is_not_scored(scene: Scene) -> None:
    assert scene.reason("flood.zip") == "output_limit"
    assert scene.scores("flood.zip") is None


@pytest.mark.attack(23)
def test_an_output_of_too_many_files_is_not_scored(scene: Scene) -> None:
    assert scene.reason("many_files.zip") == "output_limit"
    assert scene.scores("many_files.zip") is None


@pytest.mark.attack(25)
def test_a_program_that_ignores_every_signal_ends_in_time(scene: Scene) -> None:
    assert scene.reason("timeout.zip") == "time_limit"
    # The predictions were there: had it been let go on, they would have counted.
    assert scene.scores("timeout.zip") is None
    assert _seconds(scene, "timeout.zip") < 160


@pytest.mark.attack(29)
def test_a_link_in_the_place_of_what_is_required_is_refused(scene: Scene) -> None:
    output = scene.run_directory("symlink.zip") / "output"

    assert (output / "predictions.csv").is_symlink()
    assert scene.reason("symlink.zip") == "bad_output_entry"
    assert not (output.parent / "collected").exists()


@pytest.mark.attack(29)
def test_another_link_in_the_output_leads_nowhere(scene: Scene) -> None:
    directory = scene.run_directory("symlink_beside.zip")

    # It was there: the log of the worker and the record of the attempt count what was left out.
    assert scene.reason("symlink_beside.zip") == "scored"
    assert [path.name for path in (directory / "collected").iterdir()] == ["predictions.csv"]
    assert [
        attempt.record["links_left_out"]
        for attempt, _ in scene.spine.attempts()
        if attempt.token == directory.name and attempt.record
    ] == [1]


@pytest.mark.attack(30)
@pytest.mark.parametrize("name", ODD_LINKS[2:])
def test_other_entries_are_refused_and_nothing_waits_for_them(scene: Scene, name: str) -> None:
    output = scene.run_directory(name) / "output"

    odd = [path for path in output.iterdir() if not path.is_file() or path.stat().st_nlink > 1]

    assert odd != []
    assert scene.reason(name) == "bad_output_entry"
    assert not (output.parent / "collected").exists()


@pytest.mark.attack(37)
def test_a_score_file_of_the_program_counts_nothing(scene: Scene) -> None:
    forged = scene.run_directory("forged_score.zip") / "collected/scores.json"

    assert '"accuracy": 1.0' in forged.read_text()
    # As much as one gets who answers alike to everything, by the scorer's own word.
    assert scene.scores("forged_score.zip") == scene.spine.expected()["forged_score.zip"]


@pytest.mark.attack(42)
def test_a_name_that_is_an_option_is_only_a_name(scene: Scene, inside: Inside) -> None:
    mark = scene.practice.paths.storage / "taken-for-an-option"
    name = f"--wrap=touch {mark}"
    options = ("--partition=build", "--mem=50M", "--account=challenges", "--qos=challenge")
    taken = inside.run("sbatch", "--wait", "--output=/dev/null", *options, name)
    free = mark.exists()
    mark.unlink(missing_ok=True)
    usual = scene.spine.example / "submissions/predictions.csv"
    (usual.parent / f"{name.replace('/', '_')}.csv").write_bytes(usual.read_bytes())

    scene.submit(f"{name.replace('/', '_')}.csv", called="odd")
    scene.wait("odd")

    assert (taken.returncode, free) == (0, True)
    assert scene.scores("odd") == scene.spine.expected()["predictions.csv"]
    assert not mark.exists()
    assert all(name[:6] not in job.name for job in scene.spine.accounting())


@pytest.mark.attack(41)
def test_an_image_that_was_exchanged_is_never_started(scene: Scene) -> None:
    directory = scene.run_directory("ends_at_once.zip")
    digest = (directory / "image.check").read_text().splitlines()[1].split()[1]
    image = scene.spine.storage / "images" / f"{digest}.sif"
    other = (scene.run_directory("knn.zip") / "image.check").read_text().splitlines()[1].split()[1]
    kept = image.read_bytes()
    # An image that works, so that nothing else stops it: with it the scores would be those of another.
    image.chmod(0o640)
    image.write_bytes((image.parent / f"{other}.sif").read_bytes())

    scene.submit("ends_at_once.zip", called="exchanged")
    scene.wait("exchanged")
    image.write_bytes(kept)
    scene.submit("ends_at_once.zip", called="put back")
    scene.wait("put back")

    assert scene.reason("knn.zip") == "scored"
    assert scene.reason("exchanged") == "image_changed"
    assert not (scene.run_directory("exchanged") / "stdout.log").exists()
    assert scene.reason("put back") == "scored"


@pytest.mark.attack(27)
def test_a_budget_ends_what_keeps_the_gpus_busy(scene: Scene) -> None:
    team = scene.spine.new_person()
    for name in GREEDY:
        scene.submit("busy.zip", called=name, by=team)

    scene.spine.wait(PATIENCE, lambda: _ended(scene) and _waits_for_hours(scene))
    ran = sum(scene.reason(name) == "time_limit" for name in GREEDY)
    each = scene.spine.site.resources.profiles["gpu-small"].gpu_hours()

    # Some ran, and were ended by their time; then the hours were used up, and the rest never starts. On a busy
    # machine Slurm sees the end of a run seconds late, which counts as used: that much of a budget is not sharp.
    assert 0 < ran * each <= TEAM_HOURS
    assert {scene.reason(name) for name in GREEDY} & BEFORE
    # Another team is not held up.
    scene.submit("knn.zip", called="another team")
    scene.wait("another team")
    assert scene.reason("another team") == "scored"


def _ended(scene: Scene) -> bool:
    """Whether nothing of the greedy team is on the cluster."""
    states = {
        scene.reason(name)
        for name in GREEDY
        if scene.submissions[name] in scene.spine.evaluations()
    }
    return "time_limit" in states and states <= {"time_limit", *BEFORE}


def _waits_for_hours(scene: Scene) -> bool:
    """Whether something of the team is kept from the cluster, and its page says by what."""
    waiting = [name for name in GREEDY if scene.reason(name) in BEFORE]
    return any(MESSAGES[BlockingLimit.TEAM_HOURS] in scene.page(name) for name in waiting)


@pytest.mark.attack(43)
def test_a_job_that_is_sent_while_the_controller_hangs_runs_once(
    scene: Scene, inside: Inside
) -> None:
    script = ("--partition=build", "--mem=50M", "--job-name=twice", "--output=/dev/null")
    twice = [inside.run("sbatch", "--parsable", *script, "--wrap=true") for _ in range(2)]
    inside.run("practice-daemon", "pause", "slurmctld", user="root")
    try:
        scene.submit("predictions.csv", called="while it hangs")
        # sbatch is sent, and gives up without an answer after MessageTimeout.
        until(lambda: "indeterminate" in scene.spine.log(), pause=0.5)
    finally:
        inside.run("practice-daemon", "resume", "slurmctld", user="root")

    scene.wait("while it hangs")

    # Slurm itself takes the same name twice: nothing of it would stop a second job.
    assert [answer.returncode for answer in twice] == [0, 0]
    evaluation = scene.spine.evaluations()[scene.submissions["while it hangs"]]
    tokens = {
        attempt.token
        for attempt, job in scene.spine.attempts()
        if job.evaluation_id == evaluation.id
    }
    ran = [job for job in scene.spine.accounting() if job.name in tokens and job.ran]
    assert len(ran) == 1
    assert scene.scores("while it hangs") == scene.spine.expected()["predictions.csv"]
