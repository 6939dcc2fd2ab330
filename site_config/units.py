"""Sizes such as ``2G`` and durations such as ``1h30m``, as people write them in settings."""

import re
from datetime import timedelta
from typing import Annotated

from pydantic import BeforeValidator

from site_config.value_kinds import Kind

_SIZE = re.compile(r"([0-9]{1,12})([KMGT]?)")
_DURATION = re.compile(r"(?:([0-9]{1,6})d)?(?:([0-9]{1,6})h)?(?:([0-9]{1,6})m)?(?:([0-9]{1,6})s)?")
_UNITS = {
    "": 1,
    "K": 1024,
    "M": 1024 * 1024,
    "G": 1024 * 1024 * 1024,
    "T": 1024 * 1024 * 1024 * 1024,
}


def parse_size(text: object) -> int:
    """Return the bytes that ``500M`` or ``2G`` stands for; the letters are powers of 1024, as in Slurm.

    Raise ``ValueError`` with a sentence for anything else.
    """
    match = _SIZE.fullmatch(text) if isinstance(text, str) else None
    if match is None:
        raise ValueError("must be a size such as 500M or 2G (K, M, G and T are powers of 1024)")
    return int(match[1]) * _UNITS[match[2]]


def parse_duration(text: object) -> timedelta:
    """Return the time that ``20m``, ``1h30m`` or ``2d`` stands for.

    A bare number is refused, since ``time: 30`` means minutes to Slurm and seconds to most others.
    Raise ``ValueError`` with a sentence for anything else.
    """
    match = _DURATION.fullmatch(text) if isinstance(text, str) else None
    if match is None or not any(match.groups()):
        raise ValueError("must be a duration with its unit, such as 30s, 20m, 1h30m or 2d")
    days, hours, minutes, seconds = (int(part or 0) for part in match.groups())
    return timedelta(days=days, hours=hours, minutes=minutes, seconds=seconds)


def format_size(size: int) -> str:
    """Write bytes with the largest unit that divides them; ``parse_size`` reads it back."""
    for letter in "TGMK":
        if size and size % _UNITS[letter] == 0:
            return f"{size // _UNITS[letter]}{letter}"
    return str(size)


def format_duration(duration: timedelta) -> str:
    """Write whole seconds as ``1h30m``; ``parse_duration`` reads it back."""
    minutes, seconds = divmod(duration.seconds, 60)
    hours, minutes = divmod(minutes, 60)
    parts = ((duration.days, "d"), (hours, "h"), (minutes, "m"), (seconds, "s"))
    return "".join(f"{number}{unit}" for number, unit in parts if number) or "0s"


def _positive(value: int | timedelta) -> int | timedelta:
    if not value:
        raise ValueError("must be more than nothing")
    return value


Size = Annotated[
    int,
    Kind("size", _SIZE.pattern, or_number=True),
    BeforeValidator(lambda text: _positive(parse_size(text))),
]
"""Bytes, more than none."""

Duration = Annotated[
    timedelta,
    Kind("duration", r"(?:[0-9]{1,6}[dhms])+"),
    BeforeValidator(lambda text: _positive(parse_duration(text))),
]
"""A time span, longer than nothing."""
