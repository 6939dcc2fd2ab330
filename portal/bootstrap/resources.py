"""What a site offers to its challenges, as plain values."""

from datetime import timedelta
from pathlib import PurePosixPath

from portal.domain.challenges.profiles import DataDirectory, Profile, Resources, SifPolicy
from portal.domain.errors import OperatorError
from portal.domain.evaluations.shares import Share
from portal.domain.retention import KEYS, ArtifactKind, Policy
from portal.files.images.keys import read_image_key
from site_config.site import Images, Periods, Site


def resources_of(settings: Site) -> Resources:
    """Return what the settings offer. Raises ``OperatorError`` for files that cannot be read."""
    return Resources(
        profiles={name: profile_of(settings, name) for name in settings.profiles},
        build_profiles={name: cluster.build for name, cluster in settings.clusters.items()},
        data={
            name: DataDirectory(
                name=name,
                path=PurePosixPath(data.path),
                challenges=frozenset(data.challenges),
                measure=data.measure,
                recheck=data.recheck,
                profile=data.profile,
            )
            for name, data in settings.data.items()
        },
        upload_limit=settings.limits.upload,
        weights_limit=settings.limits.weights,
        output_limit=settings.limits.output,
        output_files=settings.limits.output_files,
        scratch_limit=settings.limits.scratch,
        disk=settings.limits.disk,
        process_limit=settings.limits.processes,
        sif=_sif_policy(settings.images),
        retention=Policy(
            default=_periods(settings.retention.default),
            longest=_periods(settings.retention.longest),
            refused=settings.retention.refused,
        ),
        shares={slug: Share(**dict(share)) for slug, share in settings.shares.items()},
    )


def _sif_policy(images: Images) -> SifPolicy:
    try:
        keys = tuple(read_image_key(file) for file in images.keys)
    except (OSError, ValueError) as problem:
        raise OperatorError(f"images.keys: {problem}") from problem
    return SifPolicy(taken=images.sif != "refuse", keys=keys)


def _periods(periods: Periods) -> dict[ArtifactKind, timedelta]:
    said = dict(periods)
    return {kind: said[key] for kind, key in KEYS.items() if said[key] is not None}


def profile_of(settings: Site, name: str) -> Profile:
    """Return a profile with the account and the qos that its jobs get."""
    profile = settings.profiles[name]
    slurm = settings.clusters[profile.cluster].slurm
    return Profile(
        name=name,
        cluster=profile.cluster,
        partition=profile.partition,
        cpus=profile.cpus,
        memory_mib=profile.memory // 1024**2,
        time_limit=profile.time,
        gres=profile.gres,
        account=profile.account or slurm.account,
        qos=profile.qos or slurm.qos,
        running=profile.running,
        exclusive=profile.exclusive,
        nodes=profile.nodes,
        sample=profile.sample,
        architecture=profile.architecture,
    )
