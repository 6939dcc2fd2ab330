import pytest

from scheduler.commands.sbatch import read_sbatch
from scheduler.interface import Refused
from scheduler.slurm.refusals import MESSAGES, read_refusal
from tests.support.recordings.answers import RELEASES, recorded

VIOLATION = (
    "sbatch: error: Batch job submission failed: Job violates accounting/QOS policy"
    " (job submit limit, user's size and/or time limits)"
)
TIMED_OUT = "sbatch: error: Batch job submission failed: Socket timed out on send/recv operation"


@pytest.mark.parametrize("release", RELEASES)
@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("account", "account"),
        ("partition", "partition"),
        ("partition-option", "partition"),
        ("qos", "qos"),
        ("time", "resources"),
        ("memory", "resources"),
        ("cpus", "resources"),
        ("gres", "resources"),
        ("gres-unknown", "invalid"),
        ("gres-elsewhere", "resources"),
        ("comment", "invalid"),
    ],
)
def test_what_slurm_refuses_is_recognised(release: str, name: str, reason: str) -> None:
    answer = recorded(f"sbatch-refused-{name}", release)

    assert read_sbatch(answer) == Refused(reason=reason, message=answer.stderr.decode().strip())


@pytest.mark.parametrize("release", RELEASES)
@pytest.mark.parametrize(
    ("name", "reason"), [("queue-full", "queue_full"), ("inactive", "partition")]
)
def test_what_a_site_forbids_for_a_while_is_recognised(
    release: str, name: str, reason: str
) -> None:
    refusal = read_sbatch(recorded(f"sbatch-refused-{name}", release))

    assert isinstance(refusal, Refused)
    assert refusal.reason == reason


@pytest.mark.parametrize(
    ("detail", "reason", "is_temporary"),
    [
        ("QOSMaxGRESPerJob", "qos_limit", False),
        ("QOSMaxWallDurationPerJobLimit", "qos_limit", False),
        ("QOSMaxSubmitJobPerUserLimit", "queue_full", True),
        ("AssocMaxSubmitJobLimit", "queue_full", True),
        ("QOSGrpSubmitJobsLimit", "queue_full", True),
        ("MaxSubmitJobsPerAccount", "queue_full", True),
    ],
)
def test_only_a_full_queue_passes_with_time(detail: str, reason: str, is_temporary: bool) -> None:
    refusal = read_refusal(f"sbatch: error: {detail}\n{VIOLATION}")

    assert refusal is not None
    assert (refusal.reason, refusal.is_temporary) == (reason, is_temporary)


def test_a_violation_without_detail_is_a_limit() -> None:
    assert read_refusal(VIOLATION) == Refused(reason="qos_limit", message=VIOLATION)


@pytest.mark.parametrize(
    "words",
    [
        "sbatch: error: Invalid --time specification",
        "sbatch: unrecognized option '--wibble'\nTry \"sbatch --help\" for more information",
        'sbatch: error: Invalid numeric value "0" for --cpus-per-task.',
        "sbatch: error: Batch script is empty!",
    ],
)
def test_what_sbatch_itself_refuses_is_invalid(words: str) -> None:
    refusal = read_refusal(words)

    assert refusal is not None
    assert refusal.reason == "invalid"


@pytest.mark.parametrize(
    "words",
    [
        pytest.param("", id="silence"),
        pytest.param(TIMED_OUT, id="timed out"),
        pytest.param(
            "sbatch: error: Batch job submission failed: Unable to contact slurm controller"
            " (connect failure)",
            id="no controller",
        ),
        pytest.param(
            "sbatch: error: Batch job submission failed: Unspecified error", id="a site's plugin"
        ),
        pytest.param(f"{VIOLATION}\n{TIMED_OUT}", id="two sentences"),
        pytest.param(
            f"sbatch: error: Invalid --time specification\n{TIMED_OUT}", id="local and timed out"
        ),
        pytest.param("Invalid qos specification", id="a bare sentence"),
        pytest.param(
            "sbatch: error: Batch job submission failed: Invalid qos specification, perhaps",
            id="a longer sentence",
        ),
    ],
)
def test_nothing_else_is_a_refusal(words: str) -> None:
    assert read_refusal(words) is None


def test_every_code_is_documented() -> None:
    assert Refused.__doc__ is not None
    assert all(f"``{code}``" in Refused.__doc__ for code in {*MESSAGES.values(), "queue_full"})
