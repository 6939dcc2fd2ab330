"""Builds and sealed runs with real Slurm and real Apptainer."""

import gzip
import json
import os
import platform
import shlex
import tarfile
import textwrap
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path, PurePosixPath
from typing import Any

import pytest

from containers.interface import BuildKind
from containers.isolation import BRANDS, HIDDEN
from containers.probe import parse_probe, write_probe_archive
from containers.rundir import read_log
from containers.scripts import run_script
from containers.sif import read_sif
from portal.files.images.inspection import inspect_image, inspect_layers
from scheduler.interface import Outcome
from tests.cluster.archive_forms import (
    as_oci,
    by_gzip,
    with_both_layouts,
    with_compressed_layer,
    with_inner_index,
    with_platforms_in_the_index,
    with_two_docker_images,
    with_variables,
    with_zstd_layer,
)
from tests.support.cluster.node import Ended, PracticeNode, new_token
from tests.support.cluster.python_image import PYTHON, write_python_archive
from tests.support.required import required

pytestmark = [pytest.mark.cluster, pytest.mark.slow]

BUSYBOX = Path("/bin/busybox")


@pytest.fixture(scope="module")
def node(practice_site: dict[str, Any]) -> Iterator[PracticeNode]:
    required("Debian's busybox-static", BUSYBOX.exists())
    node = PracticeNode(practice_site)
    node.build_probe(BUSYBOX)
    yield node
    node.close()


@pytest.fixture(scope="module")
def python(node: PracticeNode) -> Path:
    archive = node.file("python.tar")
    write_python_archive(BUSYBOX, archive)
    return image_of(node.build(BuildKind.ARCHIVE, archive))


def image_of(built: Ended) -> Path:
    assert built.record.done, read_log(built.directory, "stderr.log") or built.record
    assert built.report.outcome is Outcome.COMPLETED
    return built.directory / "image.sif"


def run_python(
    node: PracticeNode, image: Path, code: str, *, gres: str | None = None, **changes: object
) -> Ended:
    directory = node.new_directory("run")
    argv = (PYTHON, "-c", textwrap.dedent(code))
    run = replace(node.sealed(image, argv, directory), **changes)
    return node.run(run, directory, gres=gres)


def test_the_probes_image_is_built_without_network(node: PracticeNode) -> None:
    assert read_sif(node.probe_image).architecture == "amd64"


@pytest.mark.parametrize("form", [by_gzip, with_compressed_layer, with_zstd_layer, as_oci])
def test_other_forms_of_archives_are_built(
    node: PracticeNode, tmp_path: Path, form: Callable[[Path, Path], None]
) -> None:
    write_probe_archive(BUSYBOX, tmp_path / "probe.tar")
    archive = node.file("another form")
    form(tmp_path / "probe.tar", archive)
    image = image_of(node.build(BuildKind.ARCHIVE, archive))
    directory = node.new_directory("run")

    ended = node.run(node.sealed(image, ("/probe",), directory), directory)

    assert parse_probe(ended.stdout).interfaces == ("lo",)


@pytest.mark.parametrize("pack", [bytes, gzip.compress], ids=["plain", "gzip"])
@pytest.mark.parametrize(
    "form",
    [
        with_inner_index,
        with_platforms_in_the_index,
        with_both_layouts,
        with_two_docker_images,
    ],
)
def test_of_several_images_the_one_that_was_looked_at_is_built(
    node: PracticeNode,
    tmp_path: Path,
    form: Callable[[Path, Path], None],
    pack: Callable[[bytes], bytes],
) -> None:
    write_probe_archive(BUSYBOX, tmp_path / "probe.tar", architecture="amd64")
    archive = node.file("several images")
    form(tmp_path / "probe.tar", archive)
    archive.write_bytes(pack(archive.read_bytes()))
    found = inspect_image(archive)
    inspect_layers(archive)
    assert found.chosen
    built = node.build(BuildKind.ARCHIVE, archive, layout=found.layout, chosen=found.chosen)
    directory = node.new_directory("run")

    # The image for another processor has no program at all.
    ended = node.run(node.sealed(image_of(built), ("/probe",), directory), directory)

    assert parse_probe(ended.stdout).interfaces == ("lo",)


