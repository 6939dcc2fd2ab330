"""Jobs with more than one life, or whose life somebody else decides over: what the readers make of them.

The answers were recorded from real clusters of three releases, see ``tests/support/recordings/record_states.py``.
"""

import pytest

from scheduler.commands.sacct import read_sacct
from scheduler.commands.sbatch import read_sbatch
from scheduler.commands.squeue import read_squeue
from scheduler.interface import Accepted, JobRef, JobReport, Outcome, Phase, Token
from scheduler.reports import by_token
from tests.support.recordings.answers import RELEASES, recorded

NAMES = (
    "held",
    "held-by-staff",
    "suspended",
    "requeued",
    "requeue-held",
    "special-exit",
    "node-failed",
    "node-failed-requeued",
    "preempted",
    "timed-out",
    "deadline",
    "dependency",
)
TOKENS = [Token(f"rec-{name}") for name in NAMES]
pytestmark = pytest.mark.parametrize("release", RELEASES)


def in_queue(release: str, answer: str = "squeue-states") -> dict[str, JobReport]:
    """Return by name what the queue said once everything had settled."""
    return {
        report.token.removeprefix("rec-"): report
        for report in read_squeue(recorded(answer, release).stdout, TOKENS)
    }


def in_accounting(release: str) -> dict[str, JobReport]:
    """Return by name what accounting said two minutes later."""
    return {
        report.token.removeprefix("rec-"): report
        for report in read_sacct(recorded("sacct-states", release).stdout, TOKENS)
    }


def test_held_jobs_wait_for_a_person_whoever_holds_them(release: str) -> None:
    queue = in_queue(release)

    assert [(queue[name].phase, queue[name].raw_reason) for name in ("held", "held-by-staff")] == [
        (Phase.HELD, "JobHeldUser"),
        (Phase.HELD, "JobHeldAdmin"),
    ]


def test_accounting_says_nothing_of_a_held_job(release: str) -> None:
    assert {"held", "held-by-staff"} & set(in_accounting(release)) == set()


def test_a_suspended_job_runs(release: str) -> None:
    report = in_queue(release)["suspended"]

    assert (report.phase, report.raw_state) == (Phase.RUNNING, "SUSPENDED")
    assert report.started_at is not None
    assert report.ended_at is None


def test_a_requeued_job_waits_again_under_its_id_with_a_later_submission(release: str) -> None:
    early, settled = in_queue(release, "squeue-states-early"), in_queue(release)

    # Release 22.05 had it through with its first life already.
    assert early["requeued"].phase in {Phase.FINISHING, Phase.PENDING}
    report = settled["requeued"]
    assert (report.phase, report.raw_reason, report.started_at) == (
        Phase.PENDING,
        "BeginTime",
        None,
    )
    assert report.ref == early["requeued"].ref
    assert report.submitted_at > settled["suspended"].submitted_at


def test_accounting_does_not_take_the_end_of_a_life_for_the_end_of_the_job(release: str) -> None:
    rows = recorded("sacct-states", release).stdout.decode()

    assert rows.count("REQUEUED") == 3
    accounting = in_accounting(release)
    assert {"requeued", "requeue-held", "special-exit"} & set(accounting) == set()
    assert "node-failed-requeued" not in accounting


def test_what_is_put_back_and_held_waits_for_a_person(release: str) -> None:
    queue = in_queue(release)

    message = "job requeued in held state"
    assert {
        name: (queue[name].phase, queue[name].raw_state, queue[name].raw_reason)
        for name in ("requeue-held", "special-exit")
    } == {
        "requeue-held": (Phase.HELD, "PENDING", message),
        "special-exit": (Phase.HELD, "SPECIAL_EXIT", message),
    }


@pytest.mark.parametrize(
    ("name", "outcome"),
    [
        ("node-failed", Outcome.NODE_FAILURE),
        ("preempted", Outcome.PREEMPTED),
        ("deadline", Outcome.DEADLINE),
    ],
)
def test_queue_and_accounting_agree_on_what_the_cluster_ended(
    release: str, name: str, outcome: Outcome
) -> None:
    queue, accounting = in_queue(release)[name], in_accounting(release)[name]

    assert (queue.outcome, accounting.outcome) == (outcome, outcome)
    assert outcome.is_infrastructure
    assert (queue.exit_code, accounting.exit_code) == (None, None)
    assert (queue.submitted_at, queue.started_at, queue.ended_at) == (
        accounting.submitted_at,
        accounting.started_at,
        accounting.ended_at,
    )


def test_a_failed_node_ends_only_a_job_that_is_not_put_back(release: str) -> None:
    queue = in_queue(release)

    assert queue["node-failed"].outcome is Outcome.NODE_FAILURE
    assert (queue["node-failed-requeued"].phase, queue["node-failed-requeued"].outcome) == (
        Phase.PENDING,
        None,
    )


def test_the_time_limit_ends_a_job_of_itself(release: str) -> None:
    accounting = in_accounting(release)["timed-out"]

    assert (accounting.outcome, accounting.exit_code) == (Outcome.TIME_LIMIT, None)


@pytest.mark.parametrize(
    ("answer", "read"), [("squeue-states", read_squeue), ("sacct-states", read_sacct)]
)
def test_an_array_of_somebody_else_is_left_out(release: str, answer: str, read) -> None:
    stdout = recorded(answer, release).stdout

    assert b"rec-array" in stdout
    assert "rec-array" not in {report.token for report in read(stdout, TOKENS)}


def test_an_array_under_a_token_is_several_jobs(release: str) -> None:
    reports = by_token(read_squeue(recorded("squeue-states", release).stdout, [Token("rec-array")]))

    (running, waiting) = sorted(reports[Token("rec-array")], key=lambda report: report.phase)[::-1]
    assert (running.phase, waiting.phase) == (Phase.RUNNING, Phase.PENDING)
    assert running.ref.job_id != waiting.ref.job_id


def test_an_id_that_came_back_is_told_apart_by_its_name(release: str) -> None:
    """After a controller lost its state, ids begin anew; names never do."""
    stdout = recorded("sacct-states", release).stdout
    other = stdout.replace(b"rec-node-failed\n", b"rec-other\n").replace(b"NODE_FAIL", b"COMPLETED")

    reports = by_token(read_sacct(stdout + other, [Token("rec-node-failed"), Token("rec-other")]))

    (first,), (second,) = reports[Token("rec-node-failed")], reports[Token("rec-other")]
    assert first.ref == second.ref
    assert (first.outcome, second.outcome) == (Outcome.NODE_FAILURE, Outcome.COMPLETED)


def test_an_answer_with_a_cluster_names_it(release: str) -> None:
    answer = read_sbatch(recorded("sbatch-accepted-cluster", release))

    assert answer == Accepted(ref=JobRef(cluster=f"rec{release[6:].replace('.', '')}", job_id="16"))
