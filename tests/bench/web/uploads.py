"""How long an upload takes, beside ``cp`` and ``sync`` of the same file on the same file system."""

import os
import shutil
import socket
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from examples.demo.processes import Processes, free_port, sealrun
from portal.db.engine import Database
from portal.domain.accounts.people import Actor, ActorKind
from portal.domain.accounts.tokens import Scope
from portal.services.accounts import tokens
from tests.bench.memory import peak_mib
from tests.bench.report import print_table
from tests.bench.web.load import processor_seconds
from tests.bench.web.portal_server import database_url, open_with_tables, write_settings
from tests.support import factories

ROUNDS = 5
GIGABYTES = 2.0
TIMEOUT = 600.0
"""Seconds that the server may take for an answer."""
_PIECE = 16 * 1024 * 1024
_BOUNDARY = "sealrun-bench-0c4e1a"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Site:
    """A running portal whose only phase is open."""

    port: int
    pid: int
    token: str
    uploads: Path
    """Its store."""


def run(*, gigabytes: float = GIGABYTES, directory: Path | None = None) -> None:
    """Upload and copy in turns, and print what both took; say so where the disk has no room for it."""
    size = int(gigabytes * 1000**3)
    with tempfile.TemporaryDirectory(prefix="sealrun-bench-", dir=directory) as name:
        free = shutil.disk_usage(name).free
        if free < 3 * size:
            print(
                f"\nLEFT OUT: uploads of {gigabytes:g} GB. {name} has room for {free / 1000**3:.1f} GB"
                f" and {3 * gigabytes:g} are needed. Give another --directory, or a smaller --gigabytes."
            )
            return
        with database_url(Path(name), postgres=False) as url:
            _run_in(Path(name), url, size)


def _run_in(directory: Path, url: str, size: int) -> None:
    port = free_port(8100)
    settings = write_settings(directory, database=url, port=port)
    site = open_with_tables(settings)
    token = _token_of_a_member(site.database)
    uploads = site.store.root
    site.database.engine.dispose()
    source = directory / "source.bin"
    _write_random(source, size)
    with Processes(directory / "logs", dict(os.environ)) as processes:
        serve = sealrun("serve", "--port", str(port), "--site", str(settings))
        web = processes.start_server("web", port, *serve)
        served = _Site(port=port, pid=web.pid, token=token, uploads=uploads)
        _warm_up(served, directory)
        idle = peak_mib(web.pid)
        seconds, computed = _measure(served, source, directory / "copy.bin")
        peak = peak_mib(web.pid)
    _show(size, seconds, computed, idle, peak)


def _token_of_a_member(database: Database) -> str:
    """Make a challenge with an open phase that takes any number of results, and a token to submit there."""
    now = datetime.now(UTC)
    with database.writing() as session:
        phase = factories.new_phase(
            "dev", "Development", now - factories.DAY, now + factories.DAY, per_day=None, total=None
        )
        digits = factories.add_challenge(session, phases=[phase])
        person = factories.add_person(session, "Uploader")
        factories.add_account(session, person, "uploader")
        factories.add_team(session, digits, "Uploaders", person)
        return tokens.make(
            session,
            actor=Actor(kind=ActorKind.BROWSER, person_id=person.id),
            name="bench",
            scopes=[Scope.SUBMIT],
            lasts=timedelta(days=1),
            now=now,
        )


def _write_random(file: Path, size: int) -> None:
    with file.open("wb") as stream:
        while (left := size - stream.tell()) > 0:
            stream.write(os.urandom(min(_PIECE, left)))


def _warm_up(served: _Site, directory: Path) -> None:
    small = directory / "small.bin"
    _write_random(small, 1000)
    _upload(served, small)


def _measure(served: _Site, source: Path, copy: Path) -> tuple[dict[str, list[float]], list[float]]:
    """Return the seconds of each way by round, and the processor's seconds of the server."""

    def copy_and_sync() -> None:
        subprocess.run(["cp", "--reflink=never", source, copy], check=True)
        subprocess.run(["sync", copy], check=True)

    seconds: dict[str, list[float]] = {"copied": [], "uploaded": []}
    computed = []
    for _ in range(ROUNDS):
        seconds["copied"].append(_seconds_of(copy_and_sync))
        copy.unlink()
        before = processor_seconds(served.pid)
        seconds["uploaded"].append(_seconds_of(lambda: _upload(served, source)))
        computed.append(processor_seconds(served.pid) - before)
        _remove_uploads(served)
    return seconds, computed


def _seconds_of(step: Callable[[], None]) -> float:
    os.sync()  # what came before is on the disk already
    began = time.perf_counter()
    step()
    return time.perf_counter() - began


def _remove_uploads(served: _Site) -> None:
    """Free the room of what was uploaded, so that no round replaces the file of another."""
    for file in served.uploads.glob("??/*"):
        if file.is_file():
            file.unlink()


def _upload(served: _Site, source: Path) -> None:
    """Submit a file as the API's clients do. The kernel sends it, so that the sender costs little."""
    size = source.stat().st_size
    before, after = _frame()
    head = (
        "POST /api/v1/challenges/digits/submissions HTTP/1.1\r\n"
        f"Host: 127.0.0.1:{served.port}\r\nAuthorization: Bearer {served.token}\r\n"
        f"Content-Type: multipart/form-data; boundary={_BOUNDARY}\r\n"
        f"Content-Length: {len(before) + size + len(after)}\r\nConnection: close\r\n\r\n"
    )
    address = ("127.0.0.1", served.port)
    with socket.create_connection(address, TIMEOUT) as connection, source.open("rb") as stream:
        connection.sendall(head.encode() + before)
        connection.sendfile(stream)
        connection.sendall(after)
        answer = connection.recv(65536)
    if not answer.startswith(b"HTTP/1.1 201 "):
        raise RuntimeError(f"the upload was refused: {answer.decode('latin-1')}")


def _frame() -> tuple[bytes, bytes]:
    fields = {"phase": "dev", "kind": "results"}
    parts = [
        f'--{_BOUNDARY}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'
        for name, value in fields.items()
    ]
    file = f'--{_BOUNDARY}\r\nContent-Disposition: form-data; name="file"; filename="p.zip"\r\n\r\n'
    return "".join([*parts, file]).encode(), f"\r\n--{_BOUNDARY}--\r\n".encode()


def _show(
    size: int, seconds: dict[str, list[float]], computed: list[float], idle: float, peak: float
) -> None:
    base = statistics.median(seconds["copied"])
    rows = [["", "median s", "best s", "worst s", "to the copy", "CPU s", "peak MiB"]]
    rows += [
        [
            name,
            f"{statistics.median(taken):.2f}",
            f"{min(taken):.2f}",
            f"{max(taken):.2f}",
            f"{statistics.median(taken) / base:.2f}",
            f"{statistics.median(computed):.2f}" if name == "uploaded" else "",
            f"{peak:.0f}" if name == "uploaded" else "",
        ]
        for name, taken in seconds.items()
    ]
    print_table(
        f"An upload of {size / 1000**3:g} GB through the API, beside cp and sync of the same file:"
        f" {ROUNDS} rounds in turns. Before the first, the server's peak was {idle:.0f} MiB",
        rows,
    )
