"""What verifying images of some size costs: the first run on a node, the next ones, and their two commands by hand.

``python -m tests.bench.worker.large_images EXAMPLE`` is the part that runs as the practice site's account.
"""

import hashlib
import os
import shutil
import statistics
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from containers.rundir import read_run
from portal import bootstrap
from portal.domain.ids import new_token
from portal.domain.untrusted import Sha256
from portal.worker.context import WorkerContext
from portal.worker.prepare.run_directory import prepare
from scheduler.interface import Accepted, JobSpec, Token
from tests.bench.report import print_table
from tests.bench.waits.by_hand import ByHandError, image_of, predict_attempt, run_by_hand
from tests.bench.waits.measure import Bench
from tests.bench.waits.site import portal_with_worker

SIZES = (36_000_000, 1_000_000_000, 4_000_000_000)
"""Bytes; the image of the example with random bytes after its end, which Apptainer does not look at."""
REPEATS = 3
"""How often what is not a first run is repeated; of that the median is shown."""
AT_REST = 4.0
"""Seconds after which an image is no longer too new to be remembered."""
TIMEOUT = 300.0
"""Seconds that one run may take."""
_ROOM = 2 * 1024**3
_CHUNK = 16 * 1024 * 1024


def main(example: Path) -> int:
    """Measure on the practice site, and print."""
    with portal_with_worker(example) as installation:
        bench = Bench(installation)
        context = bootstrap.worker_contexts(installation)[0]
        submission = bench.submit("code", example / "submissions" / "knn.zip")
        bench.wait()
        rows = [
            ["seconds", "first run", "of that digests", "next run", "of that digests", "by hand"]
        ]
        for size in SIZES:
            free = shutil.disk_usage(context.cluster.storage).free
            if free < size + _ROOM:
                print(f"\nLEFT OUT: an image of {size:,} bytes, as the disk has no room for it")
                continue
            rows.append(_row(context, submission, size))
        print_table(f"Images of some size, median of {REPEATS} but the first run", rows)
    return 0


def _row(context: WorkerContext, submission: str, size: int) -> list[str]:
    with _larger_image(context, submission, size) as (spec, digest):
        time.sleep(AT_REST)
        first = _run(context, spec, digest, "computed")
        later: list[tuple[float, float]] = []
        by_hand: list[float] = []
        for _ in range(REPEATS):
            later.append(_run(context, spec, digest, "known"))
            by_hand.append(run_by_hand(context, submission, digest))
    whole, verifying = (statistics.median(values) for values in zip(*later, strict=True))
    values = (*first, whole, verifying, statistics.median(by_hand))
    return [f"{size / 1e6:,.0f} MB", *(f"{seconds:.2f}" for seconds in values)]


@contextmanager
def _larger_image(
    context: WorkerContext, submission: str, size: int
) -> Iterator[tuple[JobSpec, Sha256]]:
    """Give the job of a submission with an image like its own, of at least that size."""
    attempt = predict_attempt(context, submission)
    spec = prepare(context, Token(attempt.token))
    own = image_of(spec)
    part = context.cluster.images / "bench.part"
    try:
        digest = _grow(context.cluster.image(own), part, size)
        place = context.cluster.image(digest)
        part.replace(place)
        try:
            yield replace(spec, script=spec.script.replace(own, digest)), digest
        finally:
            place.unlink()
    finally:
        part.unlink(missing_ok=True)


def _grow(image: Path, target: Path, size: int) -> Sha256:
    """Copy an image and put random bytes behind it; return the digest of the whole."""
    content = image.read_bytes()
    digest, left = hashlib.sha256(content), max(64, size - len(content))
    with target.open("wb") as file:
        file.write(content)
        while left:
            more = os.urandom(min(left, _CHUNK))
            digest.update(more)
            left -= file.write(more)
    return Sha256(digest.hexdigest())


def _run(
    context: WorkerContext, spec: JobSpec, digest: Sha256, expected: str
) -> tuple[float, float]:
    """Run a job once more in a run directory of its own; return the seconds of its script, and of its digests."""
    before = Path(spec.workdir)
    token = Token(new_token(datetime.now(UTC)))
    directory = before.with_name(token)
    directory.mkdir(mode=0o700)
    again = replace(
        spec,
        script=spec.script.replace(before.name, token),
        workdir=spec.workdir.with_name(token),
        stdout=spec.workdir.with_name(token) / "slurm.out",
        stderr=spec.workdir.with_name(token) / "slurm.err",
        time_limit=timedelta(minutes=5),
    )
    answer = context.cluster.scheduler.submit(again, token)
    if not isinstance(answer, Accepted):
        raise ByHandError(f"not accepted: {answer}")
    deadline = time.monotonic() + TIMEOUT
    while not (directory / "done").exists():
        if time.monotonic() > deadline or (directory / "reason").exists():
            raise ByHandError(f"a run with the image {digest} did not end well: see {directory}")
        time.sleep(0.1)
    how = read_run(directory, token).images_verified.get("image")
    if how != expected:
        raise ByHandError(f"the digest was {how}, not {expected}: does the node have /run/sealrun?")
    claim, versions, checked, done = (
        (directory / name).stat().st_mtime for name in ("claim", "versions", "image.check", "done")
    )
    return done - claim, checked - versions


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
