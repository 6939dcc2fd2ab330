"""Programs that take too much of their node, or try to stay on it."""

import sys
import textwrap
from dataclasses import replace
from pathlib import Path

import pytest

from containers.archives import Entry
from containers.interface import LOG_LIMIT, BuildKind
from containers.probe import parse_probe
from tests.attacks.cluster.scenes.images import BUSYBOX, image_of
from tests.support.cluster.inside import Inside
from tests.support.cluster.node import Ended, PracticeNode
from tests.support.cluster.python_image import PYTHON, write_python_archive

pytestmark = [pytest.mark.cluster, pytest.mark.root]

MEBIBYTE = 1024 * 1024


def run_python(node: PracticeNode, image: Path, code: str, **changes: object) -> Ended:
    directory = node.new_directory("run")
    run = node.sealed(image, (PYTHON, "-c", textwrap.dedent(code)), directory)
    return node.run(replace(run, **changes), directory)


BOMB = """
    import os, time
    made = 0
    try:
        while made < 300:
            if os.fork() == 0:
                time.sleep(60)
            made += 1
    except OSError:
        pass
    print(made, flush=True)
    os._exit(0)
"""


@pytest.mark.attack(20)
def test_a_fork_bomb_meets_its_limit_and_the_node_goes_on(
    node: PracticeNode, python: Path, inside: Inside
) -> None:
    free = run_python(node, python, BOMB, process_limit=2000)
    ended = run_python(node, python, BOMB, process_limit=200)
    after = inside.job("echo here", "--partition=gpu", "--mem=50M")

    assert int(free.stdout) == 300
    assert 100 < int(ended.stdout) < 200
    assert (after.state, after.output) == ("COMPLETED", "here\n")


@pytest.mark.attack(22)
def test_a_file_without_end_is_cut_off(node: PracticeNode, python: Path) -> None:
    code = "open('big', 'wb').write(bytes(3_000_000))"

    free = run_python(node, python, code)
    ended = run_python(node, python, code, file_size_limit=MEBIBYTE)

    assert (free.directory / "output/big").stat().st_size == 3_000_000
    assert ended.record.exit_code != 0
    assert (ended.directory / "output/big").stat().st_size <= MEBIBYTE


@pytest.mark.attack(22)
@pytest.mark.parametrize("place", ["/output", "/tmp", "/var/tmp"])
def test_many_files_are_ended_while_the_program_still_runs(
    node: PracticeNode, python: Path, place: str
) -> None:
    code = f"""
        import time
        for number in range(8):
            open(f"{place}/{{number}}", "wb").write(bytes({MEBIBYTE}))
        print("filled", flush=True)
        time.sleep(30)
    """

    ended = run_python(
        node, python, code, output_limit=4 * MEBIBYTE, scratch_limit=4 * MEBIBYTE, disk="watched"
    )

    # It was stopped before it ended by itself, on a busy node even before it had filled all that it wanted to.
    assert (ended.record.reason, ended.record.done) == ("output_limit", False)
    assert (ended.report.ended_at - ended.report.started_at).total_seconds() < 20


@pytest.mark.attack(23)
@pytest.mark.parametrize("place", ["/output", "/tmp"])
def test_files_without_number_are_ended_while_the_program_still_runs(
    node: PracticeNode, python: Path, place: str
) -> None:
    code = f"""
        import time
        for number in range(5000):
            open(f"{place}/{{number}}", "w").close()
        print("filled", flush=True)
        time.sleep(30)
    """

    ended = run_python(
        node,
        python,
        code,
        output_limit=4 * MEBIBYTE,
        output_files=1000,
        scratch_files=1000,
        disk="watched",
    )

    assert (ended.record.reason, ended.record.done) == ("output_limit", False)


