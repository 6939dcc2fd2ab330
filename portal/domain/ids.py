"""Identifiers: sortable by time, unguessable, safe in paths, URLs and job names."""

import secrets
from datetime import datetime

ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
"""Crockford's base 32 in lower case: no letters that are mistaken for digits."""

ID_LENGTH = 20
NAME_PREFIX = "sr-"


def new_id(now: datetime) -> str:
    """Return 20 characters: 9 of the millisecond, 11 random (55 bits)."""
    return _base32(int(now.timestamp() * 1000), 9) + _base32(secrets.randbits(55), 11)


def new_token(now: datetime) -> str:
    """Return a token for one attempt: ``sr-`` and an identifier. It is the Slurm job name."""
    return NAME_PREFIX + new_id(now)


def _base32(number: int, length: int) -> str:
    digits = []
    for _ in range(length):
        number, digit = divmod(number, 32)
        digits.append(ALPHABET[digit])
    return "".join(reversed(digits))
