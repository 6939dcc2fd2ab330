"""The values that pass between the portal and this package. No behaviour.

A *run directory* belongs to one attempt and lies on storage that the node sees at the same path.
The script that this package writes creates these names in it, and nothing else::

    claim/        made by the first act of the script; whoever makes it owns the attempt
    claim/token   the attempt's token, written by the script; the portal's own claim has none
    image.check   lines ``name seen expected how`` of the digest checks; how: ``computed`` in this job, or ``known``
                  since it was computed on this node, of a file that has not changed since
    probe.json    what the isolation probe saw on this node (predict and score)
    probe.log     what Apptainer said while it started the probe
    versions      lines ``name value``: apptainer, kernel, slurm, node, and processes: whether those of the run
                  are counted ``apart``, or ``shared`` with all of the account on the node, and space: whether
                  what it writes is bounded by file systems of ``fixed`` size, or ``watched``
    started       the attempt's token, written right before the container starts: before it nothing of the image
                  has run, so that no data was read
    reason        a single word, written when the script ends for a reason of its own
    stdout.log    the container's output; if ``LOG_LIMIT`` bytes are not enough, its first and last half of that
    stderr.log
    exit          the container's exit code, decimal (0 for a build)
    output/       mounted read-write at /output, where the run binds it
    environment.lock what was installed from requirements.txt (build), as pip takes it
    data          what the data looks like on the node: a digest for each of ``SealedRun.data``
    manifest      records of what lies in a data directory, each ended by a zero byte (measure)
    measured      its fingerprint, and the number and bytes of its files (measure)
    image.sif     the image (build), moved into place when it is whole
    image.sha256  its 64 hex digits (build)
    done          the attempt's token; written last, by rename

``.NAME.part`` is a file that is being written; without ``done`` it means nothing.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import PurePosixPath
from types import MappingProxyType
from typing import Literal

UNPACKED_FILES = 1_000_000
"""Files and directories that the build of an image may make on the way."""
UNPACKED_LIMIT = 60 * 1024**3
"""Bytes that the build of an image may need on the way."""
LOG_LIMIT = 1024 * 1024
"""Bytes of standard output and of standard error that are kept of a container."""


class StopReason(StrEnum):
    """Why a script ended before or instead of its work; the word in the file ``reason``."""

    CLAIMED = "claimed"  #: another attempt, or the portal giving up, holds the claim
    NODE_UNFIT = (
        "node_unfit"  #: the node lacks room, a program or the storage; not the team's doing
    )
    IMAGE_CHANGED = "image_changed"  #: the SIF's digest is not the recorded one
    ISOLATION_UNAVAILABLE = "isolation_unavailable"  #: the probe saw more than it may
    BUILD_FAILED = "build_failed"  #: apptainer could not make an image of it
    UNSIGNED = "unsigned"  #: no key of the site's has signed the SIF
    ENVIRONMENT = "environment"  #: pip could not install what requirements.txt asks for
    IMAGE_TOO_LARGE = "image_too_large"  #: the image, or what it unpacks to, is over the limit
    IMAGE_START = "image_start"  #: apptainer could not start the container
    TIME_LIMIT = "time_limit"  #: the container still ran when its time was over
    OUTPUT_LIMIT = "output_limit"  #: output or scratch grew over their limits while it ran
    DATA_STRANGE = (
        "data_strange"  #: the data directory holds more than directories, links and files
    )
    DATA_CHANGED = "data_changed"  #: the data directory changed while it was measured
    LEFT_BEHIND = "left_behind"  #: something of the container outlived it


EXIT_CODES: Mapping[StopReason, int] = MappingProxyType(
    {
        StopReason.NODE_UNFIT: 74,
        StopReason.CLAIMED: 75,
        StopReason.IMAGE_CHANGED: 76,
        StopReason.ISOLATION_UNAVAILABLE: 77,
        StopReason.BUILD_FAILED: 78,
        StopReason.UNSIGNED: 78,
        StopReason.ENVIRONMENT: 78,
        StopReason.IMAGE_TOO_LARGE: 78,
        StopReason.IMAGE_START: 79,
        StopReason.LEFT_BEHIND: 80,
        StopReason.TIME_LIMIT: 81,
        StopReason.OUTPUT_LIMIT: 82,
        StopReason.DATA_STRANGE: 83,
        StopReason.DATA_CHANGED: 84,
    }
)
"""What the script exits with. A container may exit with the same number: ``reason`` decides."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bind:
    """A directory or file that the container sees."""

    source: PurePosixPath
    target: PurePosixPath
    writable: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """Where things are on the site's nodes, and what they must be."""

    minimum: str = "1.0"
    """Oldest release of Apptainer that may run anything, as ``1.3.6``."""
    apptainer: PurePosixPath = field(default=PurePosixPath("/usr/bin/apptainer"))
    scratch: PurePosixPath = field(default=PurePosixPath("/tmp"))  # noqa: S108 - a job has its own
    """A directory, private to the job, in which a run makes its throwaway directory."""
    verified: tuple[PurePosixPath, ...] = (PurePosixPath("/run/sealrun"), PurePosixPath("/var/tmp"))  # noqa: S108
    """Where a node may keep, from one job to the next, which images were verified; the first that is fit for it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SealedRun:
    """One container to run sealed off: no network, no capability, only these binds."""

    image: PurePosixPath
    image_sha256: str
    probe_image: PurePosixPath
    probe_sha256: str
    argv: tuple[str, ...]
    binds: tuple[Bind, ...]
    """At most one is writable; its source is made, as a directory, where it is missing."""
    environment: Mapping[str, str] = field(default_factory=dict)
    data: tuple[PurePosixPath, ...] = ()
    """Directories of which the script writes down what they look like, before the image starts."""
    time_limit: int = 0
    """Seconds that the container has, to the second where Slurm counts minutes; 0: Slurm's alone."""
    gpu: bool = False
    file_size_limit: int = 2 * 1024**3
    """Bytes that one file may have (``ulimit -f``)."""
    output_limit: int | None = None
    """Bytes in the writable directory at which a run is ended; looked at every few seconds."""
    output_files: int = 100_000
    """Files and directories in it at which a run is ended, where ``output_limit`` is set."""
    scratch_limit: int = 16 * 1024**3
    """Bytes in /tmp and /var/tmp together at which a run is ended."""
    scratch_files: int = 1_000_000
    """Files and directories in them at which a run is ended."""
    disk: Literal["auto", "fixed", "watched"] = "auto"
    """How space is bounded: by file systems of fixed size, by looking at it, or the first where the node can."""
    process_limit: int = 4096
    """Processes and threads of the run, where the node's kernel counts them for each user namespace.

    Elsewhere it counts those of the account, and they are on top of what the account has on the node when the
    run starts: that stops a fork bomb, and must leave room for the account's other jobs.
    """
    node: Node = field(default_factory=Node)


