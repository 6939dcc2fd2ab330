"""The kinds of text that settings are made of. Each pattern is also a defence.

Names end up in argument lists and paths on the cluster: none may start with ``-`` or hold a
separator, so that none can be taken for an option or lead elsewhere.
"""

from pathlib import Path, PurePosixPath
from typing import Annotated

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    StringConstraints,
    ValidationInfo,
)

_NAME_LIMIT = 255  # bytes of a file name on every file system in use


class Section(BaseModel):
    """A block of settings; unknown keys are an error, not a silent typo."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", allow_inf_nan=False, str_strip_whitespace=True
    )


def _pattern(pattern: str, meaning: str) -> StringConstraints:
    # pydantic's own sentence would show the pattern; validation.py shows ``meaning`` in its stead.
    MEANINGS[pattern] = meaning
    return StringConstraints(pattern=pattern)


MEANINGS: dict[str, str] = {}
"""What each pattern asks for, in words."""

Identifier = Annotated[
    str,
    _pattern(
        r"^[a-z0-9](?:[a-z0-9-]{0,38}[a-z0-9])?$",
        "must be 1 to 40 of a-z, 0-9 and -, with no - at either end",
    ),
]
ScoreKey = Annotated[
    str,
    _pattern(
        r"^[a-z][a-z0-9_]{0,39}$", "must be 1 to 40 of a-z, 0-9 and _, starting with a letter"
    ),
]
SlurmName = Annotated[
    str,
    _pattern(
        r"^[A-Za-z0-9_][A-Za-z0-9_.-]{0,63}$",
        "must be a name of letters, digits, '_', '.' and '-', not starting with '-'",
    ),
]
Gres = Annotated[
    str,
    _pattern(
        r"^[a-z][a-z0-9_]*(?::[A-Za-z][A-Za-z0-9_.-]*)?(?::[0-9]{1,4})?$",
        "must be a generic resource such as gpu:1 or gpu:a100:2",
    ),
]
HostName = Annotated[
    str, _pattern(r"^[A-Za-z0-9][A-Za-z0-9.-]{0,252}$", "must be a host name or address")
]
UserName = Annotated[
    str, _pattern(r"^[a-z_][a-z0-9_-]{0,31}$", "must be the name of a Unix account")
]
Version = Annotated[
    str, _pattern(r"^[0-9]+\.[0-9]+(?:\.[0-9]+)?$", "must be a version such as 1.3.6")
]
HttpUrl = Annotated[
    str,
    _pattern(
        r"^(?:https://[^\s/?#@]+|http://(?:localhost|127\.0\.0\.1|\[::1\])(?::[0-9]+)?)(?:/[^\s?#]*)?$",
        "must be an https:// address (http:// only for localhost)",
    ),
]
Title = Annotated[str, StringConstraints(min_length=1, max_length=200)]


def _resolve(path: Path, info: ValidationInfo) -> Path:
    directory: Path = (info.context or {}).get("directory", Path())
    return directory / path


SitePath = Annotated[Path, AfterValidator(_resolve)]
"""A path; relative ones start at the directory of the settings file."""


def _relative(text: object) -> object:
    parts = text.split("/") if isinstance(text, str) else []
    if not parts or not all(_is_plain(part) for part in parts):
        raise ValueError(
            "must be a relative path inside the directory: no leading '/', no '..', no '\\'"
        )
    return text


def _is_plain(part: str) -> bool:
    return (
        part not in {"", ".", ".."}
        and "\\" not in part
        and part.isprintable()
        and len(part.encode()) <= _NAME_LIMIT
    )


InnerPath = Annotated[
    PurePosixPath,
    BeforeValidator(lambda text: _relative(text.rstrip("/") if isinstance(text, str) else text)),
]
"""A path inside a challenge or an output directory."""
