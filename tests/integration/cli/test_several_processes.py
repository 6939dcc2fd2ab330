"""``sealrun serve --workers 2``, as a process with two of its own: they are one site."""

import json
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import httpx2
import pytest
import yaml

from examples.demo.processes import answers, sealrun
from tests.support.databases import new_sqlite
from tests.support.servers.portal import free_port
from tests.support.worker.world import write_site

PATIENCE = 120.0
"""Seconds after which something does not come any more; nothing here takes nearly as long."""


@dataclass(frozen=True)
class Served:
    """A site that is served by several processes."""

    process: "subprocess.Popen[bytes]"
    settings: Path
    log: Path
    temporary: Path
    port: int

    def lines(self, event: str) -> list[dict[str, Any]]:
        """Return what was logged of an event."""
        whole = self.log.read_text().rpartition("\n")[0].splitlines()
        lines = [json.loads(line) for line in whole if line.startswith("{")]
        return [line for line in lines if line["event"] == event]

    def children(self) -> list[int]:
        """Return the processes that answer: those that said so, and live."""
        started = [line["process"] for line in self.lines("web_process_started")]
        return [pid for pid in started if _parent_of(pid) == self.process.pid]

    def get(self, path: str) -> int:
        return httpx2.get(f"http://127.0.0.1:{self.port}{path}", timeout=PATIENCE).status_code

    def get_from(self, pid: int, path: str) -> int:
        """Ask while all other processes stand still; they could answer as well."""
        others = [other for other in self.children() if other != pid]
        for other in others:
            os.kill(other, signal.SIGSTOP)
        try:
            _until(lambda: all(_state_of(other) == "T" for other in others))
            before = len(self.lines("request"))
            status = self.get(path)
            # It is written down after the answer: one that stands still before would do so at another time.
            _until(lambda: len(self.lines("request")) > before)
            return status
        finally:
            for other in others:
                os.kill(other, signal.SIGCONT)

    def change(self, **sections: Any) -> None:
        """Change the settings in one step."""
        settings = yaml.safe_load(self.settings.read_text()) | sections
        part = self.settings.with_suffix(".part")
        part.write_text(yaml.safe_dump(settings))
        part.replace(self.settings)


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    with _serving(tmp_path, "--workers", "2") as served:
        _until(lambda: len(served.children()) == 2 and answers(served.port))
        yield served


def _site(folder: Path) -> Path:
    """Write a site in which one may try to log in three times an hour."""
    settings = write_site(folder)
    url = f"sqlite:///{folder / 'site.db'}"
    new_sqlite(folder, "site.db").engine.dispose()
    written = yaml.safe_load(settings.read_text())
    written |= {"database": {"url": url}, "login": {"rates": {"login": "3/hour"}}}
    settings.write_text(yaml.safe_dump(written))
    return settings


@contextmanager
def _serving(folder: Path, *words: str) -> Iterator[Served]:
    settings, port = _site(folder), free_port()
    argv = sealrun("serve", "--site", str(settings), "--port", str(port), *words)
    # Names of sockets are short, shorter than those of pytest's folders.
    with TemporaryDirectory() as temporary, (folder / "log").open("wb") as output:
        environment = os.environ | {"TMPDIR": temporary}
        process = subprocess.Popen(
            argv, stderr=output, stdout=output, start_new_session=True, env=environment
        )
        try:
            yield Served(process, settings, folder / "log", Path(temporary), port)
        finally:
            _end(process)


def _end(process: "subprocess.Popen[bytes]") -> None:
    """End the process and all of its own, also where a test failed and they stand still."""
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGCONT)
        process.terminate()
        try:
            process.wait(PATIENCE)
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()


def test_processes_are_one_site(served: Served) -> None:
    one, other = served.children()

    tries = [served.get_from(pid, "/login/nobody") for pid in (one, other, one, other, one)]

    # There is no such login: whoever may try finds none.
    assert tries == [404, 404, 404, 429, 429]
    asked = [line for line in served.lines("request") if line["path"] == "/login/nobody"]
    assert [line["process"] for line in asked] == [one, other, one, other, one]


