"""The pyslurm adapter and its child process, with a module that stands in for pyslurm.

The child is a real process and its pipes are real. pyslurm itself needs the headers of Slurm 25.11,
which no Debian release has, so what it truly answers is not tested here.
"""

import os
import signal
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from pathlib import Path, PurePosixPath

import pytest

from scheduler.errors import TransportDownError, UnreachableError
from scheduler.interface import (
    Accepted,
    Indeterminate,
    JobRef,
    JobSpec,
    Outcome,
    Phase,
    Refused,
    Scheduler,
    Token,
)
from scheduler.pyslurm.adapter import SlurmPyslurm
from scheduler.pyslurm.child import PyslurmChild
from tests.support.servers.standin_cluster import StandinCluster

TOKEN = Token("a1")
SOON, LATER = timedelta(seconds=0.5), timedelta(seconds=20)


@pytest.fixture
def cluster(tmp_path: Path) -> StandinCluster:
    return StandinCluster(tmp_path)


@pytest.fixture
def child(cluster: StandinCluster) -> Iterator[PyslurmChild]:
    child = cluster.child()
    yield child
    child.close()


@pytest.fixture
def accounting(cluster: StandinCluster) -> Iterator[PyslurmChild]:
    child = cluster.child()
    yield child
    child.close()


@pytest.fixture
def scheduler(child: PyslurmChild, accounting: PyslurmChild) -> Scheduler:
    return SlurmPyslurm(child, accounting, timeout=LATER)


@pytest.fixture
def hurried(child: PyslurmChild, accounting: PyslurmChild, scheduler: Scheduler) -> Scheduler:
    """The same children, which run already, and less patience with them."""
    scheduler.ping()
    scheduler.find(TOKEN)
    return SlurmPyslurm(child, accounting, timeout=SOON)


@pytest.fixture
def small(spec: JobSpec) -> JobSpec:
    return replace(spec, partition="build", account="challenges", qos=None)


def pid_of(child: PyslurmChild) -> int:
    assert child._process is not None
    return child._process.pid


def test_a_job_is_described_as_sbatch_would_have_it(
    scheduler: Scheduler, cluster: StandinCluster, small: JobSpec
) -> None:
    answer = scheduler.submit(replace(small, stdout=PurePosixPath("/x/100% %j")), TOKEN)

    assert answer == Accepted(ref=JobRef(cluster=None, job_id="1"))
    (job,) = cluster.jobs
    assert job["given"] == {
        "name": "a1",
        "partitions": ["build"],
        "nodes": 1,
        "ntasks": 1,
        "cpus_per_task": 8,
        "memory_per_node": 32768,
        "time_limit": 60,
        "working_directory": "/shared/attempt",
        "standard_in": "/dev/null",
        "standard_output": "/x/100%% %%j",
        "standard_error": "/shared/attempt/stderr",
        "log_files_open_mode": "truncate",
        "is_requeueable": False,
        "kill_on_invalid_dependency": True,
        "profile_types": ["none"],
        "environment": {"PATH": "/usr/local/bin:/usr/bin:/bin"},
        "account": "challenges",
        "comment": "sealrun predict",
        "gres_per_node": "gpu:1",
        "script": small.script,
    }


@pytest.mark.parametrize(
    ("gres", "counted"),
    [
        ("gpu", "gpu:1"),
        ("gpu:a100", "gpu:a100:1"),
        ("gpu:a100:2", None),
        ("gpu,shard:4", "gpu:1,shard:4"),
    ],
)
def test_a_resource_is_always_given_with_its_number(
    scheduler: Scheduler, cluster: StandinCluster, small: JobSpec, gres: str, counted: str | None
) -> None:
    scheduler.submit(replace(small, gres=gres), TOKEN)

    assert cluster.jobs[0]["given"]["gres_per_node"] == (counted or gres)


def test_a_long_script_arrives_whole(
    scheduler: Scheduler, cluster: StandinCluster, small: JobSpec
) -> None:
    script = "#!/bin/sh\n" + "echo ä\n" * 40_000

    scheduler.submit(replace(small, script=script), TOKEN)

    assert cluster.jobs[0]["given"]["script"] == script


