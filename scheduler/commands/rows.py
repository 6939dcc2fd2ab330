"""What squeue and sacct are asked for, and what they print: rows of fields, seconds since the epoch, exit codes.

The fields are divided by the unit separator, which no state, reason or name contains.
"""

import re
from collections.abc import Collection, Iterator
from datetime import UTC, datetime

from scheduler.checks import check_token
from scheduler.errors import UnexpectedAnswerError
from scheduler.interface import Token

SEPARATOR = "\x1f"

EPOCH_SECONDS = ("env", "SLURM_TIME_FORMAT=%s")
"""Put before a command: its times are then seconds since the epoch, whatever the cluster's time zone."""

# What is printed where there is no time: squeue's words, then sacct's.
_NO_TIME = frozenset({"", "N/A", "NONE", "Unknown", "None"})
_EXIT_CODE = re.compile(r"(\d{1,5}):(\d{1,5})", re.ASCII)
_WAIT_STATUS = re.compile(r"\d{1,5}", re.ASCII)
_SECONDS = re.compile(r"\d{1,11}", re.ASCII)
_JOB_ID = re.compile(r"\d{1,10}", re.ASCII)

# Through SSH the whole command is one argument of the login shell, and Linux allows 128 KiB for that.
_MAX_NAMES_BYTES = 90_000


def name_filter(tokens: Collection[Token]) -> list[str]:
    """Return the option that selects jobs named in ``tokens``, or nothing where they are too many.

    Without it the command lists all jobs of the account, and the reader has to pick.
    """
    names = ",".join(sorted(check_token(token) for token in tokens))
    return [f"--name={names}"] if len(names) <= _MAX_NAMES_BYTES else []


def split_rows(stdout: bytes, count: int) -> Iterator[list[str]]:
    """Yield the fields of each row. Raises ``UnexpectedAnswerError`` for a row without ``count`` of them."""
    for line in stdout.decode(errors="replace").split("\n"):
        if not line.strip():
            continue
        fields = [field.strip() for field in line.removesuffix(SEPARATOR).split(SEPARATOR)]
        if len(fields) != count:
            raise UnexpectedAnswerError(
                f"expected {count} fields, got {len(fields)}: {line[:200]!r}"
            )
        yield fields


def read_time(text: str) -> datetime | None:
    """Return the UTC time of ``text`` in epoch seconds, or None where Slurm has none."""
    if text in _NO_TIME:
        return None
    if not _SECONDS.fullmatch(text):
        raise UnexpectedAnswerError(f"not a time in epoch seconds: {text[:40]!r}")
    seconds = int(text)
    return datetime.fromtimestamp(seconds, UTC) if seconds else None


def read_exit(text: str) -> tuple[int, int]:
    """Return exit code and signal of ``code:signal``, or of the bare wait status of squeue 22.05."""
    if _WAIT_STATUS.fullmatch(text):
        status = int(text)
        return status >> 8, status & 0x7F
    if not (match := _EXIT_CODE.fullmatch(text)):
        raise UnexpectedAnswerError(f"not an exit code: {text[:40]!r}")
    return int(match[1]), int(match[2])


def read_job_id(text: str) -> str:
    """Return ``text`` if it is a plain job id."""
    if not _JOB_ID.fullmatch(text):
        raise UnexpectedAnswerError(f"not a job id: {text[:40]!r}")
    return text
