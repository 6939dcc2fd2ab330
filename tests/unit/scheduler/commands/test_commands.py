"""SlurmCommands over a transport that answers what the test says."""

from datetime import UTC, datetime, timedelta

import pytest

from scheduler.commands.adapter import SlurmCommands
from scheduler.errors import (
    AnswerTooLongError,
    HostKeyRefusedError,
    TransportDownError,
    TransportTimeoutError,
    UnreachableError,
)
from scheduler.interface import (
    Accepted,
    Indeterminate,
    JobRef,
    JobSpec,
    Phase,
    Refused,
    Snapshot,
    Token,
)
from scheduler.transport import Finished
from tests.support.recordings.answers import recorded

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
RUNNING, DONE, MISSING = Token("rec-running"), Token("rec-completed"), Token("rec-no-such-job")
EMPTY = recorded("squeue-empty")
TROUBLE = [
    pytest.param(TransportTimeoutError("late"), id="time-out"),
    pytest.param(TransportDownError("broken"), id="down"),
    pytest.param(HostKeyRefusedError("changed"), id="host key"),
    pytest.param(AnswerTooLongError("endless"), id="too long"),
    pytest.param(recorded("squeue-timed-out"), id="controller stopped"),
    pytest.param(Finished(returncode=255, stdout=b"", stderr=b""), id="killed"),
    pytest.param(Finished(returncode=0, stdout=b"motd\n", stderr=b""), id="a banner"),
    pytest.param(
        Finished(returncode=0, stdout=b"", stderr=b"squeue: error: one cluster is missing\n"),
        id="half an answer",
    ),
]


def commands(transport) -> SlurmCommands:
    return SlurmCommands(transport, clock=lambda: NOW)


def test_the_script_goes_to_standard_input(scripted, spec: JobSpec) -> None:
    transport = scripted(scontrol=recorded("config"), sbatch=recorded("sbatch-accepted"))

    answer = commands(transport).submit(spec, Token("a1"))

    assert answer == Accepted(ref=JobRef(cluster=None, job_id="12"))
    assert transport.inputs == [b"", spec.script.encode()]


def test_the_release_is_asked_once(scripted, spec: JobSpec) -> None:
    transport = scripted(scontrol=recorded("config"), sbatch=recorded("sbatch-accepted"))
    scheduler = commands(transport)

    for number in range(3):
        scheduler.submit(spec, Token(f"a{number}"))

    assert transport.programs == ["scontrol", "sbatch", "sbatch", "sbatch"]


@pytest.mark.parametrize(
    ("version", "export"),
    [("22.05.8", "NONE"), ("23.02.0", "NIL"), ("24.11.5", "NIL"), ("26.05.0-0rc1", "NIL")],
)
def test_the_release_decides_how_little_is_exported(
    scripted, spec: JobSpec, version: str, export: str
) -> None:
    config = Finished(returncode=0, stdout=f"SLURM_VERSION = {version}\n".encode(), stderr=b"")
    transport = scripted(scontrol=config, sbatch=recorded("sbatch-accepted"))

    commands(transport).submit(spec, Token("a1"))

    assert f"--export={export}" in transport.calls[-1]


def test_a_clear_refusal_is_refused(scripted, spec: JobSpec) -> None:
    transport = scripted(scontrol=recorded("config"), sbatch=recorded("sbatch-refused-qos"))

    answer = commands(transport).submit(spec, Token("a1"))

    assert isinstance(answer, Refused)
    assert answer.reason == "qos"


@pytest.mark.parametrize("trouble", [*TROUBLE, pytest.param(recorded("sbatch-timed-out"), id="x")])
def test_an_unclear_submission_is_indeterminate(scripted, spec: JobSpec, trouble) -> None:
    transport = scripted(scontrol=recorded("config"), sbatch=trouble)

    assert isinstance(commands(transport).submit(spec, Token("a1")), Indeterminate)
    assert transport.programs == ["scontrol", "sbatch"]


@pytest.mark.parametrize("trouble", TROUBLE)
def test_nothing_is_submitted_to_a_silent_controller(scripted, spec: JobSpec, trouble) -> None:
    transport = scripted(scontrol=trouble)

    assert isinstance(commands(transport).submit(spec, Token("a1")), Indeterminate)
    assert transport.programs == ["scontrol"]