def test_the_environment_of_the_portal_does_not_reach_the_child(
    scheduler: Scheduler,
    child: PyslurmChild,
    small: JobSpec,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("SECRET", "leaked")

    scheduler.submit(small, TOKEN)

    names = Path(f"/proc/{pid_of(child)}/environ").read_text().split("\0")
    assert {name.partition("=")[0] for name in names if name} == {
        "PATH",
        "PYTHONPATH",
        "STANDIN",
        "PYTHONDONTWRITEBYTECODE",
    }


def test_one_child_answers_many_questions(
    scheduler: Scheduler, child: PyslurmChild, small: JobSpec
) -> None:
    scheduler.submit(small, TOKEN)
    first = pid_of(child)

    for _ in range(3):
        assert scheduler.snapshot([TOKEN]).complete
    assert pid_of(child) == first


def test_threads_take_turns(scheduler: Scheduler, small: JobSpec) -> None:
    tokens = [Token(f"t{number}") for number in range(12)]

    with ThreadPoolExecutor(max_workers=6) as pool:
        answers = list(pool.map(lambda token: scheduler.submit(small, token), tokens))

    assert len({answer.ref.job_id for answer in answers}) == 12
    assert set(scheduler.snapshot(tokens).jobs) == set(tokens)


def test_a_job_is_read_as_squeue_would_show_it(
    scheduler: Scheduler, cluster: StandinCluster, small: JobSpec
) -> None:
    scheduler.submit(small, TOKEN)
    (waiting,) = scheduler.snapshot([TOKEN]).jobs[TOKEN]
    cluster.advance()
    (running,) = scheduler.snapshot([TOKEN]).jobs[TOKEN]
    cluster.change(state="FAILED", exit_code=7)
    (ended,) = scheduler.snapshot([TOKEN]).jobs[TOKEN]

    assert (waiting.phase, waiting.raw_reason, waiting.started_at) == (
        Phase.PENDING,
        "Priority",
        None,
    )
    assert waiting.expected_at == waiting.submitted_at + timedelta(hours=1)
    assert (running.phase, running.ended_at, running.nodes) == (Phase.RUNNING, None, "n1")
    assert running.expected_at is None
    assert running.started_at is not None
    assert (ended.outcome, ended.exit_code, ended.ref.cluster) == (Outcome.FAILED, 7, "standin")
    assert ended.ended_at is not None


@pytest.mark.parametrize(
    ("facts", "phase", "outcome"),
    [
        ({"state": "PENDING", "state_reason": "JobHeldAdmin"}, Phase.HELD, None),
        ({"state": "TELEPORTED"}, Phase.UNKNOWN, None),
        ({"state": "COMPLETING"}, Phase.FINISHING, None),
        ({"state": "OUT_OF_MEMORY", "exit_code_signal": 125}, Phase.ENDED, Outcome.MEMORY_LIMIT),
    ],
)
def test_states_are_those_of_the_one_table(
    scheduler: Scheduler,
    cluster: StandinCluster,
    small: JobSpec,
    facts: dict[str, object],
    phase: Phase,
    outcome: Outcome | None,
) -> None:
    scheduler.submit(small, TOKEN)
    cluster.change(**facts)

    (report,) = scheduler.snapshot([TOKEN]).jobs[TOKEN]

    assert (report.phase, report.outcome) == (phase, outcome)


def test_jobs_of_another_user_are_left_out_and_not_cancelled(
    scheduler: Scheduler, cluster: StandinCluster, small: JobSpec
) -> None:
    scheduler.submit(small, TOKEN)
    cluster.change(user_id=os.getuid() + 1)

    found = scheduler.find(TOKEN)
    scheduler.cancel(TOKEN)

    assert (found.complete, found.jobs) == (True, {})
    assert [job["state"] for job in cluster.jobs] == ["PENDING"]


def test_accounting_is_asked_only_for_what_the_queue_did_not_show(
    scheduler: Scheduler, cluster: StandinCluster, small: JobSpec
) -> None:
    scheduler.submit(small, TOKEN)
    asked = []
    for tokens in ([TOKEN], [TOKEN, Token("b2")]):
        before = len(cluster.calls)
        assert scheduler.snapshot(tokens).complete
        asked.append(cluster.calls[before:])

    assert asked == [["queue"], ["queue", "accounting"]]


def test_accounting_alone_tells_of_ends_and_of_nothing_else(
    scheduler: Scheduler, cluster: StandinCluster, small: JobSpec
) -> None:
    scheduler.submit(small, TOKEN)
    cluster.advance()
    cluster.change(left=True)
    living = scheduler.find(TOKEN)
    cluster.change(state="TIMEOUT")
    ended = scheduler.find(TOKEN)

    assert (living.complete, living.jobs) == (True, {})
    assert [report.outcome for report in ended.jobs[TOKEN]] == [Outcome.TIME_LIMIT]


@pytest.mark.parametrize("left", [False, True], ids=["in the queue", "in accounting"])
@pytest.mark.parametrize("code", [1, 75, 127, 128, 203, 255])
def test_exit_codes_are_whole(
    scheduler: Scheduler, cluster: StandinCluster, small: JobSpec, code: int, left: bool
) -> None:
    scheduler.submit(small, TOKEN)
    cluster.advance()
    cluster.change(state="FAILED", exit_code=code, left=left)

    (report,) = scheduler.find(TOKEN).jobs[TOKEN]

    assert (report.outcome, report.exit_code, report.signal) == (Outcome.FAILED, code, None)


def test_a_signal_is_told_without_an_exit_code(
    scheduler: Scheduler, cluster: StandinCluster, small: JobSpec
) -> None:
    scheduler.submit(small, TOKEN)
    cluster.advance()
    cluster.change(state="FAILED", exit_code_signal=9)

    (report,) = scheduler.find(TOKEN).jobs[TOKEN]

    assert (report.exit_code, report.signal) == (None, 9)


@pytest.mark.parametrize(
    ("printed", "others", "reason"),
    [
        pytest.param("QOSMaxSubmitJobPerUserLimit", False, "queue_full", id="named"),
        pytest.param("AssocMaxSubmitJobLimit", False, "queue_full", id="of the association"),
        pytest.param("QOSMaxCpuPerJobLimit", False, "qos_limit", id="another limit"),
        pytest.param("", True, "queue_full", id="not named, and other jobs live"),
        pytest.param("", False, "qos_limit", id="not named, and no job lives"),
    ],
)
def test_a_full_queue_passes_with_time(
    scheduler: Scheduler,
    cluster: StandinCluster,
    small: JobSpec,
    printed: str,
    others: bool,
    reason: str,
) -> None:
    if others:
        scheduler.submit(small, Token("other"))
    cluster.misbehave(f"limit {printed}", "before submit")

    answer = scheduler.submit(small, TOKEN)

    assert isinstance(answer, Refused)
    assert (answer.reason, answer.is_temporary) == (reason, reason == "queue_full")
    assert printed in answer.message


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"cpus": 0xFFFE}, id="cpus that mean none"),
        pytest.param({"cpus": 10**9}, id="cpus"),
        pytest.param({"memory_mib": 1 << 63}, id="memory"),
        pytest.param({"time_limit": timedelta(minutes=0xFFFFFFFF)}, id="time without limit"),
        pytest.param({"gres": "gpu:a:b:1"}, id="resource"),
        pytest.param({"script": "#!/bin/sh\r\nexit 0\r\n"}, id="line ends"),
        pytest.param({"script": "#!/bin/sh\n\0"}, id="a NUL"),
        pytest.param({"script": "#!/bin/sh\n\ud800"}, id="text that is none"),
    ],
)
def test_what_cannot_be_sent_is_refused_and_was_not_sent(
    scheduler: Scheduler, cluster: StandinCluster, small: JobSpec, changes: dict[str, object]
) -> None:
    answer = scheduler.submit(replace(small, **changes), TOKEN)

    assert isinstance(answer, Refused)
    assert (answer.reason, answer.is_temporary) == ("invalid", False)
    assert cluster.calls == []


