"""The seal record: the evidence that is kept with a result.

All of it comes from what the worker has written down or looked at itself: notes in run directories, digests
that were checked, and what lies beside measurements. Who submitted it and when is the portal's word.
"""

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from containers.rundir import RunRecord, read_run
from portal.domain.evaluations.work import JobFacts, RunWork
from portal.services.evaluations.results import Signed
from portal.worker.boundary import predicted
from portal.worker.context import WorkerContext
from portal.worker.ingest.measurement import data_of
from portal.worker.prepare.run_notes import read_report
from scheduler.interface import Token

SCHEMA = 2


def seal_record(
    context: WorkerContext, work: RunWork, directory: Path, run: RunRecord, score_file: Path
) -> dict[str, Any]:
    """Return what was run, on what, where, and what the isolation probe saw; JSON values only."""
    before = predicted(context, work)
    predict = _predict_run(context, work)
    return {
        "schema": SCHEMA,
        "challenge": work.challenge.slug,
        "phase": work.phase.slug,
        "task": work.task_slug,
        "evaluation": work.evaluation.id,
        "rerun_of": work.evaluation.rerun_of,
        "submission": _submission(work),
        "images": {
            "submission": before.image.sif_sha256 if before else None,
            "scorer": work.image.sif_sha256,
            "probe": work.probe.sif_sha256,
        },
        "data": data_of(context, work, predict[1] if predict else None, run),
        "score_file_sha256": hashlib.sha256(score_file.read_bytes()).hexdigest(),
        "predict": _run(*predict, before.job, before.task.predict_argv)
        if predict and before
        else None,
        "score": _run(directory, run, work.job, work.task.score_argv),
    }


def _predict_run(context: WorkerContext, work: RunWork) -> tuple[Path, RunRecord] | None:
    """Return the directory of the run whose output was scored, and what its script left there."""
    if work.predict is None:
        return None
    directory = context.cluster.run_directory(work.predict.job_id, Token(work.predict.token))
    return directory, read_run(directory, work.predict.token)


def _submission(work: RunWork) -> dict[str, Any]:
    return {
        "id": work.submission.id,
        "team": work.submission.team_id,
        "kind": work.submission.kind.value,
        "sha256": work.submission.blob_sha256,
        "weights_sha256": work.weights.blob_sha256 if work.weights else None,
        "created_at": work.submission.created_at.isoformat(),
    }


def run_facts(run: RunRecord) -> dict[str, Any]:
    """Return what the run directory tells of the node, the probe and the images' digests."""
    return {
        "images_verified": dict(run.images_verified),
        "probe": run.probe,
        "versions": dict(run.versions),
        "exit_code": run.exit_code,
    }


def _run(directory: Path, run: RunRecord, job: JobFacts, argv: tuple[str, ...]) -> dict[str, Any]:
    return {
        "token": directory.name,
        "cluster": job.cluster,
        "profile": job.profile,
        "argv": list(argv),
        **read_report(directory),
        **run_facts(run),
    }


FULL_TYPE, TEAM_TYPE = "urn:sealrun:seal:v1", "urn:sealrun:seal-for-teams:v1"
"""What the statements are, in their own words."""


def signed(
    context: WorkerContext, work: RunWork, record: dict[str, Any], scores: Mapping[str, float]
) -> Signed | None:
    """Return the record as the site's key signs it: in full, and what the team may show.

    None on a site without a key. The team's has no score, no digest of one, no node and no time but the
    day: any of them could tell what the data made of the program.
    """
    if context.sealer is None:
        return None
    images = {f"image of the {name}": sha for name, sha in record["images"].items() if sha}
    own = {work.submission.filename: work.submission.blob_sha256, **images}
    full = {**record, "scores": dict(scores)}
    team = {
        **{name: record[name] for name in ("schema", "challenge", "phase", "task", "images")},
        "submission": record["submission"],
        "day": context.clock().date().isoformat(),
        "argv": record["predict"]["argv"] if record["predict"] else None,
        "versions": {
            name: version
            for name, version in record["score"]["versions"].items()
            if name in {"apptainer", "slurm"}
        },
    }
    return Signed(
        envelope=context.sealer.seal(
            FULL_TYPE, full, {**own, "scores.json": record["score_file_sha256"]}
        ),
        team_envelope=context.sealer.seal(TEAM_TYPE, team, own),
    )