def test_a_built_image_is_taken_over_as_a_sif(node: PracticeNode) -> None:
    taken = node.build(BuildKind.SIF, node.probe_image)

    assert image_of(taken).read_bytes() == node.probe_image.read_bytes()
    assert (taken.record.exit_code, taken.record.reason) == (0, None)


@pytest.mark.parametrize("kind", [BuildKind.SIF, BuildKind.ARCHIVE])
def test_garbage_is_refused(node: PracticeNode, kind: BuildKind) -> None:
    refused = node.build(kind, node.file("garbage", os.urandom(10_000)))

    assert (refused.report.outcome, refused.report.exit_code) == (Outcome.FAILED, 78)
    assert (refused.record.reason, refused.record.done) == ("build_failed", False)
    assert not (refused.directory / "image.sif").exists()


def test_a_cut_image_is_refused(node: PracticeNode) -> None:
    whole = node.probe_image.read_bytes()

    refused = node.build(BuildKind.SIF, node.file("cut", whole[:20_000]))

    assert refused.record.reason == "build_failed"


def test_code_runs_over_its_base(node: PracticeNode, python: Path, tmp_path: Path) -> None:
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / ".weights").write_text("42")
    program = tmp_path / "predict"
    program.write_text(
        "#!/bin/sh\necho code; busybox cat /submission/model/.weights /input/cells.txt >/output/out\n"
    )
    program.chmod(0o700)
    source = node.file("code.tar")
    with tarfile.open(source, "w") as archive:
        archive.add(tmp_path, arcname=".")
    image = image_of(node.build(BuildKind.CODE, source, base=python))
    directory = node.new_directory("run")

    ended = node.run(node.sealed(image, ("/submission/predict",), directory), directory)

    assert ended.stdout == "code\n"
    assert (ended.report.outcome, ended.record.done) == (Outcome.COMPLETED, True)
    assert (directory / "output" / "out").read_text() == "42private\n"


def test_the_probe_sees_a_sealed_node(node: PracticeNode) -> None:
    directory = node.new_directory("run")
    run = node.sealed(node.probe_image, ("/probe", "ro:/input", "rw:/output"), directory)

    ended = node.run(replace(run, gpu=True), directory, gres="gpu:1")

    probe = parse_probe((directory / "probe.json").read_text())
    assert ended.record.sealed
    assert (probe.interfaces, probe.routes) == (("lo",), 0)
    assert set(probe.capabilities.values()) == {"0" * 16}
    assert (probe.no_new_privs, probe.seccomp) == (1, 2)
    assert [(bind.mounted, bind.error) for bind in probe.binds] == [
        ("ro", "Read-only file system"),
        ("rw", ""),
    ]
    # The one that Slurm gave has no driver here; the other one is forbidden.
    devices = [probe.devices[name] for name in ("nvidia0", "nvidia1")]
    assert sorted(devices) == ["No such device or address", "Operation not permitted"]
    assert list((directory / "output").iterdir()) == []


def test_the_payload_sees_what_the_probe_saw(node: PracticeNode) -> None:
    directory = node.new_directory("run")
    run = node.sealed(node.probe_image, ("/probe", "ro:/input", "rw:/output"), directory)

    ended = node.run(run, directory)

    # As a payload it is not shown the node's namespaces, so that it cannot compare them.
    seen = parse_probe(ended.stdout)
    before = parse_probe((directory / "probe.json").read_text())
    assert set(seen.problems) == {"namespace_unknown"}
    assert replace(seen, problems=(), namespaces={}) == replace(before, namespaces={})


def test_a_run_without_a_gpu_sees_none(node: PracticeNode, python: Path) -> None:
    ended = run_python(
        node, python, "import os; print([n for n in os.listdir('/dev') if 'nv' in n])"
    )

    assert ended.stdout == "[]\n"


