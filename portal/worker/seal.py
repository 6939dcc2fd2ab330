"""The seal record: the evidence that is kept with a result."""

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sqlalchemy.orm import Session

from containers.rundir import RunRecord
from portal.db.queries.runs import RunWork
from portal.db.tables import Attempt, Image, Job
from portal.services.results import Signed
from portal.worker.context import WorkerContext
from portal.worker.measure import data_of

SCHEMA = 2


def seal_record(
    context: WorkerContext, work: RunWork, attempt: Attempt, run: RunRecord, score_file: Path
) -> dict[str, Any]:
    """Return what was run, on what, where, and what the isolation probe saw; JSON values only."""
    data = data_of(context, work, run)
    with context.database.reading() as session:
        return {
            "schema": SCHEMA,
            "challenge": work.challenge.slug,
            "phase": work.phase.slug,
            "task": work.task.slug,
            "evaluation": work.evaluation.id,
            "rerun_of": work.evaluation.rerun_of,
            "submission": _submission(work),
            "images": _images(session, context, work),
            "data": data,
            "score_file_sha256": hashlib.sha256(score_file.read_bytes()).hexdigest(),
            "predict": _predict(session, work),
            "score": _run(attempt, work.job, list(work.task.score_argv), run_facts(run)),
        }


def _submission(work: RunWork) -> dict[str, Any]:
    return {
        "id": work.submission.id,
        "team": work.submission.team_id,
        "kind": work.submission.kind.value,
        "sha256": work.submission.blob_sha256,
        "weights_sha256": work.weights.blob_sha256 if work.weights else None,
        "created_at": work.submission.created_at.isoformat(),
    }


def _images(session: Session, context: WorkerContext, work: RunWork) -> dict[str, Any]:
    submitted = work.evaluation.image_id
    return {
        "submission": session.get_one(Image, submitted).sif_sha256 if submitted else None,
        "scorer": work.image.sif_sha256,
        "probe": session.get_one(Image, context.probe_image_id).sif_sha256,
    }


def _predict(session: Session, work: RunWork) -> dict[str, Any] | None:
    if work.predict_token is None:
        return None
    attempt = session.get_one(Attempt, work.predict_token)
    job = session.get_one(Job, attempt.job_id)
    record = attempt.record or {}
    facts = {
        "probe": record["probe"],
        "versions": record["versions"],
        "exit_code": record["exit_code"],
    }
    return _run(attempt, job, list(work.task.predict_argv), facts)


def run_facts(run: RunRecord) -> dict[str, Any]:
    """Return what the run directory tells of the node and the probe."""
    return {
        "probe": run.probe,
        "versions": dict(run.versions),
        "exit_code": run.exit_code,
    }


def _run(attempt: Attempt, job: Job, argv: list[str], facts: dict[str, Any]) -> dict[str, Any]:
    return {
        "token": attempt.token,
        "cluster": job.cluster,
        "slurm_cluster": attempt.slurm_cluster,
        "job_id": attempt.cluster_job_id,
        "profile": job.profile,
        "argv": argv,
        "nodes": attempt.nodes,
        "state": attempt.raw_state,
        "started_at": attempt.started_at.isoformat() if attempt.started_at else None,
        "ended_at": attempt.ended_at.isoformat() if attempt.ended_at else None,
        **facts,
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
