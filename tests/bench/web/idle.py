"""What the two processes have in memory while nobody asks for anything, and how long a small command takes."""

import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from examples.demo.processes import Processes, free_port, sealrun
from tests.bench.memory import peak_mib, share_mib
from tests.bench.report import print_table
from tests.bench.web.portal_server import database_url, open_with_tables, write_settings

SETTLE_SECONDS = 10.0
"""After their start, before their memory is looked at."""
RUNS = 25
"""Of each command."""


def run() -> None:
    """Start both processes on a fresh database, and print what they and a small command cost."""
    with (
        tempfile.TemporaryDirectory(prefix="sealrun-bench-") as name,
        database_url(Path(name), postgres=False) as url,
    ):
        _show_memory(Path(name), url)
    _show_start()


def _show_memory(directory: Path, url: str) -> None:
    """Measure a worker whose cluster does not answer: there is no Slurm for it here."""
    port = free_port(8100)
    settings = write_settings(directory, database=url, port=port)
    open_with_tables(settings).database.engine.dispose()
    (directory / "storage").mkdir(exist_ok=True)
    with Processes(directory / "logs", dict(os.environ)) as processes:
        serve = sealrun("serve", "--port", str(port), "--site", str(settings))
        web = processes.start_server("web", port, *serve)
        worker = processes.start("worker", *sealrun("work", "--site", str(settings)))
        time.sleep(SETTLE_SECONDS)
        if worker.poll() is not None:
            raise RuntimeError(f"the worker ended: {(directory / 'logs/worker.log').read_text()}")
        found = {
            name: (share_mib(process.pid), peak_mib(process.pid))
            for name, process in (("sealrun serve", web), ("sealrun work", worker))
        }
    together = sum(share for share, _ in found.values())
    rows = [["", "PSS MiB", "peak MiB"]]
    rows += [[name, f"{share:.0f}", f"{peak:.0f}"] for name, (share, peak) in found.items()]
    rows.append(["together", f"{together:.0f}", ""])
    print_table(f"Idle, {SETTLE_SECONDS:g} seconds after the start", rows)


def _show_start() -> None:
    commands = {
        "python -c pass": [sys.executable, "-c", "pass"],
        "sealrun --version": sealrun("--version"),
    }
    taken: dict[str, list[float]] = {name: [] for name in commands}
    for _ in range(RUNS):
        for name, argv in commands.items():
            began = time.perf_counter()
            subprocess.run(argv, check=True, stdout=subprocess.DEVNULL)
            taken[name].append(1000 * (time.perf_counter() - began))
    rows = [["", "median ms", "worst ms"]]
    rows += [
        [name, f"{statistics.median(each):.0f}", f"{max(each):.0f}"] for name, each in taken.items()
    ]
    print_table(f"The start of a command, {RUNS} times in turns", rows)
