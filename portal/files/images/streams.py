"""Looks through a compressed image archive in one reading, however late its manifests come.

No part of such a file can be passed over, and ``docker save`` writes ``manifest.json`` last. So what looks like a
manifest is kept, everything else is looked at as if it were a layer, and what was found of entries that turn
out to be no layers of the image counts for nothing.
"""

import posixpath
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from portal.files.archives.entries import Entry, EntryKind
from portal.files.archives.members import read_entries
from portal.files.errors import BadArchiveError
from portal.files.images.layer_source import Hashed
from portal.files.images.layers import (
    Budget,
    LayerLimits,
    check_name,
    expected_layers,
    look_at,
    mismatch,
    of_layer,
)
from portal.files.images.manifests import MAX_MANIFEST_BYTES, Described, Index, unsound

MAX_KEPT_BYTES = 32 * 1024 * 1024
"""What is kept of entries that look like manifests: more than those of any image have together."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Look:
    """What an entry is, looked at as a layer."""

    digest: str
    """The sha256 of its content, unpacked; empty where there is a problem."""
    entries: int
    size: int
    """Bytes, unpacked."""
    problem: BadArchiveError | None


@dataclass(slots=True)
class Looks:
    """What was found of the entries of an archive."""

    limits: LayerLimits
    kept: dict[str, bytes] = field(default_factory=dict)
    """The content of what looks like a manifest."""
    _looks: dict[str, _Look] = field(default_factory=dict)
    _blobs: dict[str, str] = field(default_factory=dict)
    """The sha256 of each file in the archive."""
    _total: Budget = field(init=False)

    def __post_init__(self) -> None:
        self._total = Budget(self.limits)

    def entries(self, source: Path) -> Iterator[Entry]:
        """Give the entries of an archive; look at each before the next is given."""
        for entry in read_entries(source):
            yield entry
            if entry.kind is EntryKind.FILE:
                self._take(posixpath.normpath(entry.name), entry)

    def check(self, image: Described, index: Index) -> None:
        """Raise ``BadArchiveError`` where ``check_layers`` would, now that it is known which entries are the layers."""
        expected = expected_layers(image, index)
        for name, digest in self._blobs.items():
            if name in expected:
                self._check_layer(name, expected[name])
            check_name(name, digest)

    def _take(self, name: str, entry: Entry) -> None:
        blob = Hashed(entry.chunks())
        if entry.size <= MAX_MANIFEST_BYTES and _may_be_manifest(name, blob.peek()):
            self.kept[name] = b"".join(iter(blob.read, b""))
            if sum(map(len, self.kept.values())) > MAX_KEPT_BYTES:
                raise unsound()
        else:
            self._looks[name] = self._look(blob, entry.size)
        self._blobs[name] = blob.finish()

    def _look(self, blob: Hashed, size: int) -> _Look:
        budget, digest, problem = Budget(self.limits, started=self._total.started), "", None
        try:
            digest = look_at(blob, size, budget)
        except BadArchiveError as error:
            if error.reason == "too_slow":
                raise
            problem = error
        return _Look(digest=digest, entries=budget.entries, size=budget.size, problem=problem)

    def _check_layer(self, name: str, layers: list[tuple[int, str]]) -> None:
        number = layers[0][0]
        content = self.kept.get(name)
        look = (
            self._looks[name]
            if content is None
            else self._look(Hashed(iter([content])), len(content))
        )
        try:
            if look.problem is not None:
                raise look.problem
            self._total.spend(look.size)
            self._total.entry(look.entries)
        except BadArchiveError as error:
            raise of_layer(number, error) from error
        if any(digest != f"sha256:{look.digest}" for _, digest in layers):
            raise mismatch(number)


def _may_be_manifest(name: str, start: bytes) -> bool:
    return name.endswith(".json") or name == "oci-layout" or start.lstrip()[:1] in {b"{", b"["}
