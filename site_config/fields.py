"""The kinds of text that settings are made of. Each pattern is also a defence.

Names end up in argument lists and paths on the cluster: none may start with ``-`` or hold a
separator, so that none can be taken for an option or lead elsewhere.
"""

import unicodedata
from pathlib import Path, PurePosixPath
from typing import Annotated
from zoneinfo import ZoneInfo

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    ValidationInfo,
)

from site_config.value_kinds import Kind, Matching

_TITLE_LIMIT = 200
_NAME_LIMIT = 255  # bytes of a file name on every file system in use


class Section(BaseModel):
    """A block of settings; unknown keys are an error, not a silent typo."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", allow_inf_nan=False, str_strip_whitespace=True
    )


Identifier = Annotated[
    str,
    Matching(
        "name",
        r"[a-z0-9](?:[a-z0-9-]{0,38}[a-z0-9])?",
        meaning="1 to 40 of a-z, 0-9 and '-', with no '-' at either end",
    ),
]
ScoreKey = Annotated[
    str,
    Matching(
        "key",
        r"[a-z][a-z0-9_]{0,39}",
        meaning="1 to 40 of a-z, 0-9 and '_', starting with a letter",
    ),
]
SlurmName = Annotated[
    str,
    Matching(
        "Slurm name",
        r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,63}",
        meaning="a name of letters, digits, '_', '.' and '-', not starting with '-'",
    ),
]
Gres = Annotated[
    str,
    Matching(
        "Slurm gres",
        r"[a-z][a-z0-9_]*(?::[A-Za-z][A-Za-z0-9_.-]*)?(?::[1-9][0-9]{0,3})?",
        meaning="a generic resource such as gpu:1 or gpu:a100:2",
    ),
]
HostName = Annotated[
    str,
    Matching("host", r"[A-Za-z0-9][A-Za-z0-9.:-]{0,252}", meaning="a host name or address"),
]
UserName = Annotated[
    str,
    Matching("account", r"[a-z_][a-z0-9_-]{0,31}", meaning="the name of a Unix account"),
]
Version = Annotated[
    str,
    Matching("version", r"[0-9]+\.[0-9]+(?:\.[0-9]+)?", meaning="a version such as 1.3.6"),
]
HttpUrl = Annotated[
    str,
    Matching(
        "address",
        r"(?:https://[^\s/?#@]+|http://(?:localhost|127\.0\.0\.1|\[::1\])(?::[0-9]+)?)(?:/[^\s?#]*)?",
        meaning="an https:// address (http:// only for localhost)",
    ),
]


Sha256 = Annotated[
    str,
    Matching("digest", r"[0-9a-f]{64}", meaning="a SHA-256 digest: 64 of 0-9 and a-f"),
]
EmailAddress = Annotated[
    str,
    Matching(
        "e-mail address",
        r"[A-Za-z0-9](?:[A-Za-z0-9_+.-]{0,62}[A-Za-z0-9])?@[A-Za-z0-9](?:[A-Za-z0-9.-]{0,180}[A-Za-z0-9])?",
        meaning="an address such as portal@uni.example",
    ),
]


def is_printable(text: str) -> bool:
    """Whether every character can be seen or is a space; ``str.isprintable`` knows one space only."""
    return all(char.isprintable() or unicodedata.category(char) == "Zs" for char in text)


def _one_line(text: str) -> str:
    if not is_printable(text) or not 1 <= len(text) <= _TITLE_LIMIT:
        raise ValueError(f"must be one line of 1 to {_TITLE_LIMIT} letters")
    return text


def _time_zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError) as error:
        raise ValueError("must be the name of a time zone such as Europe/Berlin") from error
    return name


TimeZone = Annotated[str, Kind("time zone"), AfterValidator(_time_zone)]
"""A name of the IANA's time zone database."""

Title = Annotated[str, Kind("text"), AfterValidator(_one_line)]
"""A line of text."""


def _resolve(path: Path, info: ValidationInfo) -> Path:
    directory: Path = (info.context or {}).get("directory", Path())
    return directory / path


SitePath = Annotated[Path, Kind("path"), AfterValidator(_resolve)]
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
        and is_printable(part)
        and len(part.encode()) <= _NAME_LIMIT
    )


InnerPath = Annotated[
    PurePosixPath,
    Kind("relative path", r"[^/\\][^\\]*"),
    BeforeValidator(lambda text: _relative(text.rstrip("/") if isinstance(text, str) else text)),
]
"""A path inside a challenge or an output directory."""


def _written_out(moment: object) -> object:
    # pydantic would take bare digits for seconds since 1970, and a bare date for its midnight.
    if not isinstance(moment, str) or "T" not in moment:
        raise ValueError("must be a date and time with a zone, such as 2026-12-01T00:00Z")
    return moment


Moment = Annotated[
    AwareDatetime,
    Kind("date and time", r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:.]+(?:Z|[+-][0-9]{2}:?[0-9]{2})"),
    BeforeValidator(_written_out),
]
"""A point in time, written with its zone."""
