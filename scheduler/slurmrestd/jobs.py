"""Read the jobs in slurmrestd's answers: those of the queue and those of accounting.

A field that is missing or has a type that we do not know makes the whole answer unreadable.
"""

from collections.abc import Callable, Collection, Mapping
from datetime import UTC, datetime
from typing import Any

from scheduler.errors import UnexpectedAnswerError
from scheduler.interface import JobRef, JobReport, Outcome, Phase, Token
from scheduler.reports import EXITS, is_refusal, only_ends
from scheduler.slurm.states import interpret, leading_word
from scheduler.slurmrestd.answer import Answer
from scheduler.slurmrestd.versions import Dialect

Job = Mapping[str, Any]

_NOTHING_FOUND = ["Nothing found with query"]


def read_queue(answer: Answer, user: str) -> list[JobReport]:
    """Return reports on all jobs of ``user`` in the queue, ended ones included.

    Traces of refused requests are left out. Raises ``UnreachableError`` and ``UnexpectedAnswerError``.
    """
    answer.expect_success()
    own = [job for job in _jobs(answer) if job.get("user_name") == user]
    return [report for report in map(_queued, own) if not is_refusal(report)]


def read_accounting(
    answer: Answer, tokens: Collection[Token], user: str, dialect: Dialect
) -> list[JobReport]:
    """Return the reports on ``tokens`` in accounting that have ended; see ``read_sacct``."""
    # Release 22.05 takes it for an error that there is no such job.
    if not (answer.errors == _NOTHING_FOUND and answer.document.get("jobs") == []):
        answer.expect_success()
    reports = [
        _accounted(job, dialect)
        for job in _jobs(answer)
        if job.get("user") == user and str(job.get("name")) in tokens
    ]
    return only_ends(reports)


def cluster_of(answer: Answer) -> str | None:
    """Return the cluster's name, where the answer gives one."""
    cluster = answer.about.get("cluster")
    return cluster if isinstance(cluster, str) and cluster else None


def _jobs(answer: Answer) -> list[Job]:
    jobs = answer.document.get("jobs")
    if not isinstance(jobs, list) or not all(isinstance(job, Mapping) for job in jobs):
        raise UnexpectedAnswerError("slurmrestd's answer has no list of jobs")
    return jobs


def _complete(read: Callable[..., JobReport]) -> Callable[..., JobReport]:
    """Turn a field that is not there, or not what it should be, into an unreadable answer."""

    def reading(job: Job, *more: Any) -> JobReport:  # noqa: ANN401 - handed on as it is
        try:
            return read(job, *more)
        except (KeyError, TypeError, ValueError, OverflowError) as odd:
            raise UnexpectedAnswerError(
                f"job {str(job.get('job_id'))[:40]} in slurmrestd's answer: {odd!r}"
            ) from odd

    return reading


@_complete
def _queued(job: Job) -> JobReport:
    words, reason = _words(job["job_state"]), str(job["state_reason"])
    exit_code, signal = _exit(job["exit_code"])
    phase, outcome = interpret(leading_word(words), reason, exit_code)
    nodes = str(job["nodes"] or "")
    start, end = _time(job["start_time"]), _time(job["end_time"])
    return JobReport(
        token=Token(str(job["name"])),
        ref=_ref(job),
        phase=phase,
        outcome=outcome,
        raw_state="+".join(words),
        raw_reason="" if reason == "None" else reason,
        exit_code=exit_code if outcome in EXITS and not signal else None,
        signal=(signal or None) if outcome else None,
        submitted_at=_time(job["submit_time"]),
        expected_at=start if phase is Phase.PENDING else None,
        # As in squeue: a waiting job has a forecast here, and a running one its time limit as end.
        started_at=start if nodes and phase not in {Phase.PENDING, Phase.HELD} else None,
        ended_at=end if outcome else None,
        nodes=nodes,
    )


@_complete
def _accounted(job: Job, dialect: Dialect) -> JobReport:
    words, reason = _words(job["state"]["current"]), str(job["state"]["reason"])
    exit_code, signal = _exit(job["exit_code"])
    phase, outcome = interpret(leading_word(words), reason, exit_code)
    nodes = "" if job["nodes"] in {None, "None assigned"} else str(job["nodes"])
    times = job["time"]
    # As sacct writes it. Slurm names nobody where it has cancelled a job itself.
    who = job.get("kill_request_user") if outcome is Outcome.CANCELLED else None
    has_code = outcome in EXITS and not signal and dialect.accounting_has_exit_codes
    return JobReport(
        token=Token(str(job["name"])),
        ref=_ref(job),
        phase=phase,
        outcome=outcome,
        raw_state="+".join(words) + (f" by {who}" if who else ""),
        raw_reason="" if reason == "None" else reason,
        exit_code=exit_code if has_code else None,
        signal=(signal or None) if outcome else None,
        submitted_at=_time(times["submission"]),
        started_at=_time(times["start"]) if nodes else None,
        ended_at=_time(times["end"]) if outcome else None,
        nodes=nodes,
    )


def _ref(job: Job) -> JobRef:
    job_id = job["job_id"]
    if type(job_id) is not int or job_id <= 0:
        raise ValueError(f"not a job id: {job_id!r}")
    return JobRef(cluster=str(job["cluster"]) or None, job_id=str(job_id))


def _words(state: object) -> list[str]:
    """Return the base state and the flags beside it, whichever way the version gives them."""
    words = [state] if isinstance(state, str) else state
    if not isinstance(words, list) or not words or not all(isinstance(word, str) for word in words):
        raise ValueError(f"not a state: {state!r}")
    return words


def _number(value: object) -> int | None:
    """Return a plain number, or that of {set, infinite, number}; None where there is none."""
    if isinstance(value, Mapping):
        value = value["number"] if value["set"] and not value["infinite"] else None
    if value is None or type(value) is int:
        return value
    raise ValueError(f"not a whole number: {value!r}")


def _time(value: object) -> datetime | None:
    seconds = _number(value)
    return datetime.fromtimestamp(seconds, UTC) if seconds else None


def _exit(value: Any) -> tuple[int, int]:  # noqa: ANN401 - JSON
    """Return exit code and signal of a wait status, or of the object that newer versions give."""
    if not isinstance(value, Mapping):
        status = _number(value) or 0
        return status >> 8, status & 0x7F
    signal = value.get("signal") or {}
    number = signal.get("id", signal.get("signal_id"))
    return _number(value["return_code"]) or 0, _number(number) or 0
