"""What a snapshot says of a job on which somebody on the cluster lays a hand with scontrol."""

from collections.abc import Callable, Iterator

import pytest

from scheduler.interface import Accepted, JobReport, Phase, Token
from tests.support.cluster.labs import PATIENCE, ClusterLab, connect, wait_for

pytestmark = [pytest.mark.cluster, pytest.mark.slow]
FOREVER = "sleep 50"
Scontrol = Callable[..., None]


@pytest.fixture
def scontrol(cluster_lab: ClusterLab) -> Iterator[Scontrol]:
    """Run scontrol as root of the cluster."""
    operator = connect(cluster_lab.site, operator=True)

    def run(*words: str) -> None:
        answer = operator.run(["scontrol", *words], timeout=PATIENCE)
        assert answer.returncode == 0, answer.stderr.decode()

    yield run
    operator.close()


def submit(lab: ClusterLab, script: str = FOREVER, **changes: object) -> tuple[Token, str]:
    """Return the token and the id of a job."""
    token = lab.new_token()
    answer = lab.scheduler.submit(lab.spec(script, **changes), token)
    assert isinstance(answer, Accepted), answer
    return token, answer.ref.job_id


def may_be_requeued(scontrol: Scontrol, job: str) -> None:
    """Undo --no-requeue, as PrologFlags=ForceRequeueOnFail or an administrator can."""
    scontrol("update", f"JobId={job}", "Requeue=1")


def seen(report: JobReport) -> tuple[str, str]:
    return report.raw_state, report.raw_reason


def test_a_held_job_waits_for_a_person(cluster_lab: ClusterLab, scontrol: Scontrol) -> None:
    blocker, _ = submit(cluster_lab)
    wait_for(cluster_lab, blocker, Phase.RUNNING)
    token, job = submit(cluster_lab, memory_mib=5950)
    scontrol("hold", job)

    report = wait_for(cluster_lab, token, Phase.HELD)

    assert (seen(report), report.started_at) == (("PENDING", "JobHeldAdmin"), None)
    scontrol("release", job)
    assert wait_for(cluster_lab, token, Phase.PENDING).raw_reason != "JobHeldAdmin"


def test_a_suspended_job_still_runs_and_goes_on(
    cluster_lab: ClusterLab, scontrol: Scontrol
) -> None:
    token, job = submit(cluster_lab, "sleep 2; exit 0")
    wait_for(cluster_lab, token, Phase.RUNNING)
    scontrol("suspend", job)

    report = wait_for(cluster_lab, token, Phase.RUNNING)

    # Suspended early, it keeps saying that it waits for its prolog.
    assert report.raw_reason in {"", "Prolog"}
    assert (report.raw_state, report.ended_at) == ("SUSPENDED", None)
    scontrol("resume", job)
    assert wait_for(cluster_lab, token, Phase.ENDED).exit_code == 0


def test_a_requeue_is_refused_for_a_job_of_ours(
    cluster_lab: ClusterLab, scontrol: Scontrol
) -> None:
    token, job = submit(cluster_lab)
    wait_for(cluster_lab, token, Phase.RUNNING)

    with pytest.raises(AssertionError, match="disabled for job"):
        scontrol("requeue", job)

    assert wait_for(cluster_lab, token, Phase.RUNNING).ref.job_id == job


def test_a_requeued_job_finishes_its_first_life_and_waits_for_its_second(
    cluster_lab: ClusterLab, scontrol: Scontrol
) -> None:
    token, job = submit(cluster_lab)
    first = wait_for(cluster_lab, token, Phase.RUNNING)
    may_be_requeued(scontrol, job)
    scontrol("requeue", job)

    report = wait_for(cluster_lab, token, Phase.PENDING)

    assert (seen(report), report.started_at) == (("PENDING", "BeginTime"), None)
    assert (report.ref.job_id, report.nodes) == (first.ref.job_id, "")


def test_a_requeue_held_job_waits_for_a_person(cluster_lab: ClusterLab, scontrol: Scontrol) -> None:
    token, job = submit(cluster_lab)
    wait_for(cluster_lab, token, Phase.RUNNING)
    may_be_requeued(scontrol, job)
    scontrol("requeuehold", job)

    report = wait_for(cluster_lab, token, Phase.HELD)

    assert seen(report) == ("PENDING", "job requeued in held state")


def test_a_special_exit_waits_for_a_person(cluster_lab: ClusterLab, scontrol: Scontrol) -> None:
    token, job = submit(cluster_lab)
    wait_for(cluster_lab, token, Phase.RUNNING)
    may_be_requeued(scontrol, job)
    scontrol("requeuehold", "State=SpecialExit", job)

    report = wait_for(cluster_lab, token, Phase.HELD)

    assert report.raw_state == "SPECIAL_EXIT"
