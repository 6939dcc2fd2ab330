"""A run on private data beside a run whose log its team reads, on one node: what the one can tell the other."""

import textwrap
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path, PurePosixPath
from typing import Any

import pytest

from containers.interface import Bind, SealedRun
from tests.support.cluster.node import Ended, PracticeNode
from tests.support.cluster.python_image import PYTHON

pytestmark = [pytest.mark.cluster, pytest.mark.root]

SECRET = bytes(range(7, 135))
"""What only the one of them reads."""

_LINE = """
    import fcntl, os, sys, time

    class Line:
        '''A lock on a file that both can only read: held or not held is what is said.'''

        def __init__(self, name):
            self.file = os.open("/weights/" + name, os.O_RDONLY)

        def say(self, value):
            fcntl.flock(self.file, fcntl.LOCK_EX if value else fcntl.LOCK_UN)

        def hear(self):
            try:
                fcntl.flock(self.file, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except BlockingIOError:
                return 1
            fcntl.flock(self.file, fcntl.LOCK_UN)
            return 0

        def wait(self, value):
            end = time.monotonic() + 60
            while self.hear() != value:
                if time.monotonic() > end:
                    sys.exit("nobody is there")
                time.sleep(0.0002)

    data, clock, heard = Line("data"), Line("clock"), Line("heard")
"""
SENDER = (
    _LINE
    + """
    secret = open("/input/secret", "rb").read()
    bits = [byte >> place & 1 for byte in secret for place in range(8)]
    for number, bit in enumerate(bits, 1):
        data.say(bit)
        clock.say(number % 2)
        heard.wait(number % 2)
"""
)
RECEIVER = (
    _LINE
    + """
    bits = []
    for number in range(1, 8 * 128 + 1):
        clock.wait(number % 2)
        bits.append(data.hear())
        heard.say(number % 2)
    octets = [sum(bit << place for place, bit in enumerate(bits[at:at + 8])) for at in range(0, len(bits), 8)]
    print(bytes(octets).hex())
"""
)


@pytest.fixture
def neighbour(node: PracticeNode, practice_site: dict[str, Any]) -> Iterator[PracticeNode]:
    """Return another way to the same cluster, for a job at the same time."""
    other = PracticeNode(practice_site)
    other.probe_image = node.probe_image
    yield other
    other.close()


def sealed(node: PracticeNode, image: Path, code: str, *binds: Bind) -> tuple[SealedRun, Path]:
    """Return a run as a submission's is, without the usual input, and its directory."""
    directory = node.new_directory("run")
    run = node.sealed(image, (PYTHON, "-c", textwrap.dedent(code)), directory)
    return replace(run, binds=(*binds, *run.binds[1:])), directory


@pytest.mark.attack(59)
def test_at_the_same_time_on_one_node_a_run_can_dictate_private_data_to_another(
    node: PracticeNode, neighbour: PracticeNode, python: Path
) -> None:
    """Nothing in the container stops this, so that the planner must not let it come about."""
    private, common = node.new_directory("private"), node.new_directory("weights")
    for path, content in (
        (private / "secret", SECRET),
        *((common / name, b"") for name in ("data", "clock", "heard")),
    ):
        path.write_bytes(content)
        node.give(path)
    weights = Bind(source=PurePosixPath(common), target=PurePosixPath("/weights"))
    secret = Bind(source=PurePosixPath(private), target=PurePosixPath("/input"))
    sender, receiver = (
        sealed(node, python, SENDER, secret, weights),
        sealed(neighbour, python, RECEIVER, weights),
    )

    with ThreadPoolExecutor() as both:
        sent = both.submit(node.run, *sender)
        received = both.submit(neighbour.run, *receiver)
        ends: tuple[Ended, Ended] = (sent.result(), received.result())

    assert {end.report.nodes for end in ends} == {ends[0].report.nodes}
    assert ends[1].stdout.strip() == SECRET.hex()


WATCHER = """
    import ctypes, errno, fcntl, os, time

    libc = ctypes.CDLL(None, use_errno=True)

    def told(call):
        try:
            return "works" if call() != -1 else errno.errorcode[ctypes.get_errno()]
        except OSError as error:
            return errno.errorcode[error.errno]

    print("inotify", told(lambda: libc.inotify_init1(0)))
    print("statfs", told(lambda: os.statvfs("/input")))
    for name, command in (("lease", 1024), ("notify", 1026), ("hidden-lease", (1 << 32) | 1024)):
        call = lambda: libc.syscall(72, ctypes.c_long(os.open("/input", 0)), ctypes.c_long(command), ctypes.c_long(0))
        print(name, told(call))
    print("devices", sum(name == "dev" for _, _, names in os.walk("/sys") for name in names))
    print("processors", os.cpu_count() == len(os.sched_getaffinity(0)) or os.cpu_count() > 0)

    def counters():
        found = []
        for path in ("stat", "meminfo", "loadavg", "vmstat", "sys/fs/file-nr", "sys/fs/inode-nr", "locks"):
            try:
                found.append(open("/proc/" + path).read())
            except OSError:
                pass
        return found

    before = counters()
    end = time.monotonic() + 0.5
    kept = []
    while time.monotonic() < end:
        kept.append(open("/proc/self/status").read())
        kept.append(bytes(100_000))
        if os.fork() == 0:
            os._exit(0)
        os.wait()
    print("counters", before == counters())
"""


@pytest.mark.attack(59)
def test_what_can_be_hidden_of_the_neighbours_is_hidden(node: PracticeNode, python: Path) -> None:
    run, directory = sealed(
        node,
        python,
        WATCHER,
        Bind(source=PurePosixPath(node.new_directory("data")), target=PurePosixPath("/input")),
    )

    ended = node.run(run, directory)

    found = dict(line.split() for line in ended.stdout.splitlines())
    assert found == {
        "inotify": "ENOSYS",
        "statfs": "ENOSYS",
        "lease": "ENOSYS",
        "notify": "ENOSYS",
        "hidden-lease": "ENOSYS",
        "devices": "0",
        "processors": "True",
        "counters": "True",
    }
