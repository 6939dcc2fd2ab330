"""Preparing: an attempt's run directory and its batch script. Repeating it changes nothing."""

import hashlib
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path, PurePosixPath

from containers.interface import (
    Bind,
    Build,
    BuildKind,
    Packages,
    SealedRun,
)
from containers.scripts import build_script, measure_script, run_script
from portal.domain.challenges.profiles import Profile
from portal.domain.errors import OperatorError, UntrustedValueError
from portal.domain.evaluations.file_parts import Part
from portal.domain.evaluations.jobs import ImageKind, JobKind
from portal.domain.evaluations.shares import UNLIMITED, Share
from portal.domain.evaluations.work import BaseFacts, BuildWork, MeasureWork, RunWork, Work
from portal.domain.submissions.limits import SubmissionKind
from portal.domain.untrusted import Sha256
from portal.files.archives.requirements import requirements_to_install
from portal.files.archives.submitted import repack_code, unpack_results
from portal.files.images.acceptance import look_into
from portal.files.images.inspection import ImageLimits
from portal.worker.boundary import predicted, size_of_image, work_to_prepare
from portal.worker.context import WorkerContext
from portal.worker.file_work.work import FileWorkPendingError
from portal.worker.ingest.measurement import directories_to_verify, measure_of
from portal.worker.prepare import run_notes
from portal.worker.prepare.samples import sample_of
from portal.worker.prepare.weights import weights_binds
from portal.worker.steps.inspect_ahead import Looked, take
from scheduler.interface import JobSpec, Token

SOURCE = "source"
"""The file of a run directory that an image is built of."""
NOT_FETCHED = run_notes.NAMES | {
    "image.sif",
    "code.tar",
    "requirements.txt",
    SOURCE,
    "results",
    "collected",
}
"""What is never fetched of a run directory: what the worker has put there itself, and the image."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Staged:
    """What lies ready for a job, on the nodes as well."""

    work: Work
    """What the job was to do then."""
    build: Build | None = None
    binds: tuple[Bind, ...] = ()
    """What a run sees of the storage, beside private data and its output."""


def prepare(context: WorkerContext, token: Token) -> JobSpec:
    """Make the run directory and return what to submit.

    Raises ``FileWorkPendingError`` while its files are worked on, ``BadArchiveError`` where the participant's file is not usable,
    ``OperatorError`` where the site's settings or storage are at fault, and ``UnreachableError`` where files could not
    be carried to the nodes. No job has been sent to the cluster then.
    """
    work = work_to_prepare(context, token)
    directory = context.cluster.run_directory(work.job.id, token)
    directory.mkdir(parents=True, exist_ok=True, mode=0o700)
    run_notes.write_work(directory, work)
    looked = take(context, work, directory / SOURCE) if isinstance(work, BuildWork) else None
    staged = context.file_work.done(
        token,
        Part.PREPARE,
        lambda: stage(context, work, directory, looked),
        size=_size(context, work),
        alone=_shared(work),
    )
    if staged.work != work:
        # What was approved, or asked for, is something else by now.
        context.file_work.forget(token)
        raise FileWorkPendingError
    script = _script(context, staged, token, directory)
    return _spec(context, work, script, directory)


def _size(context: WorkerContext, work: Work) -> int:
    """Return about how many bytes have to be gone through."""
    if isinstance(work, BuildWork):
        return context.size_of_upload(work.source_sha256)
    if isinstance(work, RunWork):
        weights = context.size_of_upload(work.weights.blob_sha256) if work.weights else 0
        return weights + context.size_of_upload(work.submission.blob_sha256)
    return 0


def _shared(work: Work) -> str:
    """Return the digest of what is unpacked once for many runs; nothing where there is none."""
    if not isinstance(work, RunWork):
        return ""
    if work.weights:
        return work.weights.blob_sha256
    return (work.task.sample or "") if work.submission.is_smoke else ""


def stage(
    context: WorkerContext, work: Work, directory: Path, looked: Looked | None = None
) -> Staged:
    """Put all files in place that a job needs, on the nodes as well. Raises what ``prepare`` does.

    ``looked`` is what was found in the upload of an image already, whose copy then lies in the directory.

    All that takes as long as the files are large is done here, and nothing of it asks the database.
    """
    staged = Staged(work=work)
    if isinstance(work, BuildWork):
        staged = Staged(work=work, build=_build(context, work, directory, looked))
    elif isinstance(work, RunWork):
        staged = Staged(work=work, binds=_binds(context, work, directory))
    _carry(context, directory, *(bind.source for bind in staged.binds))
    return staged


def _script(context: WorkerContext, staged: Staged, token: Token, directory: Path) -> str:
    work, place = staged.work, PurePosixPath(directory)
    if isinstance(work, RunWork):
        run = _sealed_run(context, work, directory, staged.binds)
        return run_script(run, token=token, directory=place)
    if isinstance(work, MeasureWork):
        return measure_script(measure_of(context, work), token=token, directory=place)
    if staged.build is None:
        raise OperatorError(f"nothing lies ready for the build of image {work.image_id}")
    return build_script(staged.build, token=token, directory=place)


def _profile(context: WorkerContext, work: Work) -> Profile:
    """Return where it runs: on private data, in the profile that an operator approved."""
    profiles = context.resources.profiles
    if isinstance(work, RunWork) and not work.submission.is_smoke:
        scores = work.job.kind is JobKind.SCORE
        approved = profiles.get(work.task.score_profile if scores else work.task.predict_profile)
        if approved is not None and approved.cluster == work.job.cluster:
            return approved
    return profiles[work.job.profile]


def _carry(context: WorkerContext, directory: Path, *sources: PurePosixPath) -> None:
    """Let the nodes have the run directory, and what else of the storage the job reads.

    Private data is on the nodes already, and images are made there.
    """
    ours = [Path(one) for one in sources if one.is_relative_to(context.cluster.storage)]
    for path in (directory, *ours):
        context.cluster.files.put(path)


def _share(context: WorkerContext, work: Work) -> Share:
    """Return the share of the challenge; a build is nobody's, as many can use its image."""
    if isinstance(work, RunWork):
        return context.resources.share_of(work.challenge.slug)
    return UNLIMITED