def test_the_jobs_environment_stays_outside(node: PracticeNode, python: Path) -> None:
    directory = node.new_directory("run")
    code = "import json, os; print(json.dumps([dict(os.environ), os.listdir('/')]))"
    run = replace(
        node.sealed(python, (PYTHON, "-c", code), directory),
        environment={"SEALRUN_TASK": "a,b 'c' \"d\" $HOME `id`\n\\ü", "SEALRUN_PHASE": ""},
    )
    inner = run_script(run, token="planted", directory=PurePosixPath(directory))
    (directory / "inner").write_text(inner)
    script = f"""#!/bin/bash
        mkdir -p "$HOME" 2>/dev/null
        export SECRET=canary http_proxy=canary https_proxy=canary TERM=canary LD_PRELOAD=
        export APPTAINER_BIND=/etc:/planted APPTAINERENV_PLANTED=canary APPTAINER_NETWORK=bridge
        export SINGULARITY_BIND=/etc:/planted SINGULARITYENV_PLANTED=canary APPTAINER_NO_MOUNT=tmp
        export APPTAINER_KEEP_PRIVS=1 APPTAINER_ADD_CAPS=all APPTAINER_WRITABLE_TMPFS=1
        exec /bin/bash {shlex.quote(str(directory / "inner"))}
    """

    ended = node.execute(script, new_token(), directory, partition="gpu")

    environment, root = json.loads(ended.stdout)
    assert "canary" not in environment.values()
    assert "planted" not in root
    assert environment["SEALRUN_TASK"] == run.environment["SEALRUN_TASK"]
    assert environment["SEALRUN_PHASE"] == ""
    assert environment["HOME"] == "/tmp"  # noqa: S108 - the container's own
    own = {name for name in environment if not name.startswith(("APPTAINER_", "SINGULARITY_"))}
    assert own == {
        "HOME",
        "LANG",
        "LC_ALL",
        "LD_LIBRARY_PATH",
        "PATH",
        "PROMPT_COMMAND",
        "PS1",
        "PWD",
        "SEALRUN_PHASE",
        "SEALRUN_TASK",
    } - ({"LC_ALL"} if "LC_ALL" not in environment else set())


@pytest.mark.parametrize("kind", [BuildKind.ARCHIVE, BuildKind.SIF, BuildKind.CODE])
@pytest.mark.parametrize(
    ("variables", "seen"),
    [
        pytest.param((), {"LANG": "C.UTF-8"}, id="nothing"),
        pytest.param(
            ("LANG=de_DE.ISO-8859-1",), {"LANG": "de_DE.ISO-8859-1"}, id="another language"
        ),
        pytest.param(("LANG=C",), {"LANG": "C"}, id="C itself"),
        pytest.param(("LC_ALL=POSIX",), {"LANG": "C.UTF-8", "LC_ALL": "POSIX"}, id="LC_ALL"),
    ],
)
def test_the_language_is_the_images_or_else_has_all_letters(
    node: PracticeNode,
    tmp_path: Path,
    kind: BuildKind,
    variables: tuple[str, ...],
    seen: dict[str, str],
) -> None:
    write_probe_archive(BUSYBOX, tmp_path / "probe.tar")
    archive = node.file("with variables.tar")
    with_variables(tmp_path / "probe.tar", archive, (*variables, "OF_THE_IMAGE=1"))
    image = image_of(node.build(BuildKind.ARCHIVE, archive))
    if kind is BuildKind.SIF:
        image = image_of(node.build(kind, image))
    elif kind is BuildKind.CODE:
        source = node.file("code.tar")
        with tarfile.open(source, "w") as code:
            code.addfile(tarfile.TarInfo("empty"))
        image = image_of(node.build(kind, source, base=image))
    directory = node.new_directory("run")
    run = node.sealed(image, ("/bin/env",), directory)

    ended = node.run(replace(run, environment={"SEALRUN_TASK": "a"}), directory)

    told = dict(line.partition("=")[::2] for line in ended.stdout.splitlines())
    assert {name: told[name] for name in told if name.startswith(("LANG", "LC_"))} == seen
    # What the image and the run set stays as it is.
    assert (told["OF_THE_IMAGE"], told["SEALRUN_TASK"]) == ("1", "a")