def test_while_accounting_hangs_jobs_are_submitted_and_cancelled(
    scheduler: Scheduler, accounting: PyslurmChild, cluster: StandinCluster, small: JobSpec
) -> None:
    scheduler.find(TOKEN)
    cluster.misbehave("hang", "accounting")
    with ThreadPoolExecutor(max_workers=1) as pool:
        finding = pool.submit(scheduler.find, TOKEN)
        while cluster.calls.count("accounting") < 2 and not finding.done():
            time.sleep(0.01)
        answer = scheduler.submit(small, TOKEN)
        scheduler.cancel(TOKEN)
        was_hanging = not finding.done()
        os.kill(pid_of(accounting), signal.SIGKILL)

    assert isinstance(answer, Accepted)
    assert was_hanging
    assert not finding.result().complete


def test_a_problem_is_a_sentence(scheduler: Scheduler, cluster: StandinCluster) -> None:
    cluster.misbehave("down", "queue")

    snapshot = scheduler.snapshot([TOKEN])

    assert snapshot.problem == (
        "UnreachableError: Unable to contact slurm controller (connect failure)"
    )


def test_a_library_that_prints_without_end_is_stopped_in_time(
    hurried: Scheduler, cluster: StandinCluster, capfd: pytest.CaptureFixture[str]
) -> None:
    cluster.misbehave("endless", "queue")

    snapshot = hurried.snapshot([TOKEN])

    assert not snapshot.complete
    assert "TransportTimeoutError" in snapshot.problem
    assert "the same again" in capfd.readouterr().err