class BuildKind(StrEnum):
    """What an image is made of."""

    ARCHIVE = "archive"  #: a ``docker save`` or OCI archive
    SIF = "sif"  #: an image that is only checked and taken over
    CODE = "code"  #: a plain tar of files, laid over a base image at /submission


@dataclass(frozen=True, slots=True, kw_only=True)
class Signature:
    """What has to be signed in a SIF, and by whom."""

    part: int
    """The id of the data object that is the system."""
    keys: tuple[str, ...]
    """Public keys as PEM texts, of which one has to have signed it; at least one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Packages:
    """What pip installs into an image that is made from code."""

    wheelhouse: PurePosixPath
    """Directory of wheels: there is nothing else to install from."""
    requirements: PurePosixPath
    """What to install, one requirement a line. Written by the caller: pip obeys more than names and versions."""
    requirements_sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Build:
    """One image to make, as a throwaway job without network.

    The script writes ``image.sif`` and ``image.sha256`` (64 hex digits) into its run directory.
    """

    kind: BuildKind
    source: PurePosixPath
    source_sha256: str
    layout: Literal["", "docker", "oci"] = ""
    """As what an ``ARCHIVE`` is read that can be read as both; by the names in it where nothing is said."""
    chosen: str = ""
    """Of an ``ARCHIVE`` with several images: what takes the place of its ``manifest.json`` or ``index.json``.

    It names the one image to make; it belongs to a ``layout``.
    """
    base: PurePosixPath | None = None
    """The base SIF, for ``CODE``."""
    base_sha256: str | None = None
    packages: Packages | None = None
    """What is installed beside ``CODE``; nothing is without."""
    signature: Signature | None = None
    """What a ``SIF`` has to be signed with; none is asked for without."""
    size_limit: int = 20 * 1024**3
    """Bytes that the image may have."""
    unpacked_limit: int = UNPACKED_LIMIT
    """Bytes that the build may need on the way."""
    unpacked_files: int = UNPACKED_FILES
    """Files and directories that the build may make on the way."""
    process_limit: int = 4096
    """As of a sealed run."""
    node: Node = field(default_factory=Node)


@dataclass(frozen=True, slots=True, kw_only=True)
class Measure:
    """A directory of which a job says what is in it: every file with its digest."""

    directory: PurePosixPath
    node: Node = field(default_factory=Node)
