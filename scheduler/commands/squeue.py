"""Ask the queue: the argv of squeue and the reading of its answer."""

from collections.abc import Collection

from scheduler.commands.rows import (
    EPOCH_SECONDS,
    SEPARATOR,
    name_filter,
    read_exit,
    read_job_id,
    read_time,
    split_rows,
)
from scheduler.interface import JobRef, JobReport, Phase, Token
from scheduler.reports import EXITS, is_refusal
from scheduler.slurm.states import interpret

# With a suffix and no width, squeue prints a field in full.
_FIELDS = (
    "JobID",
    "Cluster",
    "State",
    "Reason",
    "exit_code",
    "SubmitTime",
    "StartTime",
    "EndTime",
    "NodeList",
    "Name",
)
_FORMAT = ",".join(f"{field}:{SEPARATOR}" for field in _FIELDS)


def squeue_argv(tokens: Collection[Token]) -> list[str]:
    """Return the command that lists our own jobs with these names, ended ones included.

    ``--me``: another user's job must not pass for ours by its name.
    """
    return [
        *EPOCH_SECONDS,
        "squeue",
        "--me",
        "--states=all",
        "--noheader",
        f"--Format={_FORMAT}",
        *name_filter(tokens),
    ]


def read_squeue(stdout: bytes, tokens: Collection[Token]) -> list[JobReport]:
    """Return the reports on ``tokens`` in the answer. Raises ``UnexpectedAnswerError``.

    Traces of refused requests are left out.
    """
    rows = split_rows(stdout, len(_FIELDS))
    reports = [_report(row) for row in rows if row[-1] in tokens]
    return [report for report in reports if not is_refusal(report)]


def _report(row: list[str]) -> JobReport:
    job_id, cluster, state, reason, code, submitted, started, ended, nodes, name = row
    exit_code, signal = read_exit(code)
    phase, outcome = interpret(state, reason, exit_code)
    start, end = read_time(started), read_time(ended)
    return JobReport(
        token=Token(name),
        ref=JobRef(cluster=cluster or None, job_id=read_job_id(job_id)),
        phase=phase,
        outcome=outcome,
        raw_state=state,
        raw_reason="" if reason == "None" else reason,
        exit_code=exit_code if outcome in EXITS and not signal else None,
        signal=(signal or None) if outcome else None,
        submitted_at=read_time(submitted),
        expected_at=start if phase is Phase.PENDING else None,
        # A waiting job has a forecast here, and one cancelled while it waited the time of that.
        started_at=start if nodes and phase not in {Phase.PENDING, Phase.HELD} else None,
        # A running job "ends" at its time limit.
        ended_at=end if outcome else None,
        nodes=nodes,
    )