@pytest.mark.attack(24)
def test_a_flood_of_output_is_cut_and_the_program_goes_on(node: PracticeNode, python: Path) -> None:
    ended = run_python(
        node,
        python,
        "import sys; sys.stderr.write('x' * 9_000_000); print('y' * 9_000_000); open('done', 'w')",
    )

    assert ended.record.exit_code == 0
    assert (ended.directory / "output/done").exists()
    for name in ("stdout.log", "stderr.log"):
        assert (ended.directory / name).stat().st_size == LOG_LIMIT


@pytest.mark.attack(26)
def test_what_goes_into_the_background_ends_with_the_container(
    node: PracticeNode, python: Path, inside: Inside
) -> None:
    code = """
        import os, time
        if os.fork() == 0:
            os.setsid()
            if os.fork() == 0:
                os.execv("/bin/busybox", ["busybox", "sleep", "4713"])
            time.sleep(0.5)
            os._exit(0)
        time.sleep(1)
        print("parent", flush=True)
        os._exit(0)
    """
    free = inside.run(
        "sh",
        "-c",
        "setsid busybox sleep 4714 >/dev/null 2>&1 & sleep 0.3; pgrep -fx '.*sleep 4714'",
    )
    inside.run("pkill", "-fx", ".*sleep 4714", user="root")

    ended = run_python(node, python, code)

    assert free.stdout != ""
    assert (ended.record.done, ended.record.exit_code, ended.stdout) == (True, 0, "parent\n")
    assert inside.run("pgrep", "-fx", ".*sleep 4713", user="root").stdout == ""


@pytest.mark.attack(26)
def test_a_job_without_a_container_leaves_nothing_either(inside: Inside) -> None:
    inside.job("setsid sleep 4711 & sleep 0.3", "--partition=build", "--mem=50M")

    assert inside.run("pgrep", "-f", "^sleep 4711", user="root").stdout == ""


SUID = "import os; print(os.geteuid(), oct(os.stat('{}').st_mode & 0o7777))"


@pytest.mark.attack(28)
def test_a_program_with_the_set_user_id_bit_gains_nothing(
    node: PracticeNode, inside: Inside
) -> None:
    """Busybox would drop the bit by itself; Python does what the kernel lets it."""
    place = "/usr/local/bin/suid-python"
    made = inside.run("sh", "-c", f"cp /usr/bin/python3 {place}; chmod 4755 {place}", user="root")
    assert made.returncode == 0, made.stderr
    free = inside.run(place, "-c", SUID.format(place)).stdout
    inside.run("rm", place, user="root")
    archive = node.file("suid.tar")
    content = Path(sys.executable).resolve().read_bytes()
    suid = Entry(path="suid-python", content=content, mode=0o4755)
    write_python_archive(BUSYBOX, archive, extra=[suid])
    image = image_of(node.build(BuildKind.ARCHIVE, archive))
    directory = node.new_directory("run")
    code = (
        "import os; print(os.geteuid(), open('/proc/self/status').read().count('NoNewPrivs:\\t1'))"
    )

    ended = node.run(node.sealed(image, ("/suid-python", "-c", code), directory), directory)

    assert free == "0 0o4755\n"
    assert ended.stdout == f"{inside.site.status().account_uid} 1\n"


HOSTILE = b"""#!/bin/busybox sh
echo "HOSTILE SHELL $*"
/bin/busybox touch /output/hostile /input/hostile /hostile 2>/dev/null
exec /bin/busybox sh "$@"
"""
FORGED = b'#!/bin/busybox sh\necho \'{"problems": [], "interfaces": ["lo"], "forged": true}\'\n'