def time_request(context: WorkerContext, profile: Profile, *images: Sha256) -> timedelta:
    """Return what Slurm is asked for where a job checks these images first: at most what an upload may take."""
    size = sum(_size_of(context, image) for image in images)
    return profile.requested_time(min(size, context.resources.upload_limit))


def _size_of(context: WorkerContext, image: Sha256) -> int:
    try:
        return context.cluster.image(image).lstat().st_size
    except FileNotFoundError:
        # Where files are carried, images stay on the nodes, where they were made.
        return size_of_image(context, image)


def _spec(context: WorkerContext, work: Work, script: str, directory: Path) -> JobSpec:
    profile, share = _profile(context, work), _share(context, work)
    place = PurePosixPath(directory)
    return JobSpec(
        script=script,
        workdir=place,
        stdout=place / "slurm.out",
        stderr=place / "slurm.err",
        partition=profile.partition,
        cpus=profile.cpus,
        memory_mib=profile.memory_mib,
        time_limit=time_request(context, profile, *_checked_images(work)),
        account=share.account or profile.account,
        qos=share.qos or profile.qos,
        gres=profile.gres,
        exclusive=profile.exclusive,
        comment="sealrun",
    )


def _checked_images(work: Work) -> tuple[Sha256, ...]:
    """Return the images that a job reads whole before it does anything with them."""
    match work:
        case RunWork():
            return (work.probe.sif_sha256, work.image.sif_sha256)
        case BuildWork(base=BaseFacts() as base):
            return (base.sif_sha256,)
    return ()


def _build(
    context: WorkerContext, work: BuildWork, directory: Path, looked: Looked | None
) -> Build:
    if work.kind is ImageKind.CODE:
        return _code_build(context, work, directory)
    source = context.take_upload(work.source_sha256, directory / SOURCE)
    if looked is None:
        limits = ImageLimits(architecture=_profile(context, work).architecture)
        found, signature = look_into(source, limits, context.resources.sif)
    else:
        found, signature = looked.found, looked.signature
    return Build(
        kind=BuildKind.SIF if found.format == "sif" else BuildKind.ARCHIVE,
        source=PurePosixPath(source),
        source_sha256=work.source_sha256,
        layout=found.layout,
        chosen=found.chosen,
        signature=signature,
        size_limit=context.resources.upload_limit,
        node=context.cluster.node,
    )


def _code_build(context: WorkerContext, work: BuildWork, directory: Path) -> Build:
    if work.base is None:
        raise OperatorError(f"image {work.image_id} has no base image")
    with context.upload(work.source_sha256, directory) as source:
        packed = repack_code(source, directory / "code.tar")
    return Build(
        kind=BuildKind.CODE,
        source=PurePosixPath(directory / "code.tar"),
        source_sha256=packed.sha256,
        base=PurePosixPath(context.cluster.image(work.base.sif_sha256)),
        base_sha256=work.base.sif_sha256,
        packages=_packages(context, directory),
        size_limit=context.resources.upload_limit,
        node=context.cluster.node,
    )