def test_the_controllers_refusal_is_refused(scheduler: Scheduler, small: JobSpec) -> None:
    answer = scheduler.submit(replace(small, partition="nowhere"), TOKEN)

    assert answer == Refused(reason="partition", message="Invalid partition name specified")


@pytest.mark.parametrize("when", ["before submit", "after submit"])
@pytest.mark.parametrize(
    ("mode", "words"),
    [
        ("hang", "TransportTimeoutError: the process of pyslurm did not answer in time"),
        ("crash", "TransportDownError: the process of pyslurm ended: signal SIGSEGV"),
        ("exit", "TransportDownError: the process of pyslurm ended: exit code 3"),
        (
            "fatal",
            (
                "TransportDownError: the process of pyslurm ended: exit code 1:"
                " fatal: could not establish a configuration source"
            ),
        ),
        ("odd", "RuntimeError: something else than an RPCError"),
        ("down", "Unable to contact slurm controller (connect failure)"),
    ],
)
def test_an_unclear_submission_is_indeterminate_made_once_and_found(
    scheduler: Scheduler,
    hurried: Scheduler,
    cluster: StandinCluster,
    small: JobSpec,
    mode: str,
    words: str,
    when: str,
) -> None:
    cluster.misbehave(mode, when)
    answer = (hurried if mode == "hang" else scheduler).submit(small, TOKEN)
    cluster.misbehave("")

    found = scheduler.find(TOKEN)

    assert answer == Indeterminate(message=words)
    assert cluster.calls.count("before submit") == 1
    assert (found.complete, len(found.jobs.get(TOKEN, ()))) == (True, int(when == "after submit"))


@pytest.mark.parametrize("mode", ["hang", "crash", "exit"])
def test_a_child_that_failed_is_replaced(
    scheduler: Scheduler,
    hurried: Scheduler,
    child: PyslurmChild,
    cluster: StandinCluster,
    mode: str,
) -> None:
    first = pid_of(child)
    cluster.misbehave(mode, "queue")

    broken = (hurried if mode == "hang" else scheduler).snapshot([TOKEN])

    assert (broken.complete, broken.jobs) == (False, {})
    assert broken.problem
    assert not Path(f"/proc/{first}").exists()
    cluster.misbehave("")
    assert scheduler.snapshot([TOKEN]).complete
    assert pid_of(child) != first


def test_a_child_that_was_killed_meanwhile_is_replaced_without_an_error(
    scheduler: Scheduler, child: PyslurmChild, small: JobSpec
) -> None:
    scheduler.ping()
    os.kill(pid_of(child), signal.SIGKILL)
    time.sleep(0.2)

    assert isinstance(scheduler.submit(small, TOKEN), Accepted)


@pytest.mark.parametrize("when", ["queue", "after submit"])
def test_what_the_library_prints_is_no_answer(
    scheduler: Scheduler,
    cluster: StandinCluster,
    small: JobSpec,
    when: str,
    capfd: pytest.CaptureFixture[str],
) -> None:
    cluster.misbehave("print", when)

    answer, snapshot = scheduler.submit(small, TOKEN), scheduler.snapshot([TOKEN])

    assert isinstance(answer, Accepted)
    assert (snapshot.complete, set(snapshot.jobs)) == (True, {TOKEN})
    assert "a word of the library" in capfd.readouterr().err


