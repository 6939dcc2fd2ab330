"""Preparing: an attempt's run directory and its batch script. Repeating it changes nothing."""

from datetime import timedelta
from pathlib import Path, PurePosixPath

from containers.interface import Bind, Build, BuildKind, SealedRun
from containers.scripts import build_script, run_script
from portal.db.queries.runs import BuildWork, RunWork, work_of
from portal.db.tables import Image
from portal.domain.errors import OperatorError
from portal.domain.jobs import ImageKind, JobKind
from portal.domain.profiles import Profile
from portal.files.archives import repack_code, unpack_results
from portal.files.images import inspect_image
from portal.worker.context import WorkerContext
from scheduler.interface import JobSpec

OWN_TIME = timedelta(seconds=30)
"""What a job needs beside its container: digests, the probe, tidying up. Slurm is asked for it too."""


def prepare(context: WorkerContext, token: str) -> JobSpec:
    """Make the run directory and return what to submit.

    Raises ``BadArchive`` where the participant's file is not usable and ``OperatorError`` where
    the site's settings or storage are at fault. Nothing has been sent to the cluster then.
    """
    with context.database.reading() as session:
        work = work_of(session, token)
        probe = session.get_one(Image, context.probe_image_id)
    directory = context.cluster.run_directory(work.job.id, token)
    directory.mkdir(parents=True, exist_ok=True, mode=0o700)
    if isinstance(work, BuildWork):
        build = _build(context, work, directory)
        script = build_script(build, token=token, directory=PurePosixPath(directory))
    else:
        run = _sealed_run(context, work, probe, directory)
        script = run_script(run, token=token, directory=PurePosixPath(directory))
    return _spec(context.resources.profiles[work.job.profile], script, directory)


def _spec(profile: Profile, script: str, directory: Path) -> JobSpec:
    place = PurePosixPath(directory)
    return JobSpec(
        script=script,
        workdir=place,
        stdout=place / "slurm.out",
        stderr=place / "slurm.err",
        partition=profile.partition,
        cpus=profile.cpus,
        memory_mib=profile.memory_mib,
        time_limit=profile.time_limit + OWN_TIME,
        account=profile.account,
        qos=profile.qos,
        gres=profile.gres,
        comment="sealrun",
    )


def _build(context: WorkerContext, work: BuildWork, directory: Path) -> Build:
    source = context.store.path(work.image.source_sha256)
    if work.image.kind is ImageKind.CODE:
        return _code_build(context, work, source, directory)
    found = inspect_image(source)
    return Build(
        kind=BuildKind.SIF if found.format == "sif" else BuildKind.ARCHIVE,
        source=PurePosixPath(source),
        source_sha256=work.image.source_sha256,
        size_limit=context.resources.upload_limit,
        node=context.cluster.node,
    )


def _code_build(context: WorkerContext, work: BuildWork, source: Path, directory: Path) -> Build:
    if work.base is None or work.base.sif_sha256 is None:
        raise OperatorError(f"image {work.image.id} has no base image that is ready")
    packed = repack_code(source, directory / "code.tar")
    return Build(
        kind=BuildKind.CODE,
        source=PurePosixPath(directory / "code.tar"),
        source_sha256=packed.sha256,
        base=PurePosixPath(image_path(context, work.base)),
        base_sha256=work.base.sif_sha256,
        size_limit=context.resources.upload_limit,
        node=context.cluster.node,
    )


def image_path(context: WorkerContext, image: Image) -> Path:
    """Return where a ready image lies."""
    if image.sif_sha256 is None:
        raise OperatorError(f"image {image.id} is not ready")
    return context.cluster.images / f"{image.sif_sha256}.sif"


def _sealed_run(context: WorkerContext, work: RunWork, probe: Image, directory: Path) -> SealedRun:
    scores = work.job.kind is JobKind.SCORE
    profile = context.resources.profiles[work.job.profile]
    return SealedRun(
        image=PurePosixPath(image_path(context, work.image)),
        image_sha256=str(work.image.sif_sha256),
        probe_image=PurePosixPath(image_path(context, probe)),
        probe_sha256=str(probe.sif_sha256),
        argv=tuple(work.task.score_argv if scores else work.task.predict_argv),
        binds=_score_binds(context, work, directory)
        if scores
        else _predict_binds(context, work, directory),
        environment=_environment(work),
        gpu=profile.has_gpu,
        time_limit=int(profile.time_limit.total_seconds()),
        file_size_limit=context.resources.output_limit,
        output_limit=work.task.output_limit,
        output_files=work.task.output_files,
        node=context.cluster.node,
    )


def _environment(work: RunWork) -> dict[str, str]:
    return {
        "SEALRUN_INPUT": "/input",
        "SEALRUN_OUTPUT": "/output",
        "SEALRUN_SUBMISSION": "/submission",
        "SEALRUN_TASK": work.task.slug,
        "SEALRUN_PHASE": work.phase.slug,
        "SEALRUN_SMOKE": "0",
    }


def _predict_binds(context: WorkerContext, work: RunWork, directory: Path) -> tuple[Bind, ...]:
    return (
        Bind(source=_data(context, work, work.task.input_data), target=PurePosixPath("/input")),
        _output(directory),
    )


def _score_binds(context: WorkerContext, work: RunWork, directory: Path) -> tuple[Bind, ...]:
    truth = _data(context, work, work.task.truth_data)
    return (
        Bind(source=truth, target=PurePosixPath("/input/ref")),
        Bind(
            source=PurePosixPath(_predictions(context, work, directory)),
            target=PurePosixPath("/input/res"),
        ),
        _output(directory),
    )


def _output(directory: Path) -> Bind:
    return Bind(
        source=PurePosixPath(directory / "output"), target=PurePosixPath("/output"), writable=True
    )


def _predictions(context: WorkerContext, work: RunWork, directory: Path) -> Path:
    """Return the directory that is scored: a predict job's collected output, or the upload."""
    if work.predict_token is not None and work.predict_job_id is not None:
        return context.cluster.run_directory(work.predict_job_id, work.predict_token) / "collected"
    target = directory / "results"
    unpack_results(
        context.store.path(work.submission.blob_sha256),
        target,
        required=work.task.required_outputs,
        max_bytes=work.task.output_limit,
        max_files=work.task.output_files,
    )
    return target


def _data(context: WorkerContext, work: RunWork, name: str) -> PurePosixPath:
    """Return a data directory that this challenge may mount; the site's list decides each time."""
    data = context.resources.data.get(name)
    if data is None or work.challenge.slug not in data.challenges:
        raise OperatorError(f"challenge {work.challenge.slug} may not mount the data {name!r}")
    return data.path
