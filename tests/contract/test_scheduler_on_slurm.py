"""What only a real Slurm can show. The practice site is shared: be quick and leave nothing behind."""

import time
from dataclasses import replace
from datetime import timedelta
from pathlib import PurePosixPath

import pytest

from scheduler.commands.adapter import SlurmCommands
from scheduler.errors import UnreachableError
from scheduler.interface import Accepted, Indeterminate, Outcome, Phase, Refused, Token
from scheduler.local import LocalTransport
from tests.support.cluster.labs import PATIENCE, ClusterLab, RestLab, wait_for

pytestmark = [pytest.mark.cluster, pytest.mark.slow]
FOREVER = "sleep 50"


def output(lab: ClusterLab, path: PurePosixPath) -> str:
    return lab.transport.inner.run(["cat", str(path)], timeout=PATIENCE).stdout.decode()


def _release(lab: ClusterLab) -> str:
    return lab.scheduler.ping().version.rpartition(".")[0]


def test_the_environment_of_the_caller_does_not_reach_the_job(
    slurm_lab: ClusterLab, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SECRET", "leaked")
    token = slurm_lab.new_token()
    spec = slurm_lab.spec("env")
    slurm_lab.scheduler.submit(spec, token)

    wait_for(slurm_lab, token, Phase.ENDED)

    names = {line.split("=")[0] for line in output(slurm_lab, spec.stdout).splitlines()}
    assert "SLURM_JOB_ID" in names
    assert not names & {"SECRET", "SSH_CONNECTION", "SLURM_TIME_FORMAT"}
    # sbatch of 22.05 cannot leave the account's own login environment out.
    is_old = isinstance(slurm_lab.scheduler, SlurmCommands) and _release(slurm_lab) == "22.05"
    assert bool(names & {"HOME", "USER", "LOGNAME"}) == is_old


def test_more_memory_than_asked_for_is_the_memory_limit(slurm_lab: ClusterLab) -> None:
    token = slurm_lab.new_token()
    spec = slurm_lab.spec("head -c 300m /dev/zero | tail > /dev/null; exit 0")
    slurm_lab.scheduler.submit(spec, token)

    report = wait_for(slurm_lab, token, Phase.ENDED)

    assert (report.outcome, report.exit_code) == (Outcome.MEMORY_LIMIT, None)


def test_a_crash_is_a_signal(slurm_lab: ClusterLab) -> None:
    token = slurm_lab.new_token()
    slurm_lab.scheduler.submit(slurm_lab.spec("kill -SEGV $$"), token)

    report = wait_for(slurm_lab, token, Phase.ENDED)

    assert (report.outcome, report.exit_code, report.signal) == (Outcome.FAILED, None, 11)


def test_a_waiting_job_can_be_cancelled(slurm_lab: ClusterLab) -> None:
    blocker, waiting = slurm_lab.new_token(), slurm_lab.new_token()
    slurm_lab.scheduler.submit(slurm_lab.spec(FOREVER), blocker)
    wait_for(slurm_lab, blocker, Phase.RUNNING)
    slurm_lab.scheduler.submit(slurm_lab.spec("exit 0", memory_mib=5950), waiting)

    assert wait_for(slurm_lab, waiting, Phase.PENDING).started_at is None
    slurm_lab.scheduler.cancel(waiting)
    slurm_lab.scheduler.cancel(blocker)

    report = wait_for(slurm_lab, waiting, Phase.ENDED)
    assert (report.outcome, report.started_at) == (Outcome.CANCELLED, None)


@pytest.mark.parametrize(
    "change",
    [
        pytest.param({"memory_mib": 99_000_000}, id="memory"),
        pytest.param({"partition": "build", "gres": "gpu:1"}, id="gres"),
    ],
)
def test_a_refusal_that_uses_up_a_job_id_leaves_no_job(
    slurm_lab: ClusterLab, change: dict[str, object]
) -> None:
    token = slurm_lab.new_token()

    answer = slurm_lab.scheduler.submit(slurm_lab.spec("exit 0", **change), token)

    assert isinstance(answer, Refused)
    assert answer.reason == "resources"
    for pause in (0, 0.5, 0.5):
        time.sleep(pause)
        found = slurm_lab.scheduler.find(token)
        assert (found.complete, found.jobs) == (True, {})


def test_strange_paths_and_texts_arrive_unchanged(slurm_lab: ClusterLab) -> None:
    folder = slurm_lab.spec("exit 0").workdir / """it's "odd" $(id) %j ;& é"""
    slurm_lab.make_folder(folder)
    token = slurm_lab.new_token()
    spec = slurm_lab.spec(
        "pwd",
        workdir=folder,
        stdout=folder / "100% out",
        comment="""--wrap=id | 'a' "b" $(id) \\""",
    )

    assert isinstance(slurm_lab.scheduler.submit(spec, token), Accepted)

    assert wait_for(slurm_lab, token, Phase.ENDED).outcome is Outcome.COMPLETED
    assert output(slurm_lab, spec.stdout) == f"{folder}\n"


def test_a_snapshot_takes_one_squeue_and_at_most_one_sacct(cluster_lab: ClusterLab) -> None:
    known, unknown = cluster_lab.new_token(), cluster_lab.new_token()
    cluster_lab.scheduler.submit(cluster_lab.spec("exit 0"), known)
    programs = cluster_lab.transport.programs

    counts = []
    for question in ([], [known], [known, unknown]):
        programs.clear()
        assert cluster_lab.scheduler.snapshot(question).complete
        counts.append(list(programs))

    assert counts == [[], ["squeue"], ["squeue", "sacct"]]


def test_more_tokens_than_a_command_line_holds_are_one_question(cluster_lab: ClusterLab) -> None:
    known = cluster_lab.new_token()
    cluster_lab.scheduler.submit(cluster_lab.spec("exit 0"), known)
    many = [Token(f"{number:060d}") for number in range(3_000)]
    cluster_lab.transport.programs.clear()

    snapshot = cluster_lab.scheduler.snapshot([known, *many])

    assert (snapshot.complete, set(snapshot.jobs)) == (True, {known})
    assert cluster_lab.transport.programs == ["squeue", "sacct"]


def test_a_job_that_has_left_the_queue_is_found_in_accounting(slurm_lab: ClusterLab) -> None:
    token, refused = slurm_lab.new_token(), slurm_lab.new_token()
    slurm_lab.scheduler.submit(slurm_lab.spec("exit 7"), token)
    slurm_lab.scheduler.submit(slurm_lab.spec("exit 0", memory_mib=99_000_000), refused)
    in_queue = wait_for(slurm_lab, token, Phase.ENDED)
    slurm_lab.scheduler = slurm_lab.without_queue()

    in_accounting = wait_for(slurm_lab, token, Phase.ENDED)

    # slurmrestd of 22.05 gives 0 for every exit code in accounting, so none is believed there.
    is_lost = isinstance(slurm_lab, RestLab) and _release(slurm_lab) == "22.05"
    expected = replace(in_queue, raw_reason="", exit_code=None if is_lost else 7)
    assert replace(in_accounting, raw_reason="") == expected
    found = slurm_lab.scheduler.snapshot([token, refused])
    assert (found.complete, set(found.jobs)) == (True, {token})


def test_accounting_alone_does_not_make_a_job_run(slurm_lab: ClusterLab) -> None:
    token = slurm_lab.new_token()
    slurm_lab.scheduler.submit(slurm_lab.spec(FOREVER), token)
    wait_for(slurm_lab, token, Phase.RUNNING)

    found = slurm_lab.without_queue().find(token)

    assert (found.complete, found.jobs) == (True, {})


def test_without_slurm_nothing_is_concluded(cluster_lab: ClusterLab) -> None:
    lost = SlurmCommands(LocalTransport(path="/nonexistent"))

    assert not lost.snapshot([Token("a1")]).complete
    assert isinstance(lost.submit(cluster_lab.spec("exit 0"), Token("a1")), Indeterminate)
    with pytest.raises(UnreachableError):
        lost.cancel(Token("a1"))


def test_losing_patience_with_a_stopped_controller_concludes_nothing(
    slurm_lab: ClusterLab,
) -> None:
    token = slurm_lab.new_token()
    spec = slurm_lab.spec("exit 0")
    impatient = slurm_lab.impatient()
    impatient.ping()

    with slurm_lab.losing_replies():
        answer = impatient.submit(spec, token)
        snapshot = impatient.snapshot([token])
        with pytest.raises(UnreachableError):
            impatient.ping()
        with pytest.raises(UnreachableError):
            impatient.cancel(token)

    assert isinstance(answer, Indeterminate)
    assert (snapshot.complete, snapshot.jobs) == (False, {})
    time.sleep(2)
    found = slurm_lab.scheduler.find(token)
    assert found.complete
    assert len(found.jobs.get(token, ())) <= 1


def test_the_time_limit_ends_a_job(cluster_lab: ClusterLab) -> None:
    token = cluster_lab.new_token()
    spec = cluster_lab.spec("sleep 300", time_limit=timedelta(seconds=10))
    cluster_lab.scheduler.submit(spec, token)
    wait_for(cluster_lab, token, Phase.RUNNING)

    report = wait_for(cluster_lab, token, Phase.ENDED)
    assert (report.outcome, report.exit_code) == (Outcome.TIME_LIMIT, None)


def test_nobody_is_beside_a_job_that_has_its_node_alone(slurm_lab: ClusterLab) -> None:
    """It waits until the node is empty, and whoever comes after it waits for its end."""
    first, alone, later = (slurm_lab.new_token() for _ in range(3))
    slurm_lab.scheduler.submit(slurm_lab.spec("sleep 4", partition="alone"), first)
    wait_for(slurm_lab, first, Phase.RUNNING)
    slurm_lab.scheduler.submit(slurm_lab.spec("sleep 2", partition="alone", exclusive=True), alone)
    slurm_lab.scheduler.submit(slurm_lab.spec("sleep 1", partition="alone"), later)

    before, its, after = (
        wait_for(slurm_lab, token, Phase.ENDED) for token in (first, alone, later)
    )

    assert before.nodes == its.nodes == after.nodes
    times = [(one.started_at, one.ended_at) for one in (before, its, after)]
    in_order = sorted(times, key=lambda time: str(time[0]))
    assert all(str(one[1]) <= str(its.started_at) for one in in_order[: in_order.index(times[1])])
    assert all(str(its.ended_at) <= str(one[0]) for one in in_order[in_order.index(times[1]) + 1 :])
    assert in_order.index(times[1]) > 0
