"""The run's script, really run, with a stand-in for Apptainer."""

import os
import signal
import time
from dataclasses import replace
from pathlib import Path, PurePosixPath

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from containers.interface import LOG_LIMIT, SealedRun
from containers.isolation import BRANDS, COUNTERS, HIDDEN
from containers.rundir import read_run, take_claim
from containers.scripts import run_script
from tests.unit.containers.fake_node import FakeNode
from tests.unit.containers.sealed_run import PLAIN_TEXT

WHOLE = {
    "claim",
    "done",
    "exit",
    "image.check",
    "output",
    "probe.json",
    "probe.log",
    "started",
    "stderr.log",
    "stdout.log",
    "versions",
}


def script_of(node: FakeNode, run: SealedRun | None = None) -> str:
    return run_script(run or node.run, token=node.token, directory=PurePosixPath(node.directory))


def counted_together(script: str) -> str:
    """Let the script take the node for one whose kernel counts all of the account's processes together."""
    return script.replace("\nfind_processes\n", "\nprocesses=shared\n")


def wait_for(path: Path) -> None:
    for _ in range(500):
        if path.exists():
            return
        time.sleep(0.02)
    pytest.fail(f"{path} did not appear")


def test_a_good_run_leaves_everything_that_is_promised_and_nothing_else(node: FakeNode) -> None:
    code = node.execute(script_of(node))

    record = read_run(node.directory, node.token)
    assert code == 0
    assert node.names() == WHOLE
    assert (record.started, record.done) == (True, True)
    assert (record.exit_code, record.reason) == (0, None)
    assert (record.claimed, record.claim_token, record.sealed) == (True, node.token, True)
    assert (node.directory / "stdout.log").read_text() == "out\n"
    assert (node.directory / "stderr.log").read_text() == "err\n"
    assert list(node.scratch.iterdir()) == []


@pytest.mark.parametrize(
    ("minimum", "is_new_enough"),
    [("1.4.5", True), ("1.3.10", True), ("1.4.6", False), ("1.10.0", False)],
)
def test_an_older_apptainer_than_the_site_asks_for_runs_nothing(
    node: FakeNode, minimum: str, is_new_enough: bool
) -> None:
    asked = replace(node.run, node=replace(node.node, minimum=minimum))

    lacks = "" if is_new_enough else f"Apptainer 1.4.5 is older than {minimum}"
    code = node.execute(script_of(node, asked), lacks=lacks)

    assert code == (0 if is_new_enough else 74)
    assert (node.directory / "stdout.log").exists() == is_new_enough


def test_where_a_limit_cannot_be_set_nothing_runs(node: FakeNode) -> None:
    beyond_what_the_kernel_knows = replace(node.run, file_size_limit=10**30)

    code = node.execute(script_of(node, beyond_what_the_kernel_knows))

    assert code == 77
    assert read_run(node.directory, node.token).reason == "isolation_unavailable"
    assert (node.directory / "probe.json").read_text() == ""
    assert not (node.directory / "stdout.log").exists()


def test_a_limit_of_the_node_that_is_stricter_holds(node: FakeNode) -> None:
    script = script_of(node).replace("set -u\n", "set -u\nulimit -f 5000\n", 1)

    assert node.execute(script) == 0


def test_versions_and_digests_are_written_down(node: FakeNode) -> None:
    node.execute(script_of(node))

    versions = read_run(node.directory, node.token).versions
    assert versions["apptainer"] == "1.4.5"
    assert versions["kernel"] == os.uname().release
    assert versions["node"] == os.uname().nodename
    assert (node.directory / "image.check").read_text() == (
        f"probe {node.run.probe_sha256} {node.run.probe_sha256} computed\n"
        f"image {node.run.image_sha256} {node.run.image_sha256} computed\n"
    )


def test_nothing_of_the_job_reaches_apptainer(node: FakeNode) -> None:
    node.execute(script_of(node))

    names = set().union(*node.environments())
    assert names - {"_", "PWD", "SHLVL"} == {
        *(f"APPTAINERENV_{brand}_{name}" for brand in BRANDS for name in HIDDEN),
        "APPTAINERENV_SEALRUN_INPUT",
        "APPTAINER_CACHEDIR",
        "APPTAINER_CONFIGDIR",
        "APPTAINER_TMPDIR",
        "LC_ALL",
        "PATH",
    }


