"""Values that another account may have written: what each has to look like before it is used.

The web account writes the database, so a row can hold anything. A value that has one of these types was
looked at; functions that build paths and commands take nothing else, which mypy holds them to.
"""

import re
from collections.abc import Sequence
from enum import StrEnum
from typing import NewType, TypeVar

from portal.domain.errors import UntrustedValueError
from portal.domain.ids import ALPHABET, ID_LENGTH, NAME_PREFIX
from portal.domain.printable import is_printable

Sha256 = NewType("Sha256", str)
"""64 hexadecimal digits in lower case."""
Id = NewType("Id", str)
"""An identifier as ``portal.domain.ids.new_id`` makes it."""
Slug = NewType("Slug", str)
"""What organisers call a challenge, a phase or a task: part of addresses and of names of files."""
FileName = NewType("FileName", str)
"""One component of a path, which leads nowhere else."""

MAX_ARGUMENTS = 1000
MAX_ARGUMENT_CHARS = 4096
MAX_NAME_CHARS = 255

_SHA256 = re.compile(r"[0-9a-f]{64}")
_ID = re.compile(f"[{ALPHABET}]{{{ID_LENGTH}}}")
_TOKEN = re.compile(f"{NAME_PREFIX}[{ALPHABET}]{{{ID_LENGTH}}}")
_SLUG = re.compile(r"[a-z0-9]([a-z0-9-]{0,58}[a-z0-9])?")
_Word = TypeVar("_Word", bound=StrEnum)


def sha256(value: object, where: str) -> Sha256:
    """Return a digest. Raises ``UntrustedValueError``, as all of these do."""
    return Sha256(_matching(_SHA256, value, where, "no SHA-256 in lower-case hexadecimal"))


def identifier(value: object, where: str) -> Id:
    """Return an identifier."""
    return Id(_matching(_ID, value, where, "no identifier"))


def token(value: object, where: str) -> str:
    """Return the token of an attempt."""
    return _matching(_TOKEN, value, where, "no token")


def slug(value: object, where: str) -> Slug:
    """Return the name of a challenge, a phase or a task."""
    return Slug(_matching(_SLUG, value, where, "no name of this kind"))


def file_name(value: object, where: str) -> FileName:
    """Return the name of a file: printable, without a slash, not only dots."""
    if (
        not isinstance(value, str)
        or not is_printable(value)
        or not 0 < len(value) <= MAX_NAME_CHARS
        or "/" in value
        or not value.strip(". ")
    ):
        raise UntrustedValueError(where, "no name of a file", value)
    return FileName(value)


def argv(value: object, where: str) -> tuple[str, ...]:
    """Return a command line: a program and its arguments, as plain texts."""
    if not isinstance(value, (list, tuple)) or not 0 < len(value) <= MAX_ARGUMENTS:
        raise UntrustedValueError(where, "no command line", value)
    return tuple(_argument(one, where) for one in value)


def word(kind: type[_Word], value: object, where: str) -> _Word:
    """Return one of the fixed words of a kind."""
    try:
        return kind(str(value))
    except ValueError:
        raise UntrustedValueError(where, f"no {kind.__name__}", value) from None


def whole(value: object, where: str, *, least: int = 0, most: int = 2**62) -> int:
    """Return a whole number within bounds."""
    if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
        raise UntrustedValueError(where, f"no whole number from {least} to {most}", value)
    return value


def names(value: object, where: str) -> tuple[str, ...]:
    """Return relative paths of files: each component is the name of a file."""
    if not isinstance(value, (list, tuple)) or len(value) > MAX_ARGUMENTS:
        raise UntrustedValueError(where, "no list of names", value)
    for one in value:
        for part in one.split("/") if isinstance(one, str) else [one]:
            file_name(part, where)
    return tuple(value)


def one_of(value: object, known: Sequence[str] | frozenset[str], where: str) -> str:
    """Return a name that the site's settings have."""
    if not isinstance(value, str) or value not in known:
        raise UntrustedValueError(where, "a name that site.yaml does not have", value)
    return value


def _argument(value: object, where: str) -> str:
    if not isinstance(value, str) or len(value) > MAX_ARGUMENT_CHARS or "\0" in value:
        raise UntrustedValueError(where, "no argument of a command", value)
    return value


def _matching(pattern: re.Pattern[str], value: object, where: str, why: str) -> str:
    if not isinstance(value, str) or not pattern.fullmatch(value):
        raise UntrustedValueError(where, why, value)
    return value
