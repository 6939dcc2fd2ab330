"""How values are written on pages: plain functions that the templates use by name."""

from datetime import UTC, datetime, timedelta

from portal.domain.challenges import time_zones
from portal.domain.leaderboards import scores
from portal.domain.submissions import limits

_UNITS = ("bytes", "KiB", "MiB", "GiB", "TiB")
_STEP = 1024


def moment(value: datetime) -> str:
    """Write a moment for people, to the minute: exact times would tell how long a job ran."""
    utc = value.astimezone(UTC)
    return f"{utc.day} {utc:%b %Y, %H:%M} UTC"


def local_moment(value: datetime, zone: str) -> str:
    """Write a moment in the time zone of a challenge; empty where it has none."""
    return time_zones.beside_utc(value, zone)


def day(value: datetime) -> str:
    """Write the day of a moment."""
    utc = value.astimezone(UTC)
    return f"{utc.day} {utc:%b %Y}"


def machine_moment(value: datetime) -> str:
    """Write a moment for the ``datetime`` attribute, to the minute as well."""
    return f"{value.astimezone(UTC):%Y-%m-%dT%H:%MZ}"


def file_size(size: int) -> str:
    """Write a number of bytes with its unit."""
    if size < _STEP:
        return f"{size} {'byte' if size == 1 else 'bytes'}"
    number = float(size)
    unit = 0
    while number >= _STEP and unit < len(_UNITS) - 1:
        number /= _STEP
        unit += 1
    return f"{number:.1f}".removesuffix(".0") + f" {_UNITS[unit]}"


def memory(mebibytes: int) -> str:
    """Write an amount of main memory."""
    return file_size(mebibytes * _STEP * _STEP)


def duration(value: timedelta) -> str:
    """Write a length of time in days, hours and minutes."""
    minutes = int(value.total_seconds()) // 60
    parts = (
        (minutes // 1440, "day"),
        (minutes // 60 % 24, "hour"),
        (minutes % 60, "minute"),
    )
    written = [f"{n} {word}{'' if n == 1 else 's'}" for n, word in parts if n]
    return " ".join(written) or "less than a minute"


def wait(value: timedelta) -> str:
    """Write how long somebody has to wait, never less than it is."""
    return limits.how_long(value)


def gpus(gres: str | None) -> str:
    """Write which GPUs a job gets, from Slurm's own word for it."""
    kind, *rest = (gres or "").split(":")
    if kind != "gpu":
        return "none"
    count = rest[-1] if rest and rest[-1].isdecimal() else "1"
    model = rest[0] if rest and not rest[0].isdecimal() else ""
    return f"{count} of type {model}" if model else count


def score(value: float, precision: int) -> str:
    """Write a score with all the digits of its column, so that points stand below each other."""
    return scores.written(value, precision)


def counted(number: int, one: str, many: str = "") -> str:
    """Write a number with its noun."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"
