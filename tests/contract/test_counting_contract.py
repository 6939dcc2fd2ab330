"""Counting tries, on a clock that tests move: in the memory of one process, and for several."""

import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import pytest

from portal.web.context import Rates
from portal.web.middleware.rate_limits import (
    SWEPT_FROM,
    Counting,
    MemoryCounting,
    RateLimitExceededError,
    RateLimits,
)
from portal.web.middleware.shared_rate_limits import CountingServer, SharedCounting


@dataclass
class Clock:
    """Stands still until it is moved; seconds."""

    now: float = 1_800_000_000.25

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(time, "time", clock)
    return clock


@dataclass(frozen=True)
class Way:
    """A way of counting, and the memory that it ends in."""

    counting: Counting
    memory: MemoryCounting

    def limits(self, rates: Rates) -> RateLimits:
        return RateLimits(rates, self.counting)


@pytest.fixture
def server() -> Iterator[CountingServer]:
    with CountingServer() as server:
        yield server


@pytest.fixture(params=["memory", "shared"])
def way(request: pytest.FixtureRequest) -> Iterator[Way]:
    """Return each way of counting in turn."""
    if request.param == "memory":
        memory = MemoryCounting()
        yield Way(memory, memory)
        return
    server: CountingServer = request.getfixturevalue("server")
    shared = SharedCounting(server.path)
    yield Way(shared, server.counting)
    shared.close()


def refused_for(limits: RateLimits, who: str = "ada", rate: str = "login") -> str | None:
    """Try once; return for how many seconds it was refused, or None."""
    try:
        limits.count(rate, who)
    except RateLimitExceededError as refusal:
        return dict(refusal.headers or {})["retry-after"]
    return None


def test_as_many_as_the_rate_says_pass_and_the_next_is_told_when_to_come_back(
    clock: Clock,
    way: Way,
) -> None:
    limits = way.limits(Rates(login="3/minute"))

    answers = [refused_for(limits) for _ in range(4)]

    assert answers == [None, None, None, "61"]


def test_the_window_moves_with_each_try(clock: Clock, way: Way) -> None:
    limits = way.limits(Rates(login="2/minute"))
    refused_for(limits)
    clock.now += 40
    refused_for(limits)
    clock.now += 19.5

    before = refused_for(limits)
    clock.now += 1
    after = (refused_for(limits), refused_for(limits))

    # The first try leaves the window at second 60, the second one at 100.
    assert before == "1"
    assert after == (None, "40")


def test_waiting_as_long_as_is_said_is_enough(clock: Clock, way: Way) -> None:
    limits = way.limits(Rates(login="1/second"))
    refused_for(limits)
    wait = refused_for(limits)

    clock.now += int(str(wait))

    assert refused_for(limits) is None


def test_a_refused_try_does_not_lengthen_the_wait(clock: Clock, way: Way) -> None:
    limits = way.limits(Rates(login="1/minute"))
    refused_for(limits)
    for _ in range(100):
        clock.now += 0.5
        refused_for(limits)

    clock.now += 11

    assert refused_for(limits) is None


def test_others_and_other_rates_are_not_affected(clock: Clock, way: Way) -> None:
    limits = way.limits(Rates(login="1/hour", token="1/hour"))
    assert refused_for(limits) is None
    assert refused_for(limits) == "3601"

    assert refused_for(limits, "eve") is None
    assert refused_for(limits, rate="token") is None


def test_who_has_not_come_for_long_is_forgotten(clock: Clock, way: Way) -> None:
    limits = way.limits(Rates(login="1/second"))
    for n in range(SWEPT_FROM):
        limits.count("login", str(n))
    clock.now += 5
    # The storage drops old tries from a timer of its own.
    for tries in way.memory._storage.events.values():
        tries.clear()

    limits.count("login", "one more")

    assert way.memory.size == 1


def test_what_counts_keeps_tries_when_the_rates_are_read_anew(clock: Clock, way: Way) -> None:
    rates = Rates(login="1/minute")
    assert refused_for(way.limits(rates)) is None

    assert refused_for(way.limits(rates)) == "61"


def test_threads_count_together(way: Way) -> None:
    limits = way.limits(Rates(login="30/hour"))

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: refused_for(limits), range(80)))

    assert answers.count(None) == 30


TRIES = """
import sys
from pathlib import Path
from portal.web.middleware.shared_rate_limits import SharedCounting
counting = SharedCounting(Path(sys.argv[1]))
print("ready", flush=True)
sys.stdin.readline()
print(sum(counting.hit("50/hour", "login", "ada") == 0 for _ in range(40)))
"""


def test_processes_count_together(server: CountingServer) -> None:
    processes = [_started(TRIES, server) for _ in range(2)]

    for process in processes:
        _go_on(process)
    told = [process.communicate()[0] for process in processes]

    assert sum(int(passed) for passed in told) == 50


HALF_A_QUESTION = """
import socket, sys
connection = socket.socket(socket.AF_UNIX)
connection.connect(sys.argv[1])
connection.sendall(b'["1/hour", "login", "a')
print("ready", flush=True)
sys.stdin.readline()
"""


def test_a_process_that_is_killed_in_the_middle_holds_up_nobody(server: CountingServer) -> None:
    killed = _started(HALF_A_QUESTION, server)
    killed.kill()
    killed.communicate()
    shared = SharedCounting(server.path)

    answers = [shared.hit("1/hour", "login", who) for who in ("a", "ada")]

    assert answers == [0, 0]
    assert shared.hit("1/hour", "login", "ada") > 3590
    shared.close()


def test_what_is_no_question_ends_one_connection_only(server: CountingServer) -> None:
    shared, other = SharedCounting(server.path), SharedCounting(server.path)
    assert other.hit("1/hour", "login", "eve") == 0

    with pytest.raises(ConnectionError):
        shared.hit("no rate", "login", "ada")

    assert shared.hit("1/hour", "login", "ada") == 0
    assert other.hit("1/hour", "login", "ada") > 3590
    shared.close()
    other.close()


def test_a_try_that_nobody_counts_does_not_pass() -> None:
    with CountingServer() as server:
        shared = SharedCounting(server.path)

    with pytest.raises(ConnectionError, match="tries are not counted"):
        shared.hit("1/hour", "login", "ada")
    assert not server.path.parent.exists()


def test_nobody_else_reaches_the_socket(server: CountingServer) -> None:
    assert server.path.parent.stat().st_mode & 0o777 == 0o700


def _go_on(process: "subprocess.Popen[str]") -> None:
    assert process.stdin is not None
    process.stdin.write("\n")
    process.stdin.flush()


def _started(program: str, server: CountingServer) -> "subprocess.Popen[str]":
    """Start a program with the socket's path; return it when it has said that it is ready."""
    argv = [sys.executable, "-c", program, str(server.path)]
    process = subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    return process