def test_the_user_has_the_name_of_the_account_and_a_home_of_its_own(
    node: PracticeNode, practice_site: dict[str, Any]
) -> None:
    directory = node.new_directory("run")
    program = ("/bin/sh", "-c", "cat /etc/passwd; env")

    ended = node.run(node.sealed(node.probe_image, program, directory), directory)

    line, *variables = ended.stdout.splitlines()
    name, _, user, _, _, home, _ = line.split(":")
    account = practice_site["clusters"]["main"]["connect"]["ssh"]["user"]
    told = dict(line.partition("=")[::2] for line in variables)
    assert (name, int(user), home) == (account, Path(node.folder).stat().st_uid, "/tmp")  # noqa: S108
    assert told["HOME"] == "/tmp"  # noqa: S108 - the container's own
    assert not {"USER", "LOGNAME"} & told.keys()


def test_the_input_and_the_image_cannot_be_written(node: PracticeNode, python: Path) -> None:
    ended = run_python(
        node,
        python,
        """
        import errno, os
        for path in ("/input/cells.txt", "/input/new", "/new", "/bin/new", "/output/new", "/tmp/new"):
            try:
                open(path, "a").close()
                print(path, "written")
            except OSError as error:
                print(path, errno.errorcode[error.errno])
        """,
    )

    assert ended.stdout.splitlines() == [
        "/input/cells.txt EROFS",
        "/input/new EROFS",
        "/new EROFS",
        "/bin/new EROFS",
        "/output/new written",
        "/tmp/new written",  # noqa: S108 - the container's own
    ]
    assert (node.folder / "data" / "cells.txt").read_text() == "private\n"


def test_threads_and_processes_work_under_the_filter(node: PracticeNode, python: Path) -> None:
    ended = run_python(
        node,
        python,
        """
        import concurrent.futures, multiprocessing, subprocess, threading
        thread = threading.Thread(target=print, args=("thread",))
        thread.start(); thread.join()
        with concurrent.futures.ProcessPoolExecutor(2) as pool:
            print(list(pool.map(abs, [-1, -2])))
        print(subprocess.run(["/bin/busybox", "echo", "child"], capture_output=True).stdout)
        """,
    )

    assert ended.stdout == "thread\n[1, 2]\nb'child\\n'\n"


def test_the_filter_leaves_out_what_it_says(node: PracticeNode, python: Path) -> None:
    ended = run_python(
        node,
        python,
        """
        import ctypes, errno, socket
        libc = ctypes.CDLL(None, use_errno=True)
        calls = {
            "mount": (165, 0, 0, 0, 0, 0), "unshare": (272, 0x10000000), "ptrace": (101, 0),
            "clone into a user namespace": (56, 0x10000011, 0, 0, 0, 0), "clone3": (435, 0, 0),
            "a filter with a supervisor": (317, 1, 8, 0), "a call of tomorrow": (9999,),
            "setns": (308, 0, 0), "bpf": (321, 0), "io_uring_setup": (425, 1, 0),
            "userfaultfd": (323, 0), "keyctl": (250, 0), "perf_event_open": (298, 0),
        }
        for name, call in calls.items():
            libc.syscall(*call)
            print(name, errno.errorcode[ctypes.get_errno()])
        opened = []
        for family in range(46):
            try:
                socket.socket(family, socket.SOCK_RAW if family == 16 else socket.SOCK_DGRAM).close()
                opened.append(family)
            except OSError:
                pass
        print("families", opened)
        """,
    )

    *calls, families = ended.stdout.splitlines()
    answers = dict(line.rsplit(" ", 1) for line in calls)
    absent = {name for name, answer in answers.items() if answer == "ENOSYS"}
    assert len(answers) == 13
    assert absent == {"clone3", "a call of tomorrow"}
    assert set(answers.values()) == {"ENOSYS", "EPERM"}
    assert families == "families [1, 2, 10, 16]"


