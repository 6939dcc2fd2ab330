"""Whatever comes back, a parser reads it or says that it cannot."""

import contextlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scheduler.controller import read_controller
from scheduler.errors import UnexpectedAnswer, Unreachable
from scheduler.interface import Accepted, Indeterminate, JobReport, Phase, Refused, Token
from scheduler.sacct import read_sacct
from scheduler.sbatch import read_sbatch
from scheduler.scancel import read_scancel
from scheduler.squeue import read_squeue
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
    with contextlib.suppress(UnexpectedAnswer):
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
    with contextlib.suppress(UnexpectedAnswer):
        assert read_controller(stdout).export in {"NIL", "NONE"}


@settings(deadline=None)
@given(returncode=st.integers(-64, 255), stderr=st.binary(max_size=200))
def test_scancel_is_taken_or_unreachable(returncode: int, stderr: bytes) -> None:
    with contextlib.suppress(Unreachable):
        read_scancel(Finished(returncode=returncode, stdout=b"", stderr=stderr))
