"""The end of what predict and score write is kept with their attempts."""

from pathlib import Path

import pytest
from sqlalchemy import select

from containers.interface import LOG_LIMIT
from containers.rundir import LEFT_OUT
from portal.db.tables import Attempt, Job, RunLog
from portal.domain.evaluations.jobs import JobKind
from portal.domain.evaluations.states import EvaluationState
from portal.domain.submissions.run_logs import MAX_LOG_BYTES
from tests.support.worker.pretended_node import good_predictions, good_scores
from tests.support.worker.world import World


def _logs(world: World) -> dict[tuple[JobKind, int, str], RunLog]:
    with world.database.reading() as session:
        rows = session.execute(
            select(Job.kind, Attempt.number, RunLog)
            .join(Attempt, Attempt.job_id == Job.id)
            .join(RunLog, RunLog.attempt_token == Attempt.token)
        )
        return {(kind, number, log.stream): log for kind, number, log in rows}


def _says(work, out: str, err: str = ""):
    def run(output: Path) -> int:
        (output.parent / "stdout.log").write_text(out)
        (output.parent / "stderr.log").write_text(err)
        return work(output)

    return run


def test_the_logs_of_predict_and_score_are_kept(world: World) -> None:
    world.node.predict = _says(good_predictions, "predicting\n", "\x1b[31ma warning\x1b[0m\0\n")
    world.node.score = _says(good_scores, "scoring\n")

    world.run_until_final(world.submit())

    logs = _logs(world)
    assert {key: (log.text, log.truncated) for key, log in logs.items()} == {
        (JobKind.PREDICT, 1, "stdout"): ("predicting\n", False),
        (JobKind.PREDICT, 1, "stderr"): ("a warning\n", False),
        (JobKind.SCORE, 1, "stdout"): ("scoring\n", False),
    }


def test_the_log_of_a_run_that_failed_is_kept_too(world: World) -> None:
    world.node.predict = _says(lambda _: 3, "", "Traceback: no such file\n")

    evaluation = world.run_until_final(world.submit())

    assert evaluation.state is EvaluationState.FAILED
    assert [log.text for log in _logs(world).values()] == ["Traceback: no such file\n"]


def test_of_a_long_log_the_end_is_kept(world: World) -> None:
    world.node.predict = _says(good_predictions, "x" * MAX_LOG_BYTES + "the end")

    world.run_until_final(world.submit())

    [log] = _logs(world).values()
    assert log.truncated
    assert len(log.text) == MAX_LOG_BYTES
    assert log.text.endswith("xthe end")


@pytest.mark.parametrize(("length", "is_cut"), [(LOG_LIMIT - 1, False), (LOG_LIMIT, True)])
def test_of_a_run_on_the_sample_all_is_kept_that_the_script_has_kept(
    world: World, length: int, is_cut: bool
) -> None:
    """The script leaves out the middle of what is longer: what reaches the limit has been cut."""
    world.node.predict = _says(good_predictions, "x" * length)

    world.run_until_final(world.submit(smoke=True))

    [log] = _logs(world).values()
    assert (log.text.count("x"), LEFT_OUT in log.text, log.truncated) == (length, is_cut, is_cut)


def test_without_logs_nothing_is_kept(world: World) -> None:
    world.run_until_final(world.submit())

    assert _logs(world) == {}


@pytest.mark.parametrize("strange", ["link", "huge"])
def test_a_log_that_cannot_be_read_decides_nothing(
    world: World, tmp_path: Path, strange: str
) -> None:
    secret = tmp_path / "secret"
    secret.write_text("not for the log")

    def predict(output: Path) -> int:
        log = output.parent / "stdout.log"
        if strange == "link":
            log.symlink_to(secret)
        else:
            log.write_bytes(b"x" * (1024 * 1024 + 1))
        (output.parent / "stderr.log").write_text("a warning\n")
        return good_predictions(output)

    world.node.predict = predict

    evaluation = world.run_until_final(world.submit())

    assert evaluation.state is EvaluationState.SCORED
    assert [log.text for log in _logs(world).values()] == ["a warning\n"]