def test_system_calls_by_the_32_bit_door_are_not_let_in(node: PracticeNode, python: Path) -> None:
    required("an x86 machine", platform.machine() == "x86_64")
    ended = run_python(
        node,
        python,
        """
        import ctypes, mmap, os
        # mov eax, 20 (getpid of the 32-bit table); int 0x80; ret
        code = bytes.fromhex("b814000000cd80c3")
        memory = mmap.mmap(-1, 4096, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)
        memory.write(code)
        address = ctypes.addressof(ctypes.c_char.from_buffer(memory))
        child = os.fork()
        if child == 0:
            ctypes.CFUNCTYPE(ctypes.c_int)(address)()
            os._exit(0)
        print(os.WIFSIGNALED(os.waitpid(child, 0)[1]))
        """,
    )

    assert ended.stdout == "True\n"


def test_the_argument_list_arrives_as_it_was_given(node: PracticeNode, python: Path) -> None:
    odd = (
        "",
        " a  b ",
        "it's",
        '"',
        "$HOME `id` $(id) \\",
        "*",
        "--help",
        "-",
        "ü\n",
        "a,b;c&d|e<f>",
    )
    directory = node.new_directory("run")
    argv = (PYTHON, "-c", "import json, sys; print(json.dumps(sys.argv[1:]))", *odd)

    ended = node.run(node.sealed(python, argv, directory), directory)

    assert tuple(json.loads(ended.stdout)) == odd


def test_a_changed_image_is_not_started(node: PracticeNode) -> None:
    directory = node.new_directory("run")
    run = replace(node.sealed(node.probe_image, ("/probe",), directory), image_sha256="0" * 64)

    ended = node.run(run, directory)

    assert (ended.report.outcome, ended.report.exit_code) == (Outcome.FAILED, 76)
    assert ended.record.reason == "image_changed"
    assert not (directory / "stdout.log").exists()


def test_a_program_that_is_not_there_is_told_apart(node: PracticeNode, python: Path) -> None:
    directory = node.new_directory("run")

    ended = node.run(node.sealed(python, ("/app/predict",), directory), directory)

    assert (ended.record.reason, ended.record.exit_code) == ("image_start", None)
    assert ended.report.exit_code == 79


def test_an_image_for_another_machine_is_told_apart(node: PracticeNode, tmp_path: Path) -> None:
    archive = node.file("broken.tar")
    fake = tmp_path / "busybox"
    fake.write_bytes(b"\x7fELF" + bytes(200))
    write_probe_archive(fake, archive)
    image = image_of(node.build(BuildKind.ARCHIVE, archive))
    directory = node.new_directory("run")

    ended = node.run(node.sealed(image, ("/probe",), directory), directory)

    assert ended.record.reason == "image_start"


@pytest.mark.parametrize("code", [1, 7, 77, 255])
def test_exit_codes_are_the_payloads(node: PracticeNode, python: Path, code: int) -> None:
    ended = run_python(node, python, f"import sys; print('out'); sys.exit({code})")

    assert (ended.record.exit_code, ended.record.reason, ended.record.done) == (code, None, True)
    assert (ended.report.outcome, ended.report.exit_code) == (Outcome.FAILED, code)


def test_a_payload_cannot_signal_its_script(node: PracticeNode, python: Path) -> None:
    ended = run_python(node, python, "import os; print('here', flush=True); os.kill(0, 9)")

    assert ended.record.done
    assert ended.record.exit_code == 137


def test_a_run_over_its_time_is_ended_to_the_second(node: PracticeNode, python: Path) -> None:
    ended = run_python(
        node,
        python,
        "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(60)",
        time_limit=2,
    )

    assert (ended.record.reason, ended.record.done) == ("time_limit", False)
    assert ended.report.exit_code == 81
    assert ended.report.ended_at - ended.report.started_at < timedelta(seconds=40)


