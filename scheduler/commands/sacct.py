"""Ask accounting: the argv of sacct and the reading of its answer."""

from collections.abc import Collection
from datetime import timedelta

from scheduler.commands.rows import (
    EPOCH_SECONDS,
    SEPARATOR,
    name_filter,
    read_exit,
    read_job_id,
    read_time,
    split_rows,
)
from scheduler.interface import JobRef, JobReport, Token
from scheduler.reports import EXITS, only_ends
from scheduler.slurm.states import interpret

_FIELDS = (
    "JobIDRaw",
    "Cluster",
    "State",
    "ExitCode",
    "Submit",
    "Start",
    "End",
    "NodeList",
    "Reason",
    "JobName",
)


def sacct_argv(tokens: Collection[Token], history: timedelta) -> list[str]:
    """Return the command that lists our own jobs with these names that lived in the last ``history``.

    ``--duplicates``: sacct otherwise shows one job per id, and ids come back after a controller lost
    its state, so that a newer job of ours would hide an older one.
    """
    return [
        *EPOCH_SECONDS,
        "sacct",
        "--allocations",
        "--duplicates",
        "--parsable2",
        "--noheader",
        f"--delimiter={SEPARATOR}",
        f"--starttime=now-{int(history.total_seconds() // 60)}minutes",
        f"--format={','.join(_FIELDS)}",
        *name_filter(tokens),
    ]


def read_sacct(stdout: bytes, tokens: Collection[Token]) -> list[JobReport]:
    """Return those reports on ``tokens`` that count, see ``only_ends``. Raises ``UnexpectedAnswerError``."""
    rows = split_rows(stdout, len(_FIELDS))
    return only_ends(_report(row) for row in rows if row[-1] in tokens)


def _report(row: list[str]) -> JobReport:
    job_id, cluster, state, code, submitted, started, ended, nodes, reason, name = row
    reason = "" if reason == "None" else reason
    nodes = "" if nodes == "None assigned" else nodes
    exit_code, signal = read_exit(code)
    phase, outcome = interpret(state, reason, exit_code)
    start = read_time(started)
    return JobReport(
        token=Token(name),
        ref=JobRef(cluster=cluster or None, job_id=read_job_id(job_id)),
        phase=phase,
        outcome=outcome,
        raw_state=state,
        raw_reason=reason,
        exit_code=exit_code if outcome in EXITS and not signal else None,
        signal=(signal or None) if outcome else None,
        submitted_at=read_time(submitted),
        # Release 22.05 gives a start to what never got a node.
        started_at=start if nodes else None,
        ended_at=read_time(ended) if outcome else None,
        nodes=nodes,
    )
