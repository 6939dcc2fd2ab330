"""A worker that is killed, with the signal that nobody can catch, at every place it comes to.

`python -m tests.cluster.dying_worker SITE_YAML RECORD`

One life after the other is started. Each dies at the first place at which fewer than two died before,
and writes it into RECORD; so the lives get longer, until one comes to the end without such a place. Lives
share nothing but what is on the disk, in the database and on the cluster, as real ones do.
"""

import os
import signal
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import structlog

from portal import bootstrap
from portal.worker.context import WorkerContext
from portal.worker.loop import run_pass
from tests.support.worker.eager import eager
from tests.support.worker.points import WatchedDatabase, WatchedScheduler, watched_files

DEATHS = 2
"""At each place. More of those that cost an attempt might use up the three that a job has."""
MOST_LIVES = 250
PAUSE = 0.2
"""Seconds between passes."""
LAST_CALM = 20
"""Passes without anything to do after which everything has been done."""


def main() -> int:
    """Start life after life; return 0 when one came to the end."""
    settings, record = Path(sys.argv[1]), Path(sys.argv[2])
    record.touch()
    for number in range(MOST_LIVES):
        child = os.fork()
        if child == 0:
            os._exit(_live(settings, record))
        _, status = os.waitpid(child, 0)
        if os.WIFEXITED(status):
            sys.stderr.write(f"life {number + 1} came to the end: {os.WEXITSTATUS(status)}\n")
            return os.WEXITSTATUS(status)
        assert os.WTERMSIG(status) == signal.SIGKILL
    sys.stderr.write(f"still dying after {MOST_LIVES} lives\n")
    return 1


def _live(settings: Path, record: Path) -> int:
    reached = _death(record)
    site = bootstrap.open_site(settings)
    site = replace(site, database=WatchedDatabase(site.database.engine, reached))
    storage = next(iter(site.settings.clusters.values())).storage
    with watched_files(storage, reached):
        context = bootstrap.worker_contexts(site)[0]
        scheduler = WatchedScheduler(context.cluster.scheduler, reached)
        _work(replace(context, cluster=replace(context.cluster, scheduler=scheduler)))
    return 0


def _death(record: Path) -> Callable[[str], None]:
    """Return what kills this process at a place that is not often enough in the record yet."""
    known = Counter(record.read_text().splitlines())
    # Threads that carry files can come to a place at the same moment, and a life ends once.
    dies = threading.Lock()

    def reached(place: str) -> None:
        if known[place] < DEATHS:
            with dies:
                with record.open("a") as file:
                    file.write(f"{place}\n")
                os.kill(os.getpid(), signal.SIGKILL)
                signal.pause()

    return reached


def _work(context: WorkerContext) -> None:
    calm = 0
    while calm < LAST_CALM:
        calm = 0 if run_pass(context, eager()).is_busy else calm + 1
        time.sleep(PAUSE)


if __name__ == "__main__":
    structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.stderr))
    sys.exit(main())