def test_a_job_that_is_cancelled_leaves_no_mark_of_success(
    node: PracticeNode, python: Path
) -> None:
    directory, token = node.new_directory("run"), new_token()
    code = "import time; open('/output/started', 'w'); time.sleep(60)"
    run = node.sealed(python, (PYTHON, "-c", code), directory)
    script = run_script(run, token=token, directory=PurePosixPath(directory))
    started = directory / "output" / "started"

    ended = node.execute(script, token, directory, partition="gpu", cancel_when=started)

    assert ended.report.outcome is Outcome.CANCELLED
    assert (ended.record.claimed, ended.record.done) == (True, False)
    assert (ended.record.exit_code, ended.record.reason) == (None, None)


def test_an_output_over_its_limit_ends_the_run(node: PracticeNode, python: Path) -> None:
    ended = run_python(
        node,
        python,
        "import time; open('big', 'wb').write(bytes(3_000_000)); time.sleep(60)",
        output_limit=1024 * 1024,
        disk="watched",
    )

    assert (ended.record.reason, ended.record.done) == ("output_limit", False)
    assert ended.report.exit_code == 82


def test_an_output_has_as_much_room_as_its_limit_and_no_more(
    node: PracticeNode, python: Path
) -> None:
    limits = {"output_limit": 4 * 1024 * 1024, "output_files": 100, "disk": "fixed"}

    fits, fails = (
        run_python(node, python, f"open('big', 'wb').write(bytes({size}))", **limits)
        for size in (4_000_000, 6_000_000)
    )

    assert (fits.record.exit_code, fits.record.done) == (0, True)
    assert (fits.directory / "output/big").stat().st_size == 4_000_000
    assert fits.record.versions["space"] == "fixed"
    assert (fails.record.reason, fails.record.done) == ("output_limit", False)


def test_a_container_cannot_leave_scratch_behind(node: PracticeNode, python: Path) -> None:
    ended = run_python(
        node, python, "import os; os.makedirs('/tmp/a/b'); os.chmod('/tmp/a', 0); print('ok')"
    )

    assert (ended.stdout, ended.record.done) == ("ok\n", True)


def test_an_input_with_something_writable_below_is_refused(node: PracticeNode) -> None:
    directory = node.new_directory("run")
    run = node.sealed(node.probe_image, ("/probe",), directory)
    (data,) = (bind.source for bind in run.binds if not bind.writable)
    script = run_script(run, token="below", directory=PurePosixPath(directory))
    (directory / "inner").write_text(script)
    # A file system of the node that is mounted below the data stays writable under a read-only bind.
    mount = 'mkdir -p "$1/below" && mount -t tmpfs none "$1/below" && exec /bin/bash "$2"'
    words = ("unshare", "--user", "--map-root-user", "--mount", "bash", "-c", mount, "bash")
    command = shlex.join([*words, str(data), str(directory / "inner")])

    ended = node.execute(f"#!/bin/bash\n{command}\n", new_token(), directory, partition="gpu")

    (data_below := Path(data) / "below").exists() and data_below.rmdir()
    assert ended.report.exit_code == 77
    assert ended.record.reason == "isolation_unavailable"
    assert "writable_input" in ended.record.probe["problems"]


def test_inside_no_core_is_written_and_no_path_of_the_node_is_in_the_environment(
    node: PracticeNode, python: Path
) -> None:
    directory = node.new_directory("run")
    program = "ulimit -c; ulimit -H -c; busybox env; cd /output; kill -SEGV $$"

    ended = node.run(
        node.sealed(python, ("/bin/busybox", "sh", "-c", program), directory), directory
    )

    soft, hard, *variables = ended.stdout.splitlines()
    told = dict(line.partition("=")[::2] for line in variables)
    assert (soft, hard) == ("0", "0")
    assert ended.record.exit_code != 0
    assert list((directory / "output").iterdir()) == []
    assert {name: told[f"{brand}_{name}"] for brand in BRANDS for name in HIDDEN} == dict.fromkeys(
        HIDDEN, ""
    )
    assert str(node.folder) not in ended.stdout
