"""slurmrestd: what it is asked, and how the recorded answers of each release are read."""

from dataclasses import replace

import pytest

from scheduler.errors import UnexpectedAnswerError, UnreachableError
from scheduler.interface import Accepted, Indeterminate, JobSpec, Outcome, Phase, Refused, Token
from scheduler.slurmrestd.answer import Answer
from scheduler.slurmrestd.control import read_cancellation, read_ping
from scheduler.slurmrestd.jobs import read_accounting, read_queue
from scheduler.slurmrestd.submit import read_submission, submission
from scheduler.slurmrestd.versions import KNOWN, choose_dialect
from tests.support.recordings.answers import RELEASES, dialect_of, recorded_rest

USER = "challenge"
OLD, NEW = KNOWN["v0.0.38"], KNOWN["v0.0.42"]
NAMES = [
    "completed", "exit-7", "segfault", "memory", "running", "cancelled", "waiting",
    "cancelled-waiting", "bad-stdout", "refused-memory", "refused-gres-elsewhere",
]  # fmt: skip
TOKENS = [Token(f"rec-{name}") for name in NAMES]
FATES = {
    "rec-completed": (Outcome.COMPLETED, 0, None),
    "rec-exit-7": (Outcome.FAILED, 7, None),
    "rec-segfault": (Outcome.FAILED, None, 11),
    "rec-memory": (Outcome.MEMORY_LIMIT, None, 125),
    "rec-bad-stdout": (Outcome.FAILED, None, 53),
}


@pytest.mark.parametrize(
    ("release", "version"),
    [("slurm-22.05", "v0.0.38"), ("slurm-24.11", "v0.0.42"), ("slurm-26.05", "v0.0.45")],
)
def test_the_newest_version_that_both_know_is_spoken(release: str, version: str) -> None:
    assert choose_dialect(recorded_rest("offer", release).document).version == version


def test_a_version_without_accounting_is_not_spoken() -> None:
    paths = {"/slurm/v0.0.42/job/submit": {}, "/slurmdb/v0.0.42/jobs/": {}}
    newer = {"/slurm/v0.0.43/job/submit": {}}

    assert choose_dialect({"paths": paths | newer}).version == "v0.0.42"


@pytest.mark.parametrize(
    ("offer", "said"),
    [
        ({"paths": {"/slurm/v0.0.99/job/submit": {}}}, r"offers v0\.0\.99 .*v0\.0\.38"),
        ({"paths": {}}, "offers no version"),
        ({"openapi": "3.0"}, "names no paths"),
    ],
)
def test_nothing_to_speak_is_an_error(offer: dict[str, object], said: str) -> None:
    with pytest.raises(UnexpectedAnswerError, match=said):
        choose_dialect(offer)


def test_a_submission_in_the_newer_form(spec: JobSpec) -> None:
    assert submission(NEW, spec, Token("a1")) == {
        "job": {
            "name": "a1",
            "partition": "gpu",
            "account": "challenges",
            "qos": "challenge",
            "comment": "sealrun predict",
            "tasks": 1,
            "cpus_per_task": 8,
            "memory_per_node": {"set": True, "infinite": False, "number": 32768},
            "time_limit": {"set": True, "infinite": False, "number": 60},
            "tres_per_node": "gres/gpu:1",
            "nodes": "1",
            "minimum_nodes": 1,
            "maximum_nodes": 1,
            "current_working_directory": "/shared/attempt",
            "standard_input": "/dev/null",
            "standard_output": "/shared/attempt/stdout",
            "standard_error": "/shared/attempt/stderr",
            "open_mode": ["TRUNCATE"],
            "requeue": False,
            "environment": ["PATH=/usr/local/bin:/usr/bin:/bin"],
            "script": "#!/bin/sh\nexit 0\n",
        }
    }


def test_a_submission_in_the_form_of_22_05(spec: JobSpec) -> None:
    new, old = submission(NEW, spec, Token("a1")), submission(OLD, spec, Token("a1"))

    assert old["script"] == "#!/bin/sh\nexit 0\n"
    same = {key: value for key, value in old["job"].items() if new["job"].get(key) == value}
    assert {key: value for key, value in old["job"].items() if key not in same} == {
        "memory_per_node": 32768,
        "time_limit": 60,
        "gres": "gpu:1",
        "nodes": [1, 1],
        "open_mode": "truncate",
        "environment": {"PATH": "/usr/local/bin:/usr/bin:/bin"},
    }


