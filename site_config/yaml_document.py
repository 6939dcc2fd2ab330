"""Reads a YAML file into plain values that remember their lines.

Every scalar stays the text that was written and the model decides its type: ``minimum: 1.10`` is
not the number 1.1, ``title: 2026`` is a title and ``country: no`` is not false.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import yaml

from site_config.errors import Problem, SettingsError

SIZE_LIMIT = 256 * 1024
"""Bytes that a settings file may have."""

Key = tuple[str | int, ...]
"""Where a value is: the keys and list positions that lead to it."""

Value = str | list["Value"] | dict[str, "Value"] | None
"""A scalar as written, or nothing, or a collection of such values."""

_EMPTY = {"", "~", "null"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """The mapping that a file holds, and the line on which each key stands."""

    file: Path
    value: Value
    lines: dict[Key, int]

    def problem(self, key: Key, message: str) -> Problem:
        """Say what is wrong at ``key``; a key that is not there gets the line of what surrounds it."""
        present = key
        while present not in self.lines and present:
            present = present[:-1]
        return Problem(
            file=self.file, line=self.lines.get(present), key=format_key(key), message=message
        )


def format_key(key: Key) -> str:
    """Write a key path as ``phases[0].limits``."""
    parts = (f"[{part}]" if isinstance(part, int) else f".{part}" for part in key)
    return "".join(parts).removeprefix(".")


def read_document(file: Path) -> Document:
    """Read the YAML mapping in ``file``; raise ``SettingsError`` where it is not one."""
    return document_of(_read_text(file), file)


def document_of(text: str, file: Path) -> Document:
    """Return the YAML mapping that a text is, which stands in ``file``; raise ``SettingsError`` where it is not one."""
    try:
        node = yaml.compose(text, Loader=_Loader)
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else None
        raise _refusal(file, line, error.problem or "is not YAML") from error
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        raise _refusal(file, line, "holds a control character") from error
    except RecursionError as error:
        raise _refusal(file, None, "is nested too deeply") from error
    if not isinstance(node, yaml.MappingNode):
        raise _refusal(file, 1, "must hold keys with values, as in 'site: ...'")
    return _convert(file, node)


def _read_text(file: Path) -> str:
    try:
        with file.open("rb") as stream:
            data = stream.read(SIZE_LIMIT + 1)
    except OSError as error:
        raise _refusal(file, None, f"cannot be read: {error.strerror}") from error
    if len(data) > SIZE_LIMIT:
        raise _refusal(file, None, f"is larger than {SIZE_LIMIT // 1024} KiB")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise _refusal(file, line, "is not UTF-8 text") from error


def _refusal(file: Path, line: int | None, message: str) -> SettingsError:
    return SettingsError([Problem(file=file, line=line, key="", message=message)])


class _Loader(yaml.SafeLoader):
    """Composes nodes only; aliases are refused, because a few of them can stand for gigabytes."""

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        if self.check_event(yaml.AliasEvent):
            mark = self.peek_event().start_mark  # type: ignore[no-untyped-call]
            raise yaml.composer.ComposerError(
                None, None, "anchors and aliases are not used here", mark
            )
        return super().compose_node(parent, index)


@dataclass(frozen=True, slots=True)
class _Converter:
    """Turns nodes into values, noting lines and problems on the way."""

    lines: dict[Key, int]
    problems: list[tuple[Key, int, str]]

    def value(self, node: yaml.Node, key: Key) -> Value:
        if isinstance(node, yaml.MappingNode):
            return dict(self._items(node, key))
        if isinstance(node, yaml.SequenceNode):
            return [self._element(child, (*key, index)) for index, child in enumerate(node.value)]
        is_plain = node.style is None  # type: ignore[attr-defined]
        return None if is_plain and node.value in _EMPTY else str(node.value)

    def _element(self, node: yaml.Node, key: Key) -> Value:
        self.lines[key] = node.start_mark.line + 1
        return self.value(node, key)

    def _items(self, node: yaml.MappingNode, key: Key) -> Iterator[tuple[str, Value]]:
        for name_node, value_node in node.value:
            line = name_node.start_mark.line + 1
            if not isinstance(name_node, yaml.ScalarNode):
                self.problems.append((key, line, "has a key that is not a word"))
                continue
            here = (*key, name_node.value)
            if here in self.lines:
                message = f"is here twice, first on line {self.lines[here]}"
                self.problems.append((here, line, message))
                continue
            self.lines[here] = line
            yield name_node.value, self.value(value_node, here)


def _convert(file: Path, node: yaml.MappingNode) -> Document:
    converter = _Converter({(): node.start_mark.line + 1}, [])
    value = converter.value(node, ())
    if converter.problems:
        raise SettingsError(
            [
                Problem(file=file, line=line, key=format_key(key), message=message)
                for key, line, message in converter.problems
            ]
        )
    return Document(file=file, value=value, lines=converter.lines)
