"""Writes the reference pages of ``site.yaml`` and ``challenge.yaml`` from their models.

``python -m site_config.reference site > docs/reference/site-settings.md`` and
``python -m site_config.reference challenge > docs/reference/challenge-yaml.md``.
"""

import sys
from collections.abc import Iterable, Iterator
from datetime import timedelta
from enum import StrEnum
from typing import Any, Literal, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from site_config.challenge import Challenge
from site_config.site import Site
from site_config.units import format_duration, format_size
from site_config.validation import mapping, submodel
from site_config.value_kinds import Kind

_UNITS = """\
Sizes are written as `500M` or `2G`; K, M, G and T are powers of 1024. Durations are written as
`30s`, `20m`, `1h30m` or `2d`. A key that is not listed here is an error, and so is one that is
there twice. Every error names file, line and key.
"""

_SITE = f"""\
# Settings of a site: `site.yaml`

{_UNITS}
Relative paths start at the directory of `site.yaml`. Secrets are read from files of their own.
"""
_CHALLENGE = f"""\
# A challenge: `challenge.yaml`

{_UNITS}
Paths are relative to the challenge's directory and may not lead out of it, also not by a link.
"""
_PAGES: dict[str, tuple[type[BaseModel], str]] = {
    "site": (Site, _SITE),
    "challenge": (Challenge, _CHALLENGE),
}

_PLAIN = {
    bool: "true or false",
    int: "whole number",
    float: "number",
    str: "text",
}


def page(name: str) -> str:
    """Return the Markdown page ``site`` or ``challenge``."""
    model, introduction = _PAGES[name]
    return "\n".join([introduction, *_sections(model, "")])


def _sections(model: type[BaseModel], path: str) -> Iterator[str]:
    yield f"## {f'`{path}`' if path else 'The file'}\n"
    yield f"{(model.__doc__ or '').strip()}\n"
    yield "| key | value | default | meaning |"
    yield "|---|---|---|---|"
    for key, field in _fields(model):
        yield f"| `{key}` | {_value(field)} | {_default(field)} | {field.description} |"
    yield ""
    for key, field in _fields(model):
        inner = submodel(field.annotation)
        if inner is not None:
            yield from _sections(inner, _inner_path(path, key, field))


def _fields(model: type[BaseModel]) -> Iterator[tuple[str, FieldInfo]]:
    for name, field in model.model_fields.items():
        yield field.alias or name, field


def _inner_path(path: str, key: str, field: FieldInfo) -> str:
    suffixes: dict[object, str] = {dict: ".NAME", tuple: "[]"}
    form = mapping(field.annotation) or field.annotation
    suffix = suffixes.get(get_origin(form), "")
    return f"{path}.{key}{suffix}".removeprefix(".")


def _value(field: FieldInfo) -> str:
    kinds = _kinds(field)
    word = kinds[0].word if kinds else _words(field.annotation)
    return f"{word}{_bounds(field)}"


def _kinds(field: FieldInfo) -> list[Kind]:
    return [part for part in field.metadata if isinstance(part, Kind)]


def _bounds(field: FieldInfo) -> str:
    low = next((part.ge for part in field.metadata if hasattr(part, "ge")), None)
    high = next((part.le for part in field.metadata if hasattr(part, "le")), None)
    if low is None:
        return ""
    return f", {low} or more" if high is None else f", {low} to {high}"


def _words(annotation: Any) -> str:  # noqa: ANN401 - any type expression
    origin, parts = get_origin(annotation), get_args(annotation)
    if origin is Literal:
        return _choice(parts)
    if origin is dict:
        return f"names, each with {_one(parts[1])}"
    if origin is tuple:
        return f"list, each {_one(parts[0])}"
    if parts:
        kinds = [part for part in parts if isinstance(part, Kind)]
        return kinds[0].word if kinds else _words(parts[0])
    return _plain(annotation)


def _plain(annotation: type) -> str:
    if issubclass(annotation, StrEnum):
        return _choice(annotation)
    return "block" if issubclass(annotation, BaseModel) else _PLAIN[annotation]


def _choice(values: Iterable[object]) -> str:
    return f"one of {', '.join(f'`{value}`' for value in values)}"


def _one(annotation: Any) -> str:  # noqa: ANN401 - any type expression
    words = _words(annotation)
    return words if words.startswith("one of") else f"a {words}"


def _default(field: FieldInfo) -> str:
    if field.is_required():
        return "required"
    value = field.default
    if value is None or value in ({}, ()):
        return "none"
    if isinstance(value, BaseModel):
        return "see below"
    return f"`{_written(value, field)}`"


def _written(value: object, field: FieldInfo) -> str:
    if isinstance(value, timedelta):
        return format_duration(value)
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int) and any(part.word == "size" for part in _kinds(field)):
        return format_size(value)
    if isinstance(value, tuple):
        return f"[{', '.join(map(str, value))}]"
    return str(value)


if __name__ == "__main__":
    sys.stdout.write(page(sys.argv[1]))
