"""Whether passes wait for bytes: a packed image of gigabytes is looked through while others are submitted.

A site with a pretended cluster, on SQLite. The baseline is the same with the file work done within the pass.
"""

import contextlib
import gzip
import os
import shutil
import statistics
import tempfile
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import structlog

from containers.archives import Entry, write_archive
from portal.db.engine import open_database
from portal.db.schema import upgrade
from portal.domain.submissions.limits import SubmissionKind
from portal.worker.file_work.threads import FileThreads
from portal.worker.file_work.work import AtOnce, FileWork
from portal.worker.loop import run_pass
from tests.bench.report import print_table
from tests.support.worker.eager import eager
from tests.support.worker.world import Clock, World, make_world

GIGABYTES = 1.0
FREE = 4
"""Times the image's size that the disk must have free."""
SMALL = b"id,digit\n1,7\n"
LONGEST, PAUSE = 600.0, 0.3
"""Seconds: for all of it, and between two passes, as the worker has it."""


def run(*, gigabytes: float = GIGABYTES) -> None:
    """Measure both ways, and print the longest pass and when a small submission was scored meanwhile."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(50))
    size = int(gigabytes * 1024**3)
    if shutil.disk_usage(tempfile.gettempdir()).free < FREE * size:
        print(
            f"\nLEFT OUT: passes beside file work, as there is no room for {FREE * gigabytes} GiB"
        )
        return
    rows = [
        [
            "",
            "passes",
            "median ms",
            "longest ms",
            "small one scored after s",
            "large one ready after s",
        ]
    ]
    with tempfile.TemporaryDirectory() as folder:
        image = _packed_image(Path(folder, "image.tar.gz"), size)
        for name in ("within the pass", "beside the passes"):
            with _world(Path(folder, name)) as world:
                rows.append([name, *_measured(world, image, beside=name.startswith("beside"))])
    print_table(f"Passes while a packed image of {gigabytes:g} GiB is looked through", rows)


def _packed_image(target: Path, size: int) -> Path:
    """Write an image of one layer of bytes that do not pack, in gzip, as ``docker save | gzip`` does."""
    plain, piece = target.with_suffix(""), 64 * 1024**2
    entries = [Entry(path="app", directory=True, mode=0o755)]
    entries += [Entry(path=f"app/{n}.bin", content=os.urandom(piece)) for n in range(size // piece)]
    write_archive(entries, plain, architecture="amd64")
    with plain.open("rb") as source, gzip.open(target, "wb", compresslevel=1) as packed:
        shutil.copyfileobj(source, packed, 1024**2)
    plain.unlink()
    return target


@contextlib.contextmanager
def _world(folder: Path) -> Iterator[World]:
    folder.mkdir()
    database = open_database(f"sqlite:///{folder / 'portal.db'}")
    upgrade(database)
    try:
        yield make_world(database, folder / "site", Clock())
    finally:
        database.engine.dispose()


def _measured(world: World, image: Path, *, beside: bool) -> list[str]:
    # What the site and the challenge need is built before.
    world.run_until_final(world.submit(SubmissionKind.RESULTS, b"id,digit\n1,1\n"))
    built = {one.token for one in world.attempts("build")}
    work: FileWork = FileThreads(3, timedelta(hours=1), world.clock) if beside else AtOnce()
    world.context = replace(world.context, file_work=work)
    world.submit(SubmissionKind.IMAGE, image.read_bytes())
    small, ready, scored = "", 0.0, 0.0
    begun, passes = time.monotonic(), list[float]()
    while not (ready and scored):
        work.look_up()
        before = time.monotonic()
        run_pass(world.context, eager())
        now = time.monotonic()
        if now - begun > LONGEST:
            raise RuntimeError("it is never ready")
        passes.append(now - before)
        small = small or world.submit(SubmissionKind.RESULTS, SMALL)
        world.scheduler.advance()
        world.clock.advance(1)
        sent = [one for one in world.attempts("build") if one.submitted_at]
        ready = ready or (now - begun if {one.token for one in sent} - built else 0.0)
        scored = scored or (now - begun if world.evaluation(small).state.is_final else 0.0)
        time.sleep(PAUSE)
    work.close()
    return [
        str(len(passes)),
        f"{statistics.median(passes) * 1000:.0f}",
        f"{max(passes) * 1000:.0f}",
        f"{scored:.1f}",
        f"{ready:.1f}",
    ]
