"""The values that pass between the portal and this package. No behaviour.

A *run directory* belongs to one attempt and lies on storage that the node sees at the same path.
The script that this package writes creates these names in it, and nothing else::

    claim/        made by the first act of the script; whoever makes it owns the attempt
    image.check   the output of the digest check
    probe.json    what the isolation probe saw on this node (predict and score)
    versions      lines ``name value``: apptainer, kernel, slurm, node
    reason        a single word, written when the script ends for a reason of its own
    stdout.log    the container's output, cut at ``LOG_LIMIT`` bytes
    stderr.log
    exit          the container's exit code, decimal
    output/       mounted read-write at /output
    done          the attempt's token; written last, by rename
"""

from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import PurePosixPath

LOG_LIMIT = 1024 * 1024
"""Bytes of standard output and of standard error that are kept of a container."""


class StopReason(StrEnum):
    """Why a script ended before or instead of its work; the word in the file ``reason``."""

    CLAIMED = "claimed"  #: another attempt, or the portal giving up, holds the claim
    IMAGE_CHANGED = "image_changed"  #: the SIF's digest is not the recorded one
    ISOLATION_UNAVAILABLE = "isolation_unavailable"  #: the probe saw more than it may
    BUILD_FAILED = "build_failed"  #: apptainer could not make an image of it
    IMAGE_START = "image_start"  #: apptainer could not start the container


@dataclass(frozen=True, slots=True, kw_only=True)
class Bind:
    """A directory or file that the container sees."""

    source: PurePosixPath
    target: PurePosixPath
    writable: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class SealedRun:
    """One container to run sealed off: no network, no capability, only these binds."""

    image: PurePosixPath
    image_sha256: str
    probe_image: PurePosixPath
    probe_sha256: str
    argv: tuple[str, ...]
    binds: tuple[Bind, ...]
    environment: dict[str, str] = field(default_factory=dict)
    gpu: bool = False
    file_size_limit: int = 2 * 1024**3
    """Bytes that one file may have (``ulimit -f``)."""
    process_limit: int = 4096


class BuildKind(StrEnum):
    """What an image is made of."""

    ARCHIVE = "archive"  #: a ``docker save`` or OCI archive
    SIF = "sif"  #: an image that is only checked and taken over
    CODE = "code"  #: a plain tar of files, laid over a base image at /submission


@dataclass(frozen=True, slots=True, kw_only=True)
class Build:
    """One image to make, as a throwaway job without network.

    The script writes ``image.sif`` and ``image.sha256`` (64 hex digits) into its run directory.
    """

    kind: BuildKind
    source: PurePosixPath
    source_sha256: str
    base: PurePosixPath | None = None
    """The base SIF, for ``CODE``."""
    base_sha256: str | None = None
    size_limit: int = 20 * 1024**3
    """Bytes that the image may have."""