def test_the_probe_is_told_the_namespaces_of_the_node(node: FakeNode) -> None:
    node.execute(script_of(node))

    (call,) = node.calls("/probe")
    assert call[call.index("/probe") + 1 :] == [
        "ro:/input",
        "rw:/output",
        "hidden:/sys",
        *(f"hidden:{path}" for path in COUNTERS if Path(path).exists()),
        *(
            f"host:{Path('/proc/self/ns', kind).readlink()}"
            for kind in ("net", "pid", "ipc", "mnt")
        ),
    ]


def test_what_the_kernel_counts_for_the_node_is_hidden_behind_what_never_changes(
    node: FakeNode,
) -> None:
    node.behave("payload", 'cd "$APPTAINER_TMPDIR/../hidden"; cat _proc_stat _proc_meminfo; ls')

    node.execute(script_of(node))

    (call,) = node.calls("/app/predict")
    there = [path for path in COUNTERS if Path(path).exists()]
    pairs = zip(call[call.index("exec") + 1 :: 2], call[call.index("exec") + 2 :: 2], strict=False)
    masked = [place.split(":")[1:] for flag, place in list(pairs)[: len(there)] if flag == "--bind"]
    assert masked == [[path, "ro"] for path in there]
    lines = (node.directory / "stdout.log").read_text().splitlines()
    told = dict(line.split(maxsplit=1) for line in lines if " " in line)
    assert told["cpu"] == "0 0 0 0 0 0 0 0 0 0"
    assert told["ctxt"] == told["processes"] == "0"
    assert told["MemFree:"] == told["MemAvailable:"] == told["MemTotal:"] != "0 kB"
    assert told["Cached:"] == "0 kB"
    assert {path.replace("/", "_") for path in there} <= set(lines)


def test_apptainer_finds_the_filter_and_its_directories(node: FakeNode) -> None:
    node.behave("payload", 'ls "$APPTAINER_TMPDIR/.."; cat "$APPTAINER_TMPDIR/../seccomp.json"')

    node.execute(script_of(node))

    log = (node.directory / "stdout.log").read_text()
    assert log.startswith(
        "cache\nerr\nhidden\nlanguage.sh\nout\nreached\nseccomp.json\nsettings\nsys\ntemporary\nwork\n{"
    )


@pytest.mark.parametrize("code", [1, 7, 74, 77, 255])
def test_the_exit_code_is_the_payloads(node: FakeNode, code: int) -> None:
    node.behave("payload", f"echo working; exit {code}")

    assert node.execute(script_of(node)) == code
    record = read_run(node.directory, node.token)
    assert (record.done, record.exit_code, record.reason) == (True, code, None)


def test_a_second_job_writes_nothing(node: FakeNode) -> None:
    node.execute(script_of(node))
    before = {path.name: path.stat() for path in node.directory.iterdir()}

    assert node.execute(script_of(node)) == 75
    assert {path.name: path.stat() for path in node.directory.iterdir()} == before


def test_a_job_that_the_portal_gave_up_never_runs(node: FakeNode) -> None:
    assert take_claim(node.directory)

    assert node.execute(script_of(node)) == 75
    assert node.names() == {"claim"}
    assert node.calls("exec") == []


def test_the_portal_cannot_give_up_a_job_that_ran(node: FakeNode) -> None:
    node.execute(script_of(node))

    assert not take_claim(node.directory)


def test_without_storage_it_is_the_node_not_the_claim(node: FakeNode) -> None:
    gone = PurePosixPath(node.storage / "gone")

    assert node.execute(run_script(node.run, token="t", directory=gone)) == 74


@pytest.mark.parametrize("which", ["image", "probe_image"])
def test_a_changed_image_is_not_started(node: FakeNode, which: str) -> None:
    script = script_of(node)
    getattr(node, which).write_bytes(b"changed")

    assert node.execute(script) == 76
    record = read_run(node.directory, node.token)
    assert (record.reason, record.done, record.exit_code) == ("image_changed", False, None)
    assert node.calls("exec") == []


def test_a_missing_image_is_the_nodes_fault(node: FakeNode) -> None:
    script = script_of(node)
    node.image.unlink()

    with node.start(script) as process:
        process.communicate(timeout=240)

    assert process.returncode == 74
    assert read_run(node.directory, node.token).reason == "node_unfit"


