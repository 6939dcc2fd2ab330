"""squeue and sacct: what they are asked and how their answers are read."""

from datetime import UTC, datetime, timedelta

import pytest

from scheduler.commands.sacct import read_sacct, sacct_argv
from scheduler.commands.squeue import read_squeue, squeue_argv
from scheduler.errors import UnexpectedAnswerError
from scheduler.interface import JobRef, JobReport, Outcome, Phase, Token
from scheduler.reports import by_token
from tests.support.recordings.answers import RELEASES, recorded

NAMES = [
    "completed",
    "exit-7",
    "segfault",
    "memory",
    "running",
    "cancelled",
    "waiting",
    "cancelled-waiting",
    "bad-stdout",
    "no-such-job",
    "refused-memory",
    "refused-gres",
    "refused-gres-elsewhere",
]
TOKENS = [Token(f"rec-{name}") for name in NAMES]
FATES = {
    "rec-completed": (Outcome.COMPLETED, 0, None),
    "rec-exit-7": (Outcome.FAILED, 7, None),
    "rec-segfault": (Outcome.FAILED, None, 11),
    "rec-memory": (Outcome.MEMORY_LIMIT, None, 125),
    "rec-bad-stdout": (Outcome.FAILED, None, 53),
}


def test_squeue_is_asked_for_our_own_jobs_by_name() -> None:
    argv = squeue_argv({Token("b2"), Token("a1")})

    assert [word.replace("\x1f", "<US>") for word in argv] == [
        "env",
        "SLURM_TIME_FORMAT=%s",
        "squeue",
        "--me",
        "--states=all",
        "--noheader",
        (
            "--Format=JobID:<US>,Cluster:<US>,State:<US>,Reason:<US>,exit_code:<US>,SubmitTime:<US>,"
            "StartTime:<US>,EndTime:<US>,NodeList:<US>,Name:<US>"
        ),
        "--name=a1,b2",
    ]


def test_sacct_is_asked_for_duplicates_within_the_history() -> None:
    argv = sacct_argv({Token("a1")}, timedelta(days=2))

    assert [word.replace("\x1f", "<US>") for word in argv] == [
        "env",
        "SLURM_TIME_FORMAT=%s",
        "sacct",
        "--allocations",
        "--duplicates",
        "--parsable2",
        "--noheader",
        "--delimiter=<US>",
        "--starttime=now-2880minutes",
        "--format=JobIDRaw,Cluster,State,ExitCode,Submit,Start,End,NodeList,Reason,JobName",
        "--name=a1",
    ]


@pytest.mark.parametrize(("count", "names"), [(1_000, 1), (2_000, 0)])
def test_too_many_names_for_a_command_line_are_left_out(count: int, names: int) -> None:
    tokens = [Token(f"{number:060d}") for number in range(count)]

    for argv in (squeue_argv(tokens), sacct_argv(tokens, timedelta(days=1))):
        assert sum(word.startswith("--name=") for word in argv) == names
        assert sum(map(len, argv)) < 100_000


def test_a_row_of_the_queue_is_read_whole() -> None:
    (report,) = read_squeue(recorded("squeue").stdout, [Token("rec-exit-7")])

    assert report == JobReport(
        token=Token("rec-exit-7"),
        ref=JobRef(cluster="sched", job_id="2"),
        phase=Phase.ENDED,
        outcome=Outcome.FAILED,
        raw_state="FAILED",
        raw_reason="NonZeroExitCode",
        exit_code=7,
        submitted_at=datetime.fromtimestamp(1795563565, UTC),
        started_at=datetime.fromtimestamp(1795563565, UTC),
        ended_at=datetime.fromtimestamp(1795563566, UTC),
        nodes="sched-build",
    )


@pytest.mark.parametrize("release", RELEASES)
@pytest.mark.parametrize(("name", "read"), [("squeue", read_squeue), ("sacct", read_sacct)])
def test_both_say_how_jobs_ended(release: str, name: str, read) -> None:
    reports = read(recorded(name, release).stdout, TOKENS)

    fates = {report.token: (report.outcome, report.exit_code, report.signal) for report in reports}
    cancelled = fates.pop(Token("rec-cancelled"))
    assert cancelled[:2] == (Outcome.CANCELLED, None)
    alive = {"rec-running", "rec-waiting"} if name == "squeue" else set()
    assert fates == FATES | dict.fromkeys(alive, (None, None, None)) | {
        "rec-cancelled-waiting": (Outcome.CANCELLED, None, None),
    }


@pytest.mark.parametrize("release", RELEASES)
def test_forecasts_of_the_queue_are_not_reported_as_times(release: str) -> None:
    rows = read_squeue(recorded("squeue", release).stdout, TOKENS)
    reports = {report.token: report for report in rows}

    running, waited = reports[Token("rec-running")], reports[Token("rec-cancelled-waiting")]
    assert (running.started_at is None, running.ended_at) == (False, None)
    assert (waited.started_at, waited.ended_at is None) == (None, False)
    assert {report.submitted_at is None for report in rows} == {False}


