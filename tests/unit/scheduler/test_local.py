import sys
import time
from datetime import timedelta
from pathlib import Path

import pytest

from scheduler.errors import AnswerTooLongError, TransportDownError, TransportTimeoutError
from scheduler.local import LocalTransport
from scheduler.transport import Finished

SOON, LATER = timedelta(seconds=0.5), timedelta(seconds=20)


def test_output_and_exit_code_come_back() -> None:
    answer = LocalTransport().run(["sh", "-c", "echo out; echo err >&2; exit 3"], timeout=LATER)

    assert answer == Finished(returncode=3, stdout=b"out\n", stderr=b"err\n")


def test_arguments_arrive_unchanged() -> None:
    odd = ["a b", "$HOME", "'\"", "--wrap=id", "", "*", "x;y", "ä\n"]

    answer = LocalTransport().run(["printf", "%s|", *odd], timeout=LATER)

    assert answer.stdout.decode() == "|".join([*odd, ""])


def test_only_path_is_in_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECRET", "leaked")

    answer = LocalTransport(path="/usr/bin:/bin").run(["env"], timeout=LATER)

    assert answer.stdout == b"PATH=/usr/bin:/bin\n"


def test_the_way_to_slurm_conf_can_be_given() -> None:
    transport = LocalTransport(path="/bin:/usr/bin", slurm_conf=Path("/etc/site/slurm.conf"))

    answer = transport.run(["env"], timeout=LATER)

    assert set(answer.stdout.decode().split()) == {
        "PATH=/bin:/usr/bin",
        "SLURM_CONF=/etc/site/slurm.conf",
    }


@pytest.mark.parametrize("size", [0, 1, 100_000, 5_000_000])
def test_input_of_any_size_is_handed_over(size: int) -> None:
    answer = LocalTransport().run(["cat"], stdin=b"x" * size, timeout=LATER)

    assert answer.stdout == b"x" * size


def test_a_program_that_reads_nothing_is_no_error() -> None:
    answer = LocalTransport().run(["true"], stdin=b"x" * 1_000_000, timeout=LATER)

    assert answer.returncode == 0


def test_a_time_out_kills_the_whole_process_group(tmp_path: Path) -> None:
    mark = tmp_path / "late"
    script = f"(sleep 1; touch {mark}) & sleep 60"

    with pytest.raises(TransportTimeoutError):
        LocalTransport().run(["sh", "-c", script], timeout=SOON)

    time.sleep(1)
    assert not mark.exists()


def test_a_program_that_talks_for_ever_is_timed_out() -> None:
    script = "import time\nwhile True: print('x', flush=True); time.sleep(0.01)"

    with pytest.raises(TransportTimeoutError):
        LocalTransport(path=str(Path(sys.executable).parent)).run(
            ["python", "-c", script], timeout=timedelta(seconds=1)
        )


def test_too_much_output_is_an_error() -> None:
    with pytest.raises(AnswerTooLongError):
        LocalTransport(max_output=100_000).run(["yes"], timeout=LATER)


def test_a_missing_program_is_an_error() -> None:
    with pytest.raises(TransportDownError, match="cannot start no-such-program"):
        LocalTransport().run(["no-such-program"], timeout=LATER)


def test_a_signal_is_a_negative_exit_code() -> None:
    assert LocalTransport().run(["sh", "-c", "kill -9 $$"], timeout=LATER).returncode == -9