def test_a_missing_apptainer_is_the_nodes_fault(node: FakeNode) -> None:
    node.apptainer.unlink()

    code = node.execute(script_of(node), lacks=f"{node.apptainer} does not start")

    assert code == 74
    assert read_run(node.directory, node.token).reason == "node_unfit"


@pytest.mark.parametrize(
    "probe",
    [
        pytest.param("echo '{}'; exit 1", id="it saw too much"),
        pytest.param("echo 'FATAL: no namespaces' >&2; exit 255", id="it could not start"),
        pytest.param("kill -KILL $$", id="it was killed"),
    ],
)
def test_without_a_good_probe_the_image_is_not_started(node: FakeNode, probe: str) -> None:
    node.behave("probe", probe)

    assert node.execute(script_of(node)) == 77
    record = read_run(node.directory, node.token)
    assert (record.reason, record.done, record.sealed) == ("isolation_unavailable", False, False)
    assert len(node.calls("exec")) == 1
    assert list(node.scratch.iterdir()) == []


@pytest.mark.parametrize(
    ("payload", "reason"),
    [
        pytest.param("echo 'FATAL:   no such file' >&2; exit 255", "image_start", id="not started"),
        pytest.param("echo FATAL: >&2; echo out; exit 255", None, id="said something"),
        pytest.param("echo FATAL: >&2; exit 1", None, id="another code"),
        pytest.param("echo no FATAL: >&2; exit 255", None, id="another message"),
    ],
)
def test_a_container_that_did_not_start_is_told_apart(
    node: FakeNode, payload: str, reason: str | None
) -> None:
    node.behave("payload", payload)

    code = node.execute(script_of(node))

    record = read_run(node.directory, node.token)
    assert record.reason == reason
    assert (code, record.done) == ((79, False) if reason else (code, True))


def test_logs_are_cut_and_the_writer_is_neither_blocked_nor_killed(node: FakeNode) -> None:
    node.behave(
        "payload",
        "echo begun; head -c 3000000 /dev/zero; head -c 3000000 /dev/zero >&2; echo ended;"
        " touch finished; exit 3",
    )
    node.behave("payload", 'cd "${0%/*}"; ' + (node.programs / "payload").read_text())

    assert node.execute(script_of(node)) == 3
    assert (node.programs / "finished").exists()
    assert (node.directory / "stdout.log").stat().st_size == LOG_LIMIT
    assert (node.directory / "stderr.log").stat().st_size == LOG_LIMIT
    log = (node.directory / "stdout.log").read_bytes().replace(b"\0", b"")
    assert log == b"begun\nended\n"