def test_only_what_is_asked_for_is_sent(spec: JobSpec) -> None:
    bare = replace(spec, account=None, qos=None, gres=None, comment="")

    for dialect in (OLD, NEW):
        job = submission(dialect, bare, Token("a1"))["job"]
        assert not {"account", "qos", "comment", "gres", "tres_per_node"} & set(job)


def test_a_percent_sign_in_a_path_is_kept_from_slurm(spec: JobSpec) -> None:
    odd = replace(spec, stdout=spec.workdir / "100% %j")

    assert submission(NEW, odd, Token("a1"))["job"]["standard_output"].endswith("/100%% %%j")


@pytest.mark.parametrize("release", RELEASES)
def test_an_accepted_job_has_its_id(release: str) -> None:
    answer = recorded_rest("submit-accepted", release)

    submitted = read_submission(answer)

    assert isinstance(submitted, Accepted)
    assert submitted.ref.job_id == str(answer.document["job_id"])


@pytest.mark.parametrize("release", RELEASES)
@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("account", "account"),
        ("partition", "partition"),
        ("partition-option", "partition"),
        ("inactive", "partition"),
        ("qos", "qos"),
        ("time", "resources"),
        ("memory", "resources"),
        ("cpus", "resources"),
        ("gres", "qos_limit"),
        ("gres-elsewhere", "resources"),
        ("comment", "invalid"),
        # Told from a job that is too large by looking at the queue.
        ("queue-full", "qos_limit"),
    ],
)
def test_a_refusal_is_recognised(release: str, name: str, reason: str) -> None:
    refusal = read_submission(recorded_rest(f"submit-refused-{name}", release))

    assert isinstance(refusal, Refused)
    assert refusal.reason == reason


@pytest.mark.parametrize(
    ("release", "reason"),
    [("slurm-22.05", "invalid"), ("slurm-24.11", "resources"), ("slurm-26.05", "resources")],
)
def test_an_unknown_resource_is_refused(release: str, reason: str) -> None:
    refusal = read_submission(recorded_rest("submit-refused-gres-unknown", release))

    assert isinstance(refusal, Refused)
    assert refusal.reason == reason


@pytest.mark.parametrize("release", RELEASES)
@pytest.mark.parametrize("name", ["submit-timed-out", "submit-no-controller"])
def test_a_submission_without_a_clear_answer_is_indeterminate(release: str, name: str) -> None:
    assert isinstance(read_submission(recorded_rest(name, release)), Indeterminate)


REFUSAL = {"error": "Invalid partition name specified"}


@pytest.mark.parametrize(
    ("status", "document"),
    [
        pytest.param(200, {"errors": []}, id="no id"),
        pytest.param(200, {"errors": [], "job_id": 0}, id="id zero"),
        pytest.param(200, {"errors": [], "job_id": True}, id="id true"),
        pytest.param(200, {"errors": [], "job_id": "7"}, id="id as text"),
        pytest.param(200, {"errors": [REFUSAL]}, id="a refusal that was a success"),
        pytest.param(500, {"errors": [REFUSAL], "job_id": 7}, id="a refusal with an id"),
        pytest.param(500, {"errors": [REFUSAL, REFUSAL]}, id="two refusals"),
        pytest.param(500, {"errors": [{"error": "Weather"}]}, id="an unknown sentence"),
        pytest.param(202, {"errors": [], "job_id": 7}, id="another success"),
        pytest.param(200, {"job_id": 7}, id="no list of errors"),
    ],
)
def test_what_is_not_perfectly_clear_is_indeterminate(
    status: int, document: dict[str, object]
) -> None:
    answer = read_submission(Answer(status=status, document=document))

    assert isinstance(answer, Indeterminate)
    assert str(status) in answer.message


@pytest.mark.parametrize("release", RELEASES)
def test_the_queue_is_read(release: str) -> None:
    reports = {report.token: report for report in read_queue(recorded_rest("queue", release), USER)}

    fates = {
        token: (report.outcome, report.exit_code, report.signal)
        for token, report in reports.items()
        if token in FATES
    }
    assert fates == FATES
    assert reports[Token("rec-running")].phase is Phase.RUNNING
    assert reports[Token("rec-running")].ended_at is None
    assert reports[Token("rec-cancelled")].outcome is Outcome.CANCELLED
    never_started = reports[Token("rec-cancelled-waiting")]
    assert (never_started.outcome, never_started.started_at) == (Outcome.CANCELLED, None)
    assert not {token for token in reports if token.startswith("rec-refused")}


