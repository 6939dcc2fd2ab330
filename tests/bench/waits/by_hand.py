"""The two Apptainer commands of a sealed run, run by hand: what the script around them costs."""

import time
from dataclasses import replace
from datetime import UTC, datetime

from sqlalchemy import select

from portal.db.tables import Attempt, Evaluation, Job
from portal.domain.evaluations.jobs import JobKind
from portal.domain.ids import new_token
from portal.domain.untrusted import Sha256
from portal.worker.context import WorkerContext
from portal.worker.file_work.work import AtOnce
from portal.worker.prepare.run_directory import prepare
from scheduler.interface import Accepted, JobSpec, Token

PATIENCE = 60.0
"""Seconds that one run may take, with its time in the queue."""
_BODY_BEGINS = "\nset -u\n"
"""Before it are the values that the portal writes, after it the script that never changes."""
_BODY = """
umask 077
mkdir -p -- "$scratch" "${scratch_directories[@]}" "${outputs[@]}" && put_settings || exit 1
for kind in net pid ipc mnt; do probe+=("host:$(readlink "/proc/self/ns/$kind")"); done
begun=$EPOCHREALTIME
"${probe[@]}" >/dev/null && "${payload[@]}" </dev/null >/dev/null || exit 1
ended=$EPOCHREALTIME
rm -rf -- "$scratch"
printf '%s %s\\n' "$begun" "$ended" >"$directory/by-hand.part"
mv -- "$directory/by-hand.part" "$directory/by-hand"
"""


class ByHandError(Exception):
    """The commands did not run as they did in the portal's own job."""


def run_by_hand(context: WorkerContext, submission_id: str, image: Sha256 | None = None) -> float:
    """Run probe and image of a submission's predict job once more; return the seconds they took.

    ``image`` takes the place of its own.
    """
    attempt = predict_attempt(context, submission_id)
    spec = prepare(replace(context, file_work=AtOnce()), attempt.token)
    script = spec.script.partition(_BODY_BEGINS)[0] + _BODY
    if image is not None:
        script = script.replace(image_of(spec), image)
    told = context.cluster.run_directory(attempt.job_id, attempt.token) / "by-hand"
    told.unlink(missing_ok=True)
    token = Token(new_token(datetime.now(UTC)))
    answer = context.cluster.scheduler.submit(replace(spec, script=script), token)
    if not isinstance(answer, Accepted):
        raise ByHandError(f"not accepted: {answer}")
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        if told.exists():
            begun, ended = map(float, told.read_text().split())
            return ended - begun
        time.sleep(0.1)
    raise ByHandError(f"no answer in {PATIENCE:.0f} s: see slurm.err beside {told}")


def image_of(spec: JobSpec) -> Sha256:
    """Return the digest of the image that a job runs."""
    (line,) = (one for one in spec.script.splitlines() if one.startswith("image_sha256="))
    return Sha256(line.partition("=")[2])


def predict_attempt(context: WorkerContext, submission_id: str) -> Attempt:
    with context.database.reading() as session:
        return session.scalars(
            select(Attempt)
            .join(Job, Job.id == Attempt.job_id)
            .join(Evaluation, Evaluation.id == Job.evaluation_id)
            .where(Evaluation.submission_id == submission_id, Job.kind == JobKind.PREDICT)
        ).one()