def _packages(context: WorkerContext, directory: Path) -> Packages | None:
    """Write down for pip what the code in the run directory asks for; None where nothing is installed."""
    wheelhouse = context.cluster.wheelhouse
    asked = requirements_to_install(directory / "code.tar").encode("ascii") if wheelhouse else b""
    if not (wheelhouse and asked):
        return None
    target = directory / "requirements.txt"
    target.write_bytes(asked)
    return Packages(
        wheelhouse=PurePosixPath(wheelhouse),
        requirements=PurePosixPath(target),
        requirements_sha256=hashlib.sha256(asked).hexdigest(),
    )


def _sealed_run(
    context: WorkerContext, work: RunWork, directory: Path, binds: tuple[Bind, ...]
) -> SealedRun:
    scores = work.job.kind is JobKind.SCORE
    profile = _profile(context, work)
    return SealedRun(
        image=PurePosixPath(context.cluster.image(work.image.sif_sha256)),
        image_sha256=work.image.sif_sha256,
        probe_image=PurePosixPath(context.cluster.image(work.probe.sif_sha256)),
        probe_sha256=work.probe.sif_sha256,
        argv=tuple(work.task.score_argv if scores else work.task.predict_argv),
        binds=(*_private_binds(context, work), *binds, _output(directory)),
        environment=_environment(work),
        data=directories_to_verify(context, work),
        gpu=profile.has_gpu,
        time_limit=int(profile.time_limit.total_seconds()),
        file_size_limit=context.resources.output_limit,
        output_limit=work.task.output_limit,
        output_files=work.task.output_files,
        scratch_limit=context.resources.scratch_limit,
        disk=context.resources.disk,
        process_limit=context.resources.process_limit,
        node=context.cluster.node,
    )


def _environment(work: RunWork) -> dict[str, str]:
    return {
        "SEALRUN_INPUT": "/input",
        "SEALRUN_OUTPUT": "/output",
        "SEALRUN_SUBMISSION": "/submission",
        "SEALRUN_TASK": work.task_slug,
        "SEALRUN_PHASE": work.phase.slug,
        "SEALRUN_SMOKE": "1" if work.submission.is_smoke else "0",
    }


def _private_binds(context: WorkerContext, work: RunWork) -> tuple[Bind, ...]:
    """Return what a run sees of private data; one on the public sample sees none."""
    if work.job.kind is JobKind.SCORE:
        truth = _data(context, work, work.task.truth_data)
        return (Bind(source=truth, target=PurePosixPath("/input/ref")),)
    if work.submission.is_smoke:
        return ()
    return (
        Bind(source=_data(context, work, work.task.input_data), target=PurePosixPath("/input")),
    )


def _binds(context: WorkerContext, work: RunWork, directory: Path) -> tuple[Bind, ...]:
    """Return what a run sees of the storage: what is scored, or the sample and weights."""
    if work.job.kind is JobKind.SCORE:
        scored = _predictions(context, work, directory)
        return (Bind(source=PurePosixPath(scored), target=PurePosixPath("/input/res")),)
    weights = weights_binds(context, work.weights)
    if not work.submission.is_smoke:
        return weights
    sample = sample_of(context, work)
    return (Bind(source=PurePosixPath(sample), target=PurePosixPath("/input")), *weights)


def _output(directory: Path) -> Bind:
    return Bind(
        source=PurePosixPath(directory / "output"), target=PurePosixPath("/output"), writable=True
    )


def _predictions(context: WorkerContext, work: RunWork, directory: Path) -> Path:
    """Return the directory that is scored: a predict job's collected output, or the upload."""
    if work.predict is not None and predicted(context, work) is not None:
        place = work.predict
        collected = context.cluster.run_directory(place.job_id, Token(place.token)) / "collected"
        if not collected.is_dir():
            raise UntrustedValueError("jobs", "a prediction that was never ingested", place.job_id)
        return collected
    if work.submission.kind is not SubmissionKind.RESULTS:
        raise OperatorError(f"evaluation {work.evaluation.id} has no prediction")
    target = directory / "results"
    with context.upload(work.submission.blob_sha256, directory) as source:
        unpack_results(
            source,
            target,
            required=work.task.required_outputs,
            max_bytes=work.task.output_limit,
            max_files=work.task.output_files,
            filename=work.submission.filename,
        )
    return target


def _data(context: WorkerContext, work: RunWork, name: str) -> PurePosixPath:
    """Return a data directory that this challenge may mount; the site's list decides each time."""
    data = context.resources.data.get(name)
    if data is None or work.challenge.slug not in data.challenges:
        raise OperatorError(f"challenge {work.challenge.slug} may not mount the data {name!r}")
    return data.path