@pytest.mark.parametrize("release", RELEASES)
def test_accounting_is_read_about_ends(release: str) -> None:
    answer = recorded_rest("accounting", release)

    reports = read_accounting(answer, TOKENS, USER, dialect_of(release))

    fates = {report.token: (report.outcome, report.exit_code, report.signal) for report in reports}
    expected = dict(FATES)
    if release == "slurm-22.05":
        # Its slurmrestd says 0 for `exit 7`, so it is not believed about exit codes.
        expected |= {
            "rec-completed": (Outcome.COMPLETED, None, None),
            "rec-exit-7": (Outcome.FAILED, None, None),
        }
    assert {token: fate for token, fate in fates.items() if token in FATES} == expected
    assert set(fates) - set(FATES) == {"rec-cancelled", "rec-cancelled-waiting"}


@pytest.mark.parametrize("release", RELEASES)
def test_queue_and_accounting_agree(release: str) -> None:
    dialect = dialect_of(release)
    queue = {report.ref: report for report in read_queue(recorded_rest("queue", release), USER)}
    accounting = read_accounting(recorded_rest("accounting", release), TOKENS, USER, dialect)

    for report in accounting:
        known = queue[report.ref]
        blank = {"raw_reason": "", "exit_code": None, "signal": None}
        # Accounting alone names who has cancelled it.
        blank["raw_state"] = known.raw_state
        assert report.raw_state.partition(" by ")[0] == known.raw_state
        assert replace(report, **blank) == replace(known, **blank)


@pytest.mark.parametrize("release", RELEASES)
def test_another_users_job_is_not_ours(release: str) -> None:
    dialect = dialect_of(release)

    assert read_queue(recorded_rest("queue", release), "somebody") == []
    answer = recorded_rest("accounting", release)
    assert read_accounting(answer, TOKENS, "somebody", dialect) == []
    assert read_accounting(answer, [Token("other")], USER, dialect) == []


@pytest.mark.parametrize("release", RELEASES)
def test_nothing_found_in_accounting_is_an_answer(release: str) -> None:
    answer = recorded_rest("accounting-nothing", release)

    assert read_accounting(answer, TOKENS, USER, dialect_of(release)) == []


@pytest.mark.parametrize("release", RELEASES)
def test_a_broken_cluster_is_unreachable(release: str) -> None:
    dialect = dialect_of(release)
    for name in ("queue-timed-out", "queue-no-controller"):
        with pytest.raises(UnreachableError):
            read_queue(recorded_rest(name, release), USER)
    with pytest.raises(UnreachableError):
        read_accounting(recorded_rest("accounting-down", release), TOKENS, USER, dialect)
    for name in ("ping-timed-out", "ping-no-controller"):
        with pytest.raises(UnreachableError):
            read_ping(recorded_rest(name, release))
    with pytest.raises(UnreachableError):
        read_cancellation(recorded_rest("cancel-timed-out", release))


@pytest.mark.parametrize("release", RELEASES)
@pytest.mark.parametrize("name", ["cancel-alive", "cancel-ended", "cancel-unknown"])
def test_a_cancellation_is_taken_or_too_late(release: str, name: str) -> None:
    read_cancellation(recorded_rest(name, release))


@pytest.mark.parametrize("release", RELEASES)
def test_a_ping_names_the_release(release: str) -> None:
    assert read_ping(recorded_rest("ping", release)).startswith(release.removeprefix("slurm-"))


@pytest.mark.parametrize("release", RELEASES)
@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("job_id", "7"),
        ("job_state", []),
        ("job_state", 3),
        ("exit_code", "0:0"),
        ("start_time", "yesterday"),
        ("start_time", 1e300),
        ("name", None),
    ],
)
def test_one_field_that_is_not_understood_spoils_the_answer(
    release: str, field: str, value: object
) -> None:
    answer = recorded_rest("queue", release)
    jobs = [dict(job) for job in answer.document["jobs"]]
    jobs[3][field] = value
    spoilt = Answer(status=200, document=dict(answer.document) | {"jobs": jobs})
    if field == "name":
        del jobs[3][field]

    with pytest.raises(UnexpectedAnswerError, match="in slurmrestd's answer"):
        read_queue(spoilt, USER)


def test_an_unknown_state_concludes_nothing() -> None:
    answer = recorded_rest("queue")
    jobs = [dict(job) for job in answer.document["jobs"]]
    jobs[0]["job_state"] = ["COMPLETED", "LEVITATING"]

    report = read_queue(Answer(status=200, document={"errors": [], "jobs": jobs}), USER)[0]

    assert (report.phase, report.outcome, report.raw_state) == (
        Phase.UNKNOWN,
        None,
        "COMPLETED+LEVITATING",
    )