@pytest.mark.parametrize("mode", ["hang", "crash", "down", "odd"])
@pytest.mark.parametrize("what", ["config", "cancel"])
def test_without_an_answer_nothing_is_known(
    scheduler: Scheduler,
    hurried: Scheduler,
    cluster: StandinCluster,
    small: JobSpec,
    mode: str,
    what: str,
) -> None:
    scheduler.submit(small, TOKEN)
    cluster.misbehave(mode, what)
    asked = hurried if mode == "hang" else scheduler

    with pytest.raises(UnreachableError):
        _ = asked.ping() if what == "config" else asked.cancel(TOKEN)


def test_where_pyslurm_cannot_be_imported_it_says_why(
    scheduler: Scheduler, cluster: StandinCluster, small: JobSpec
) -> None:
    cluster.misbehave("import")

    with pytest.raises(UnreachableError, match="cannot be used: ImportError: libslurmfull"):
        scheduler.ping()
    answer = scheduler.submit(small, TOKEN)

    assert isinstance(answer, Indeterminate)
    assert cluster.calls == []


def test_without_the_extra_it_says_so() -> None:
    child = PyslurmChild()

    with pytest.raises(UnreachableError, match="No module named 'pyslurm'"):
        SlurmPyslurm(child, child).ping()

    child.close()


@pytest.mark.parametrize(
    "script",
    [
        pytest.param("echo 'Welcome to the login node'", id="a greeting"),
        pytest.param('echo "[]"', id="a list"),
        pytest.param('echo \'{"version": "1"}\'; read line; echo "{}"', id="an empty answer"),
        pytest.param(
            'echo \'{"version": "1"}\'; read line; echo \'{"number": 9, "result": []}\'',
            id="an answer to another question",
        ),
        pytest.param(
            'echo \'{"version": "1"}\'; read line; printf \'{"number": 1, "result": []}\\n{}\\n\'',
            id="two answers",
        ),
        pytest.param(
            'echo \'{"version": "1"}\'; read line; echo \'{"number": 1, "result": [{"id": 1}]}\'',
            id="half a job",
        ),
        pytest.param('echo \'{"version": "1"}\'; read line; yes', id="endless"),
        pytest.param('echo \'{"version": "1"}\'; exec >&-; sleep 9', id="a closed output"),
    ],
)
def test_whatever_comes_back_concludes_nothing(script: str, small: JobSpec) -> None:
    child = PyslurmChild(command=["sh", "-c", script], max_answer=100_000)
    scheduler = SlurmPyslurm(child, child, timeout=LATER)

    answer, snapshot = scheduler.submit(small, TOKEN), scheduler.snapshot([TOKEN])

    assert isinstance(answer, Indeterminate)
    assert (snapshot.complete, snapshot.jobs) == (False, {})
    child.close()


def test_a_missing_interpreter_is_an_error() -> None:
    child = PyslurmChild(command=["/nonexistent/python"])

    with pytest.raises(TransportDownError, match="cannot start"):
        child.ask("config", timeout=SOON)


def test_a_child_that_reads_nothing_is_timed_out(small: JobSpec) -> None:
    child = PyslurmChild(command=["sh", "-c", 'echo \'{"version": "1"}\'; sleep 60'])
    long = replace(small, script="#!/bin/sh\n" + "x" * 1_000_000)

    answer = SlurmPyslurm(child, child, timeout=timedelta(seconds=2)).submit(long, TOKEN)

    assert isinstance(answer, Indeterminate)
    assert answer.message.startswith("TransportTimeoutError")


def test_the_child_ends_with_its_parent(child: PyslurmChild, scheduler: Scheduler) -> None:
    scheduler.ping()
    process = child._process
    assert process is not None
    assert process.stdin is not None

    process.stdin.close()

    assert process.wait(timeout=60) == 0


def test_what_is_no_token_is_refused_before_anything_happens(
    scheduler: Scheduler, cluster: StandinCluster, small: JobSpec
) -> None:
    with pytest.raises(ValueError, match="not a token"):
        scheduler.submit(small, Token("--wrap=id"))

    assert cluster.calls == []
