"""Changes dates and limits in the text of ``challenge.yaml``, and leaves every other character as its author wrote it.

A library that reads and writes the whole of it would indent and wrap it anew, so that nobody would see in a difference
what was changed.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

import yaml

from site_config.bundle import settings_of
from site_config.challenge import Phase, PhaseLimits


class NotEditableError(Exception):
    """The text is written in a way that only its author can change."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PhaseChange:
    """What a phase is to have."""

    start: datetime
    end: datetime
    limits: PhaseLimits


@dataclass(frozen=True, slots=True)
class _Edit:
    """New text in place of the characters from one position to another."""

    start: int
    end: int
    text: str


def with_phases(text: str, changes: Mapping[str, PhaseChange]) -> str:
    """Return the text with other dates and limits of its phases, by their ids.

    ``text`` is right as it is. Raises ``NotEditableError`` where the result would not say exactly that.
    """
    described = settings_of(text)
    phases = {phase.id: phase for phase in described.phases}
    edits = [
        edit
        for name, node in _phase_nodes(text)
        if name in changes
        for edit in _edits(node, phases[name], changes[name])
    ]
    for edit in sorted(edits, key=lambda one: one.start, reverse=True):
        text = text[: edit.start] + edit.text + text[edit.end :]
    _check(text, phases, changes)
    return text


def _phase_nodes(text: str) -> Iterator[tuple[str, yaml.MappingNode]]:
    root = yaml.compose(text, Loader=yaml.SafeLoader)
    for key, value in root.value if isinstance(root, yaml.MappingNode) else ():
        if key.value == "phases":
            for node in value.value:
                yield next(one.value for name, one in node.value if name.value == "id"), node


def _edits(node: yaml.MappingNode, before: Phase, after: PhaseChange) -> Iterator[_Edit]:
    found = {key.value: (key, value) for key, value in node.value}
    for name, was, becomes in (
        ("start", before.start, after.start),
        ("end", before.end, after.end),
    ):
        if was != becomes:
            value = found[name][1]
            yield _Edit(value.start_mark.index, value.end_mark.index, _moment(becomes))
    if before.limits == after.limits:
        return
    limits = _limits(after.limits)
    if "limits" not in found:
        # Before a key that is always there: what follows the last one can be a remark.
        place = found["start"][0].start_mark
        between = ", " if node.flow_style else "\n" + " " * place.column
        yield _Edit(place.index, place.index, f"limits: {limits}{between}")
        return
    key, value = found["limits"]
    if isinstance(value, yaml.MappingNode) and not value.flow_style:
        last = value.value[-1][1]
        yield _Edit(key.end_mark.index, last.end_mark.index, f": {limits}")
    else:
        yield _Edit(key.end_mark.index, value.end_mark.index, f": {limits}")


def _moment(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%dT%H:%MZ}"


def _limits(limits: PhaseLimits) -> str:
    said = [f"{name}: {value}" for name, value in dict(limits).items() if value is not None]
    return "{" + ", ".join(said) + "}"


def _check(text: str, phases: Mapping[str, Phase], changes: Mapping[str, PhaseChange]) -> None:
    """Compare what the text says now with what it is to say."""
    try:
        now = {phase.id: phase for phase in settings_of(text).phases}
    except Exception as error:
        raise NotEditableError from error
    wanted = {
        name: phase.model_copy(
            update={"start": one.start, "end": one.end, "limits": one.limits}
            if (one := changes.get(name))
            else {}
        )
        for name, phase in phases.items()
    }
    if now != wanted:
        raise NotEditableError