def test_an_empty_question_asks_nothing(scripted) -> None:
    transport = scripted()

    assert commands(transport).snapshot([]) == Snapshot(complete=True, taken_at=NOW)
    assert transport.calls == []


def test_accounting_is_asked_only_for_what_the_queue_did_not_show(scripted) -> None:
    transport = scripted(squeue=recorded("squeue"), sacct=recorded("sacct"))

    snapshot = commands(transport).snapshot([RUNNING, MISSING])

    assert (snapshot.complete, set(snapshot.jobs)) == (True, {RUNNING})
    assert transport.programs == ["squeue", "sacct"]
    assert transport.calls[1][-1] == f"--name={MISSING}"


def test_accounting_is_not_asked_when_the_queue_shows_all(scripted) -> None:
    transport = scripted(squeue=recorded("squeue"))

    snapshot = commands(transport).snapshot([RUNNING, DONE])

    assert (snapshot.complete, set(snapshot.jobs)) == (True, {RUNNING, DONE})
    assert transport.programs == ["squeue"]


def test_find_asks_both_so_that_no_second_job_is_missed(scripted) -> None:
    transport = scripted(squeue=recorded("squeue"), sacct=recorded("sacct"))

    snapshot = commands(transport).find(RUNNING)

    assert [report.phase for report in snapshot.jobs[RUNNING]] == [Phase.RUNNING]
    assert transport.programs == ["squeue", "sacct"]


def test_not_seen_means_something_when_both_have_answered(scripted) -> None:
    transport = scripted(squeue=EMPTY, sacct=EMPTY)

    assert commands(transport).find(MISSING) == Snapshot(complete=True, taken_at=NOW)


@pytest.mark.parametrize("trouble", TROUBLE)
def test_a_failed_queue_concludes_nothing_and_asks_no_further(scripted, trouble) -> None:
    transport = scripted(squeue=trouble)

    snapshot = commands(transport).snapshot([RUNNING, MISSING])

    assert (snapshot.complete, snapshot.jobs) == (False, {})
    assert snapshot.problem
    assert transport.programs == ["squeue"]


@pytest.mark.parametrize("trouble", TROUBLE)
def test_failed_accounting_leaves_what_the_queue_said(scripted, trouble) -> None:
    transport = scripted(squeue=recorded("squeue"), sacct=trouble)

    snapshot = commands(transport).snapshot([RUNNING, MISSING])

    assert (snapshot.complete, set(snapshot.jobs)) == (False, {RUNNING})
    assert snapshot.problem


def test_the_three_answers_of_scancel_that_mean_taken(scripted) -> None:
    for name in ("scancel-running", "scancel-waiting", "scancel-nothing"):
        transport = scripted(scancel=recorded(name))

        commands(transport).cancel(RUNNING)

        assert transport.calls == [["scancel", "--me", "--name=rec-running"]]


def test_a_job_that_ended_meanwhile_is_cancelled_enough(scripted) -> None:
    late = b"scancel: error: Kill job error on job id 5: Job/step already completing or completed\n"

    commands(scripted(scancel=Finished(returncode=1, stdout=b"", stderr=late))).cancel(RUNNING)


@pytest.mark.parametrize(
    "trouble",
    [
        pytest.param(recorded("scancel-timed-out"), id="controller stopped"),
        pytest.param(TransportTimeoutError("late"), id="time-out"),
        pytest.param(Finished(returncode=1, stdout=b"", stderr=b""), id="silent failure"),
        pytest.param(
            Finished(returncode=0, stdout=b"", stderr=b"scancel: error: Access denied\n"),
            id="a complaint",
        ),
    ],
)
def test_an_unclear_cancellation_is_raised(scripted, trouble) -> None:
    with pytest.raises(UnreachableError):
        commands(scripted(scancel=trouble)).cancel(RUNNING)


def test_ping_reads_release_and_time_out(scripted) -> None:
    pong = commands(scripted(scontrol=recorded("config"))).ping()

    assert (pong.version, pong.message_timeout) == ("24.11.5", timedelta(seconds=10))


@pytest.mark.parametrize("trouble", [*TROUBLE[:3], *TROUBLE[4:]])
def test_ping_raises_unreachable(scripted, trouble) -> None:
    with pytest.raises(UnreachableError):
        commands(scripted(scontrol=trouble)).ping()
