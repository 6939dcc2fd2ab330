"""Identifiers: sortable by time, unguessable, safe in paths, URLs and job names."""

import secrets
import threading
from datetime import datetime

ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
"""Crockford's base 32 in lower case: no letters that are mistaken for digits."""

ID_LENGTH = 20
NAME_PREFIX = "sr-"


_lock = threading.Lock()
_last = (0, 0)


def new_id(now: datetime) -> str:
    """Return 20 characters: 9 of the millisecond, 11 random (55 bits).

    Identifiers that one process makes sort in the order in which they were made, also within a
    millisecond: what was submitted first is taken up first.
    """
    global _last  # noqa: PLW0603 - the order holds for the whole process
    millisecond = int(now.timestamp() * 1000)
    with _lock:
        before, number = _last
        # A step of 32 random bits leaves room for millions in a millisecond.
        number = (
            number + 1 + secrets.randbits(32) if millisecond == before else secrets.randbits(54)
        )
        _last = (millisecond, number)
    return _base32(millisecond, 9) + _base32(number, 11)


def new_token(now: datetime) -> str:
    """Return a token for one attempt: ``sr-`` and an identifier. It is the Slurm job name."""
    return NAME_PREFIX + new_id(now)


def _base32(number: int, length: int) -> str:
    digits = []
    for _ in range(length):
        number, digit = divmod(number, 32)
        digits.append(ALPHABET[digit])
    return "".join(reversed(digits))
