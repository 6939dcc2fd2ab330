"""Why an evaluation failed: a code, what the team is shown, and whether it counts.

The sentences name no number and no path that depends on the data, so that a failure tells the team
what to change and nothing about what its code read.
"""

from dataclasses import dataclass, replace
from enum import StrEnum


class FailureReason(StrEnum):
    """The typed reasons; each has a row in ``FAILURES``."""

    BAD_ARCHIVE = "bad_archive"
    BUILD_FAILED = "build_failed"
    UNSIGNED = "unsigned"
    ENVIRONMENT = "environment"
    IMAGE_TOO_LARGE = "image_too_large"
    IMAGE_START = "image_start"
    EXIT_CODE = "exit_code"
    TIME_LIMIT = "time_limit"
    MEMORY_LIMIT = "memory_limit"
    NO_OUTPUT = "no_output"
    OUTPUT_LIMIT = "output_limit"
    BAD_OUTPUT_ENTRY = "bad_output_entry"
    BAD_OUTPUT = "bad_output"
    UNFINISHED = "unfinished"
    BAD_SCORES = "bad_scores"
    SCORER_FAILED = "scorer_failed"
    ISOLATION_UNAVAILABLE = "isolation_unavailable"
    IMAGE_CHANGED = "image_changed"
    INFRASTRUCTURE = "infrastructure"
    REFUSED = "refused"
    LOST = "lost"
    PREPARATION = "preparation"
    NO_RESULT = "no_result"
    """What a team is shown instead of a reason that could depend on private data."""


@dataclass(frozen=True, slots=True)
class Failure:
    """What a reason means."""

    title: str
    """A few words, for lists."""
    advice: str
    """What the team can do, in one or two sentences."""
    counts: bool
    """Whether the submission counts against the team's limits."""


_SITE = (
    "This was not your doing and does not count. The people who run this site have been notified."
)

FAILURES: dict[FailureReason, Failure] = {
    FailureReason.BAD_ARCHIVE: Failure(
        "The upload could not be used",
        "The file is not what the chosen kind needs. Correct the archive and submit it again.",
        counts=True,
    ),
    FailureReason.BUILD_FAILED: Failure(
        "No image could be made of it",
        "Apptainer could not turn the upload into an image. Check that the archive is complete "
        "and that it starts on your own machine.",
        counts=True,
    ),
    FailureReason.UNSIGNED: Failure(
        "The image is not signed by a key that this site accepts",
        "This site runs a SIF only if one of the keys that it knows has signed it. Sign it with apptainer sign "
        "--key, or submit what docker save has written.",
        counts=True,
    ),
    FailureReason.ENVIRONMENT: Failure(
        "The environment could not be installed",
        "A package that requirements.txt asks for is not in this site's collection, or not in a "
        "version that fits the others and the base image.",
        counts=True,
    ),
    FailureReason.IMAGE_TOO_LARGE: Failure(
        "The image is too large",
        "The image, or what it unpacks to, is larger than this site allows.",
        counts=True,
    ),
    FailureReason.IMAGE_START: Failure(
        "The image did not start",
        "The program that the challenge starts is missing in the image or cannot be executed.",
        counts=True,
    ),
    FailureReason.EXIT_CODE: Failure(
        "Your program ended with an error",
        "It ended with an exit code other than 0. Run it on the public sample in the same image.",
        counts=True,
    ),
    FailureReason.TIME_LIMIT: Failure(
        "It ran out of time",
        "The program was still running when its time was over. The time limit stands on the "
        "page of the challenge.",
        counts=True,
    ),
    FailureReason.MEMORY_LIMIT: Failure(
        "It needed too much memory",
        "The program asked for more memory than the job has. The limit stands on the page of "
        "the challenge.",
        counts=True,
    ),
    FailureReason.NO_OUTPUT: Failure(
        "A required output file is missing",
        "The program ended well, but did not leave the files that the challenge asks for in "
        "/output.",
        counts=True,
    ),
    FailureReason.OUTPUT_LIMIT: Failure(
        "The output is too large",
        "The files in /output are larger, or more, than the challenge allows, or those in /tmp than "
        "the site does.",
        counts=True,
    ),
    FailureReason.BAD_OUTPUT_ENTRY: Failure(
        "The output holds something other than files",
        "Only ordinary files and directories are taken from /output, no pipes or devices; what is asked for may not be a link.",
        counts=True,
    ),
    FailureReason.BAD_OUTPUT: Failure(
        "The output could not be scored",
        "The scorer could not read the output. Check its form against the page of the challenge.",
        counts=True,
    ),
    FailureReason.UNFINISHED: Failure(
        "It did not come to a proper end",
        "The program, or what it left behind, kept the run from ending as it should: processes or "
        "directories that cannot be removed, a full disk, a node that failed under it each time.",
        counts=True,
    ),
    FailureReason.BAD_SCORES: Failure("The scorer gave no valid scores", _SITE, counts=False),
    FailureReason.SCORER_FAILED: Failure("The scorer failed", _SITE, counts=False),
    FailureReason.ISOLATION_UNAVAILABLE: Failure(
        "The node could not be sealed off", _SITE, counts=False
    ),
    FailureReason.IMAGE_CHANGED: Failure("The image is not the one recorded", _SITE, counts=False),
    FailureReason.INFRASTRUCTURE: Failure("The cluster failed", _SITE, counts=False),
    FailureReason.REFUSED: Failure("The cluster refused the job", _SITE, counts=False),
    FailureReason.LOST: Failure("The job was lost", _SITE, counts=False),
    FailureReason.PREPARATION: Failure("The job could not be prepared", _SITE, counts=False),
    FailureReason.NO_RESULT: Failure(
        "It gave no result",
        "The program or its output failed on the private data. In which way is shown to nobody but "
        "the organisers, as that could give the data away. Run it on the public sample.",
        counts=True,
    ),
}

_COUNTED = (
    "It counts against the team's limits all the same: a program can bring it about, or the people who run this"
    " site have decided so. They have been notified."
)


def explained(reason: FailureReason, *, counts: bool) -> Failure:
    """Return what a reason means for a submission of which it is known whether it counts.

    In a sealed phase also what is the site's fault counts, and staff can decide either way.
    """
    failure = FAILURES[reason]
    if counts and not failure.counts:
        return replace(failure, advice=_COUNTED, counts=True)
    return replace(failure, counts=counts)
