"""Whether an image that an organiser submits has the program that its task starts."""

import posixpath
from collections import deque
from dataclasses import dataclass, field
from pathlib import Path

from portal.files.archives.entries import Entry, EntryKind
from portal.files.archives.members import read_entries
from portal.files.archives.tar_reader import tar_entries
from portal.files.errors import BadArchiveError, shown
from portal.files.images.inspection import IMAGE_LIMITS, ImageLimits, describe
from portal.files.images.layer_source import Hashed, LayerSource
from portal.files.images.layers import OPAQUE, WHITEOUT

_MAX_LINKS = 40
"""As many as the kernel follows before it takes them for a circle."""


@dataclass(slots=True)
class _Layer:
    """What one layer says of the names that a program can be found by."""

    links: dict[str, str] = field(default_factory=dict)
    programs: set[str] = field(default_factory=set)
    others: set[str] = field(default_factory=set)
    """Files that nobody may start, and directories that take the place of a link."""
    gone: set[str] = field(default_factory=set)
    emptied: set[str] = field(default_factory=set)
    """Directories of which nothing shows that is in the layers below."""

    def add(self, entry: Entry) -> None:
        """Note an entry; the last one of a name wins."""
        name = _plain(entry.name)
        folder, base = posixpath.split(name)
        if base == OPAQUE:
            self.emptied.add(folder)
        elif base.startswith(WHITEOUT):
            self.gone.add(posixpath.join(folder, base.removeprefix(WHITEOUT)))
        else:
            self.links.pop(name, None)
            self.programs.discard(name)
            self.others.discard(name)
            if entry.kind is EntryKind.SYMLINK:
                self.links[name] = entry.target
            elif entry.kind is EntryKind.HARD_LINK or (
                entry.kind is EntryKind.FILE and entry.executable
            ):
                self.programs.add(name)
            else:
                self.others.add(name)

    def hides(self, name: str) -> bool:
        """Whether what lower layers have by this name does not show."""
        while name:
            if name in self.gone:
                return True
            name = posixpath.dirname(name)
            if name in self.emptied:
                return True
        return "" in self.emptied


def check_program(
    source: Path, program: str, starter: str, limits: ImageLimits = IMAGE_LIMITS
) -> None:
    """Raise ``BadArchiveError`` if an image archive has no program by this absolute path.

    ``starter`` says what starts it. Reads the whole archive and keeps the names of all its files in memory, once:
    it is for an organiser's own command.
    """
    layers = _layers(source, limits)
    if not _finds(layers, program):
        raise BadArchiveError(
            "program",
            f"The image has no program {shown(program)}, which {starter} starts. Put it there, make it"
            " executable, or write another argv.",
        )


def _layers(source: Path, limits: ImageLimits) -> list[_Layer]:
    image, index = describe(source, limits)
    wanted = {index.links.get(name, name) for name in image.layers}
    found: dict[str, _Layer] = {}
    for entry in read_entries(source):
        name = posixpath.normpath(entry.name)
        if entry.kind is EntryKind.FILE and name in wanted:
            layer = found.setdefault(name, _Layer())
            packed = LayerSource(Hashed(entry.chunks()), entry.size, lambda _: None)
            for inner in tar_entries(packed):
                layer.add(inner)
    return [found[index.links.get(name, name)] for name in image.layers]


def _finds(layers: list[_Layer], program: str) -> bool:
    """Follow the path as a kernel would that has the image as its root."""
    left, at, links = deque(program.split("/")), "", 0
    while left:
        part = left.popleft()
        if part in {"", "."}:
            continue
        if part == "..":
            at = posixpath.dirname(at)
            continue
        at = posixpath.join(at, part)
        target = _link(layers, at)
        if target is not None:
            links += 1
            if links > _MAX_LINKS:
                return False
            left.extendleft(reversed(target.split("/")))
            at = "" if target.startswith("/") else posixpath.dirname(at)
    return _is_program(layers, at)


def _link(layers: list[_Layer], name: str) -> str | None:
    for layer in reversed(layers):
        if name in layer.links:
            return layer.links[name]
        if name in layer.programs or name in layer.others or layer.hides(name):
            return None
    return None


def _is_program(layers: list[_Layer], name: str) -> bool:
    for layer in reversed(layers):
        if name in layer.programs:
            return True
        if name in layer.others or layer.hides(name):
            return False
    return False


def _plain(name: str) -> str:
    return posixpath.normpath(name).lstrip("/") if name.strip("./") else ""
