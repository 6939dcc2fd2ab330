"""How the texts of two revisions differ, line by line."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

from portal.domain.challenges.revisions import BundleFile, FileChange, text_changes
from portal.files.store import DamagedFileError, Store
from site_config.bundle import PAGE_LIMIT


@dataclass(frozen=True, slots=True, kw_only=True)
class TextDifference:
    """What became of a page or of the terms."""

    path: str
    lines: tuple[str, ...]
    """Of a unified difference."""


def text_differences(
    store: Store, changes: Sequence[FileChange], texts: Collection[str]
) -> Iterator[TextDifference]:
    """Give the differences of those files that are texts; what is gone from the store is passed over."""
    for change in changes:
        if change.path not in texts:
            continue
        try:
            before, now = stored_text(store, change.before), stored_text(store, change.now)
        except (FileNotFoundError, DamagedFileError):
            continue
        if lines := text_changes(before, now, change.path):
            yield TextDifference(path=change.path, lines=lines)


def stored_text(store: Store, file: BundleFile | None) -> str:
    """Return a text that the store has; empty for none. Raises ``FileNotFoundError`` and ``DamagedFileError``."""
    if file is None:
        return ""
    with store.open(file.sha256) as stream:
        return stream.read(PAGE_LIMIT + 1).decode("utf-8-sig", "replace")
