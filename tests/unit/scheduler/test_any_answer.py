"""Whatever comes back, a parser reads it or says that it cannot."""

import contextlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scheduler.commands.controller import read_controller
from scheduler.commands.sacct import read_sacct
from scheduler.commands.sbatch import read_sbatch
from scheduler.commands.scancel import read_scancel
from scheduler.commands.squeue import read_squeue
from scheduler.errors import SchedulerError, UnexpectedAnswerError, UnreachableError
from scheduler.interface import Accepted, Indeterminate, JobReport, Phase, Refused, Token
from scheduler.slurmrestd.answer import Answer
from scheduler.slurmrestd.control import read_cancellation, read_ping
from scheduler.slurmrestd.jobs import read_accounting, read_queue
from scheduler.slurmrestd.submit import read_submission
from scheduler.slurmrestd.versions import KNOWN, choose_dialect
from scheduler.transport import Finished

words = st.one_of(
    st.sampled_from(["1", "a1", "0:0", "1795563565", "RUNNING", "CANCELLED by 5", "None", "N/A"]),
    st.text(max_size=12),
)
row = st.lists(words, min_size=10, max_size=11).map("\x1f".join)
answers = st.one_of(
    st.binary(max_size=300), st.lists(row, max_size=4).map(lambda rows: "\n".join(rows).encode())
)


@pytest.mark.parametrize("read", [read_squeue, read_sacct])
@settings(deadline=None)
@given(stdout=answers)
def test_reports_are_sound_or_the_answer_is_unexpected(read, stdout: bytes) -> None:
    reports: list[JobReport] = []
    with contextlib.suppress(UnexpectedAnswerError):
        reports = read(stdout, {Token("a1")})

    for report in reports:
        assert report.token == "a1"
        assert report.ref.job_id.isdigit()
        assert (report.outcome is not None) == (report.phase is Phase.ENDED)


@settings(deadline=None)
@given(
    answer=st.builds(
        Finished,
        returncode=st.integers(-64, 255),
        stdout=st.binary(max_size=40),
        stderr=st.binary(max_size=200),
    )
)
def test_sbatch_is_always_one_of_three_and_an_id_needs_success(answer: Finished) -> None:
    submitted = read_sbatch(answer)

    assert isinstance(submitted, Accepted | Refused | Indeterminate)
    assert answer.returncode == 0 or not isinstance(submitted, Accepted)
    assert answer.returncode != 0 or not isinstance(submitted, Refused)


@settings(deadline=None)
@given(stdout=answers)
def test_the_configuration_is_read_or_unexpected(stdout: bytes) -> None:
    with contextlib.suppress(UnexpectedAnswerError):
        assert read_controller(stdout).export in {"NIL", "NONE"}


@settings(deadline=None)
@given(returncode=st.integers(-64, 255), stderr=st.binary(max_size=200))
def test_scancel_is_taken_or_unreachable(returncode: int, stderr: bytes) -> None:
    with contextlib.suppress(UnreachableError):
        read_scancel(Finished(returncode=returncode, stdout=b"", stderr=stderr))


leaves = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-2, 2**70),
    st.floats(allow_nan=False),
    st.sampled_from(["a1", "challenge", "RUNNING", "COMPLETED", "None", ""]),
)
anything = st.recursive(
    leaves,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(
            st.sampled_from(["set", "infinite", "number", "current", "reason", "error", "id"]),
            inner,
            max_size=3,
        ),
    ),
    max_leaves=4,
)


def likely(usual: list[object]) -> st.SearchStrategy[object]:
    return st.one_of(st.sampled_from(usual), anything) if usual else anything


JOB_FIELDS: dict[str, list[object]] = {
    "name": ["a1"],
    "user_name": ["challenge"],
    "user": ["challenge"],
    "job_id": [7],
    "cluster": ["main"],
    "job_state": [["RUNNING"], ["COMPLETED", "COMPLETING"], "FAILED"],
    "state": [{"current": ["COMPLETED"], "reason": "None"}],
    "state_reason": ["None"],
    "exit_code": [0, {"return_code": 0}],
    "submit_time": [1],
    "start_time": [1],
    "end_time": [1],
    "nodes": ["n1"],
    "time": [{"submission": 1, "start": 1, "end": 1}],
}
job = st.fixed_dictionaries({name: likely(usual) for name, usual in JOB_FIELDS.items()})
rest_answers = st.builds(
    Answer,
    status=st.sampled_from([200, 200, 200, 404, 500]),
    document=st.fixed_dictionaries(
        {"errors": st.one_of(st.just([]), anything)},
        optional={
            "jobs": st.one_of(st.lists(job, max_size=2), anything),
            "meta": anything,
            "status": anything,
            "pings": anything,
            "paths": anything,
            "job_id": anything,
        },
    ),
)


@settings(deadline=None)
@given(answer=rest_answers)
def test_slurmrestds_jobs_are_sound_or_the_answer_is_refused(answer: Answer) -> None:
    reports: list[JobReport] = []
    with contextlib.suppress(SchedulerError):
        reports += read_queue(answer, "challenge")
    with contextlib.suppress(SchedulerError):
        reports += read_accounting(answer, {Token("a1")}, "challenge", KNOWN["v0.0.42"])

    for report in reports:
        assert report.ref.job_id.isdigit()
        assert (report.outcome is not None) == (report.phase is Phase.ENDED)


@settings(deadline=None)
@given(answer=rest_answers)
def test_slurmrestds_other_answers_are_read_or_refused(answer: Answer) -> None:
    assert isinstance(read_submission(answer), Accepted | Refused | Indeterminate)
    for read in (read_ping, read_cancellation, lambda answer: choose_dialect(answer.document)):
        with contextlib.suppress(SchedulerError):
            read(answer)