@pytest.fixture(scope="module")
def hostile(node: PracticeNode) -> Path:
    """An image whose shell, environment scripts and probe are the attacker's."""
    archive = node.file("hostile.tar")
    script = b"echo HOSTILE ENVIRONMENT; export APPTAINER_BIND=/etc:/planted LD_PRELOAD=/evil.so PATH=/evil\n"
    write_python_archive(
        BUSYBOX,
        archive,
        extra=[
            Entry(path="bin/sh", content=HOSTILE, mode=0o755),
            Entry(path="probe", content=FORGED, mode=0o755),
            Entry(path=".singularity.d", directory=True),
            Entry(path=".singularity.d/env", directory=True),
            Entry(path=".singularity.d/env/10-docker2singularity.sh", content=script, mode=0o755),
            Entry(path=".singularity.d/env/99-hostile.sh", content=script, mode=0o755),
        ],
    )
    return image_of(node.build(BuildKind.ARCHIVE, archive))


@pytest.mark.attack(56)
def test_a_hostile_shell_and_environment_do_not_touch_the_record(
    node: PracticeNode, python: Path, hostile: Path
) -> None:
    honest, attacked = (
        node.run(node.sealed(image, ("/bin/busybox", "true"), directory), directory)
        for image in (python, hostile)
        for directory in [node.new_directory("run")]
    )

    # It is the attacker's shell that starts the container, and it says so; but only in the sealed log.
    assert "HOSTILE" in attacked.stdout
    assert "HOSTILE" not in honest.stdout
    for name in ("versions", "probe.json", "reason", "exit", "done", "image.check"):
        assert "HOSTILE" not in _text(attacked.directory / name)
    assert attacked.record.sealed
    assert _facts(attacked) == _facts(honest)
    assert _text(attacked.directory / "versions") == _text(honest.directory / "versions")
    found = [path.parent.name for path in node.named("hostile") if path.name == "hostile"]
    assert found in ([], ["output"])


@pytest.mark.attack(56)
def test_a_probe_of_the_image_would_say_what_its_author_wants(
    node: PracticeNode, hostile: Path
) -> None:
    directory = node.new_directory("run")

    ended = node.run(node.sealed(hostile, ("/probe",), directory), directory)

    assert '"forged": true' in ended.stdout
    assert "forged" not in _text(directory / "probe.json")
    assert ended.record.sealed


def _text(path: Path) -> str:
    return path.read_text() if path.exists() else ""


def _facts(ended: Ended) -> object:
    """Return what the probe saw, without the numbers of namespaces, which are new each time."""
    return replace(parse_probe(_text(ended.directory / "probe.json")), namespaces={})


SHARED_MEMORY = """
import ctypes, sys
libc = ctypes.CDLL(None, use_errno=True)
libc.shmat.restype = ctypes.c_void_p
leaves = {leaves}
segment = libc.shmget(0x5EA1, 4096, 0o1600 if leaves else 0)
if segment == -1:
    sys.exit(print("nothing"))
place = libc.shmat(segment, None, 0)
if leaves:
    ctypes.memmove(place, b"secret", 7)
print(ctypes.string_at(place).decode())
"""


@pytest.mark.attack(17)
def test_system_v_memory_ends_with_its_container(
    node: PracticeNode, python: Path, inside: Inside
) -> None:
    leave, find = (SHARED_MEMORY.format(leaves=leaves) for leaves in (True, False))
    free = [inside.run("python3", "-c", code).stdout for code in (leave, find)]
    inside.run("ipcrm", "--all=shm", user="root")

    left, found = (run_python(node, python, code).stdout for code in (leave, find))

    # Outside a container it stays until somebody takes it away.
    assert free == ["secret\n", "secret\n"]
    assert (left, found) == ("secret\n", "nothing\n")


@pytest.mark.attack(16, 17)
def test_temporary_files_end_with_their_container(node: PracticeNode, python: Path) -> None:
    places = ["/tmp", "/var/tmp", "/dev/shm"]
    leave = f"[open(p + '/left', 'w').close() for p in {places}]"
    look = f"import os; print([os.path.exists(p + '/left') for p in {places}])"

    same = run_python(node, python, f"{leave}; {look}").stdout
    following = run_python(node, python, look).stdout

    assert same == "[True, True, True]\n"
    assert following == "[False, False, False]\n"