@pytest.mark.parametrize("length", [LOG_LIMIT // 2 - 1, LOG_LIMIT // 2 + 5_000, LOG_LIMIT - 1])
def test_a_log_that_is_short_enough_is_kept_as_it_is(node: FakeNode, length: int) -> None:
    node.behave("payload", f"seq 1000000 | head -c {length}")

    assert node.execute(script_of(node)) == 0
    log = (node.directory / "stdout.log").read_text()
    whole = "".join(f"{n}\n" for n in range(1, 200_000))
    assert log == whole[:length]


def test_files_have_a_size_limit_and_there_are_no_core_files(node: FakeNode) -> None:
    run = replace(node.run, file_size_limit=8 * 1024)
    node.behave("payload", 'ulimit -f; ulimit -c; head -c 9000 /dev/zero >"${0%/*}/big"')

    code = node.execute(script_of(node, run))

    assert (node.directory / "stdout.log").read_text() == "8\n0\n"
    assert (node.programs / "big").stat().st_size == 8 * 1024
    assert code != 0


def test_the_process_limit_is_the_runs_own_where_the_kernel_counts_apart(node: FakeNode) -> None:
    node.behave("payload", "ulimit -u")

    node.execute(script_of(node, replace(node.run, process_limit=5000)))

    assert (node.directory / "stdout.log").read_text() == "5000\n"
    assert read_run(node.directory, node.token).versions["processes"] == "apart"


def test_elsewhere_it_leaves_room_for_what_the_account_runs_already(node: FakeNode) -> None:
    node.behave("payload", "ulimit -u")

    node.execute(counted_together(script_of(node, replace(node.run, process_limit=5000))))

    assert int((node.directory / "stdout.log").read_text()) > 5000
    assert read_run(node.directory, node.token).versions["processes"] == "shared"


def test_a_node_that_cannot_start_the_command_is_unfit(node: FakeNode) -> None:
    # As when the account has no namespace left after the first look at it.
    script = script_of(node).replace(
        "\ncheck_isolation\n", "\nown_namespace=(false)\ncheck_isolation\n"
    )

    assert node.execute(script) == 74
    assert read_run(node.directory, node.token).reason == "node_unfit"


@pytest.mark.parametrize("processes", ["apart", "shared"])
def test_the_mark_of_the_start_is_there_before_the_container_and_after_the_probe(
    node: FakeNode, processes: str
) -> None:
    look = 'ls "${0%/programs/*}"/it*/run | grep -c -x started; exit 0'
    node.behave("payload", look)
    script = script_of(node)

    node.execute(script if processes == "apart" else counted_together(script))

    assert (node.directory / "stdout.log").read_text() == "1\n"
    assert read_run(node.directory, node.token).started


def test_without_a_good_probe_there_is_no_mark_of_a_start(node: FakeNode) -> None:
    node.behave("probe", "exit 1")

    node.execute(script_of(node))

    assert not read_run(node.directory, node.token).started


@pytest.mark.parametrize(
    ("broken", "reason"),
    [
        pytest.param("own_namespace=(false)", "node_unfit", id="no namespace left"),
        pytest.param("hold_to() { false; }", "isolation_unavailable", id="no limit can be set"),
        pytest.param('mkdir "$scratch/reached"', "node_unfit", id="it cannot be noted"),
    ],
)
def test_a_container_that_was_never_reached_takes_the_mark_back(
    node: FakeNode, broken: str, reason: str
) -> None:
    """The node is at fault, and nothing has read the data: that must not look like the program's doing."""
    node.behave("payload", 'touch "${0%/*}/ran"')
    script = script_of(node).replace("\nmark_start\n", f"\nmark_start\n{broken}\n")

    node.execute(script)

    record = read_run(node.directory, node.token)
    assert not (node.programs / "ran").exists()
    assert (record.reason, record.started) == (reason, False)


def test_a_node_that_cannot_write_the_mark_does_not_start_the_container(node: FakeNode) -> None:
    node.behave("payload", 'touch "${0%/*}/ran"')
    full = 'eval "really_$(declare -f put)"; put() { [[ $1 != started ]] && really_put "$1"; }'
    script = script_of(node).replace("\nmark_start\n", f"\n{full}\nmark_start\n")

    node.execute(script)

    record = read_run(node.directory, node.token)
    assert not (node.programs / "ran").exists()
    assert (record.reason, record.started) == ("node_unfit", False)


def test_the_payload_cannot_signal_the_script(node: FakeNode) -> None:
    node.behave("payload", "echo here; kill -KILL 0")

    assert node.execute(script_of(node)) == 137
    record = read_run(node.directory, node.token)
    assert (record.done, record.exit_code) == (True, 137)


def test_what_is_left_locked_or_setuid_is_tidied(node: FakeNode) -> None:
    output = node.directory / "output"
    node.behave(
        "payload",
        'cd "${0%/programs/*}"/it*/run/output; mkdir locked; touch x; chmod 4777 x; chmod 0 locked',
    )

    node.execute(script_of(node))

    assert (output / "x").stat().st_mode & 0o7777 == 0o700
    assert (output / "locked").stat().st_mode & 0o7777 == 0o700


def test_a_run_over_its_time_is_ended(node: FakeNode) -> None:
    node.behave("payload", 'trap "" TERM; echo started; sleep 60')

    assert node.execute(script_of(node, replace(node.run, time_limit=1))) == 81
    record = read_run(node.directory, node.token)
    assert (record.reason, record.done, record.exit_code) == ("time_limit", False, None)
    assert (node.directory / "stdout.log").read_text() == "started\n"


def test_a_run_within_its_time_leaves_no_clock_behind(node: FakeNode) -> None:
    started = time.monotonic()

    assert node.execute(script_of(node, replace(node.run, time_limit=4321))) == 0
    assert read_run(node.directory, node.token).done
    assert time.monotonic() - started < 60
    assert processes_with("cmdline", b"sleep\x004321\0") == []


def test_an_output_that_grows_over_its_limit_ends_the_run(node: FakeNode) -> None:
    run = replace(node.run, output_limit=64 * 1024)
    node.behave(
        "payload",
        'cd "${0%/programs/*}"/it*/run/output; head -c 100000 /dev/zero >big; sleep 60',
    )

    assert node.execute(script_of(node, run)) == 82
    record = read_run(node.directory, node.token)
    assert (record.reason, record.done) == ("output_limit", False)


def test_an_output_within_its_limit_changes_nothing(node: FakeNode) -> None:
    run = replace(node.run, output_limit=64 * 1024)

    assert node.execute(script_of(node, run)) == 0
    assert read_run(node.directory, node.token).done


def test_a_script_that_is_killed_leaves_no_mark_of_success(node: FakeNode) -> None:
    kill_in_the_middle(node)

    record = read_run(node.directory, node.token)
    assert (record.claimed, record.done) == (True, False)
    assert (record.exit_code, record.reason) == (None, None)


def test_a_job_that_slurm_ends_leaves_no_mark_of_success_and_cleans_up(node: FakeNode) -> None:
    node.behave("payload", 'trap "" TERM; touch "${0%/*}/started"; sleep 60')
    with node.start(script_of(node)) as process:
        wait_for(node.programs / "started")
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=240)

    record = read_run(node.directory, node.token)
    assert process.returncode == 143
    assert (record.done, record.exit_code, record.reason) == (False, None, None)
    assert list(node.scratch.iterdir()) == []
    assert parts_of(node) == []


def test_what_watches_a_run_ends_with_a_script_that_is_killed(node: FakeNode) -> None:
    kill_in_the_middle(node)

    for _ in range(240):
        if not parts_of(node):
            return
        time.sleep(0.5)
    pytest.fail(f"still there: {parts_of(node)}")


def kill_in_the_middle(node: FakeNode) -> None:
    """Kill a script while its container runs, and the stand-in for the container after it."""
    node.behave("payload", 'touch "${0%/*}/started"; sleep 60')
    with node.start(script_of(node)) as process:
        wait_for(node.programs / "started")
        process.kill()
        # The stand-in is found by the run's own scratch directory.
        for pid in processes_with("environ", f"APPTAINER_TMPDIR={node.scratch}".encode()):
            os.kill(pid, signal.SIGKILL)


def parts_of(node: FakeNode) -> list[int]:
    """Return the processes of the node's script that are there."""
    return processes_with("cmdline", bytes(node.storage / "script"))


def processes_with(kind: str, wanted: bytes) -> list[int]:
    """Return the processes with something in their ``cmdline`` or their ``environ``."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            content = (process / kind).read_bytes()
        except OSError:
            continue
        if wanted in content:
            found.append(int(process.name))
    return found


@settings(
    max_examples=8,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(arguments=st.lists(PLAIN_TEXT, max_size=4))
def test_arguments_arrive_as_they_were_given(
    tmp_path_factory: pytest.TempPathFactory, arguments: list[str]
) -> None:
    node = FakeNode(tmp_path_factory.mktemp("node"))
    run = replace(node.run, argv=("/p", *arguments))

    assert node.execute(script_of(node, run)) == 0
    assert node.calls("/p")[0][-len(arguments) - 1 :] == ["/p", *arguments]


def test_what_the_data_looks_like_is_written_down_before_the_image_starts(
    node: FakeNode, tmp_path: Path
) -> None:
    data = tmp_path / "da ta"
    data.mkdir()
    (data / "cells.csv").write_text("1\n")
    node.behave("payload", f"touch '{data}/late'")
    run = replace(node.run, data=(PurePosixPath(data),))

    node.execute(script_of(node, run))
    before = read_run(node.directory, node.token).data
    again = FakeNode(tmp_path / "again")
    again.execute(script_of(again, replace(again.run, data=run.data)))
    after = read_run(again.directory, again.token).data

    assert len(before) == len(after) == 1
    assert before != after


def test_data_that_is_not_there_is_the_nodes_fault(node: FakeNode, tmp_path: Path) -> None:
    run = replace(node.run, data=(PurePosixPath(tmp_path / "nowhere"),))

    lacks = f"the directory {tmp_path / 'nowhere'} cannot be read whole"
    code = node.execute(script_of(node, run), lacks=lacks)

    assert code == 74
    assert not (node.directory / "stdout.log").exists()