def test_a_process_that_dies_is_started_again_and_counts_with_the_others(served: Served) -> None:
    one, other = served.children()
    tries = [served.get_from(one, "/login/nobody") for _ in range(2)]

    os.kill(one, signal.SIGKILL)
    _until(lambda: len(served.children()) == 2 and one not in served.children())
    [new] = set(served.children()) - {other}

    tries += [served.get_from(new, "/login/nobody") for _ in range(2)]
    assert tries == [404, 404, 404, 429]


def test_each_process_takes_changed_settings_over(served: Served) -> None:
    processes = served.children()

    served.change(login={"rates": {"login": "1/hour"}})
    _until(lambda: _who(served, "settings_reloaded") >= set(processes))

    assert [served.get_from(pid, "/login/nobody") for pid in processes] == [404, 429]


def test_a_process_waits_for_settings_that_can_be_used(served: Served) -> None:
    one, other = served.children()
    served.change(zzz=1)

    os.kill(one, signal.SIGKILL)
    _until(lambda: bool(served.lines("web_process_failed")))

    assert "zzz: is not a setting" in served.lines("web_process_failed")[0]["problem"]
    assert served.get_from(other, "/login") == 200
    settings = yaml.safe_load(served.settings.read_text())
    settings.pop("zzz")
    served.settings.write_text(yaml.safe_dump(settings))
    _until(lambda: len(served.children()) == 2)


@pytest.mark.parametrize(
    ("send", "number"),
    [
        pytest.param(os.kill, signal.SIGTERM, id="to-the-first"),
        pytest.param(os.killpg, signal.SIGTERM, id="to-all-as-systemd-does"),
        pytest.param(os.killpg, signal.SIGINT, id="to-all-as-terminals-do"),
    ],
)
def test_a_signal_ends_all_of_them(
    served: Served, send: Callable[[int, int], None], number: signal.Signals
) -> None:
    processes = _group(served.process.pid)
    assert {served.process.pid, *served.children()} <= processes
    assert len(list(served.temporary.glob("*/socket"))) == 1

    send(served.process.pid, number)

    assert served.process.wait(PATIENCE) == 0
    _until(lambda: _group(served.process.pid) == set())
    assert list(served.temporary.iterdir()) == []


def test_none_goes_on_without_the_process_that_started_it(served: Served) -> None:
    served.process.kill()
    served.process.wait(PATIENCE)

    _until(lambda: _group(served.process.pid) == set())


def test_one_process_is_alone_and_counts_by_itself(tmp_path: Path) -> None:
    with _serving(tmp_path) as served:
        _until(lambda: answers(served.port))

        tries = [served.get("/login/nobody") for _ in range(4)]

        assert tries == [404, 404, 404, 429]
        assert _group(served.process.pid) == {served.process.pid}
        assert list(served.temporary.iterdir()) == []
        assert ["process" in line for line in served.lines("request")] == [False] * 4
        served.process.terminate()
        assert served.process.wait(PATIENCE) == -signal.SIGTERM


def test_what_is_wrong_at_the_start_is_told_once(tmp_path: Path) -> None:
    settings = _site(tmp_path)
    settings.write_text(f"{settings.read_text()}zzz: 1\n")
    argv = sealrun("serve", "--site", str(settings), "--workers", "2")

    done = subprocess.run(argv, check=False, capture_output=True, text=True, timeout=PATIENCE)

    assert (done.returncode, done.stderr.count("zzz: is not a setting")) == (1, 1)


def _who(served: Served, event: str) -> set[int]:
    return {line["process"] for line in served.lines(event)}


def _until(is_so: Callable[[], bool]) -> None:
    until = time.monotonic() + PATIENCE
    while not is_so():
        assert time.monotonic() < until
        time.sleep(0.1)


def _group(number: int) -> set[int]:
    """Return the processes of a group that live."""
    found = {int(path.name) for path in Path("/proc").iterdir() if path.name.isdigit()}
    return {pid for pid in found if (stat := _stat(pid)) and stat[2] == str(number)}


def _parent_of(pid: int) -> int | None:
    return int(stat[1]) if (stat := _stat(pid)) else None


def _state_of(pid: int) -> str | None:
    return stat[0] if (stat := _stat(pid)) else None


def _stat(pid: int) -> list[str] | None:
    """Return state, parent, group and more of a process; None for one that has ended."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2].split()
    except OSError:
        return None
    return None if fields[0] == "Z" else fields