@pytest.mark.parametrize("release", RELEASES)
def test_accounting_alone_makes_no_job_alive(release: str) -> None:
    answer = recorded("sacct", release).stdout

    assert all(name in answer for name in (b"rec-running", b"rec-waiting"))
    assert read_sacct(answer, [Token("rec-running"), Token("rec-waiting")]) == []


def test_a_new_word_in_accounting_is_reported_as_unknown() -> None:
    (report,) = read_sacct(sacct_row("5", "TELEPORTED", 100), [Token("a1")])

    assert (report.phase, report.outcome, report.raw_state) == (Phase.UNKNOWN, None, "TELEPORTED")


def test_a_requeued_job_does_not_end_with_its_first_life() -> None:
    answer = sacct_row("5", "NODE_FAIL", 100) + sacct_row("5", "PENDING", 300)

    assert read_sacct(answer, [Token("a1")]) == []


@pytest.mark.parametrize("release", RELEASES)
@pytest.mark.parametrize(("name", "read"), [("squeue", read_squeue), ("sacct", read_sacct)])
def test_a_refused_request_is_no_job(release: str, name: str, read) -> None:
    answer = recorded(name, release).stdout
    refused = [token for token in TOKENS if token.startswith("rec-refused")]

    assert all(token.encode() in answer for token in refused)
    assert read(answer, refused) == []


@pytest.mark.parametrize("release", RELEASES)
def test_an_empty_queue_has_no_reports(release: str) -> None:
    assert read_squeue(recorded("squeue-empty", release).stdout, TOKENS) == []


@pytest.mark.parametrize(("name", "read"), [("squeue", read_squeue), ("sacct", read_sacct)])
def test_jobs_that_were_not_asked_for_are_left_out(name: str, read) -> None:
    answer = recorded(name).stdout

    assert [report.token for report in read(answer, [Token("rec-exit-7")])] == ["rec-exit-7"]


def sacct_row(job_id: str, state: str, submitted: int, name: str = "a1") -> bytes:
    fields = [job_id, "north", state, "0:0", str(submitted), "100", "200", "n1", "None", name]
    return "\x1f".join(fields).encode() + b"\n"


def test_the_newest_record_of_a_requeued_job_counts() -> None:
    answer = (
        sacct_row("5", "NODE_FAIL", 100)
        + sacct_row("5", "COMPLETED", 300)
        + sacct_row("5", "REQUEUED", 200)
    )

    (report,) = read_sacct(answer, [Token("a1")])

    assert report.outcome is Outcome.COMPLETED


def test_a_job_id_that_came_back_hides_nothing() -> None:
    answer = sacct_row("5", "FAILED", 100, "a1") + sacct_row("5", "COMPLETED", 300, "b2")

    reports = by_token(read_sacct(answer, [Token("a1"), Token("b2")]))

    assert [report.outcome for (report,) in reports.values()] == [
        Outcome.FAILED,
        Outcome.COMPLETED,
    ]


def test_two_jobs_of_one_token_are_both_reported_newest_first() -> None:
    answer = sacct_row("9", "COMPLETED", 100) + sacct_row("10", "TIMEOUT", 100)

    reports = by_token(read_sacct(answer, [Token("a1")]))

    assert [report.ref.job_id for report in reports[Token("a1")]] == ["10", "9"]


def test_the_queue_counts_before_accounting() -> None:
    in_queue = read_squeue(recorded("squeue").stdout, TOKENS)
    in_accounting = read_sacct(recorded("sacct").stdout, TOKENS)

    (report,) = by_token([*in_queue, *in_accounting])[Token("rec-exit-7")]

    assert report.raw_reason == "NonZeroExitCode"


@pytest.mark.parametrize(
    "row",
    [
        pytest.param(b"slurm_load_jobs error: no\n", id="a complaint"),
        pytest.param(sacct_row("5_1", "COMPLETED", 1), id="an array"),
        pytest.param(sacct_row("5", "COMPLETED", 1).replace(b"0:0", b"zero"), id="no exit code"),
        pytest.param(sacct_row("5", "COMPLETED", 1).replace(b"100", b"2026-1-1"), id="a date"),
        pytest.param(sacct_row("5", "COMPLETED", 1)[:-5], id="half a row"),
        pytest.param(sacct_row("5", "COMPLETED", 1).replace(b"n1", b"n1\x1fx"), id="a field more"),
    ],
)
def test_an_unreadable_row_is_an_error(row: bytes) -> None:
    with pytest.raises(UnexpectedAnswerError):
        read_sacct(row, [Token("a1"), Token("")])
