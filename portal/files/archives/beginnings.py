"""The beginnings of the files in an archive: enough to see of which form each is."""

from pathlib import Path

from portal.files.archives.members import ArchiveLimits, read_members

MAX_FILES = 10_000


def beginnings(file: Path, *, max_bytes: int, below: str = "") -> dict[str, bytes]:
    """Return the files of an archive whose names start with ``below``, by their names, as far as ``max_bytes`` of each.

    Raises ``BadArchiveError``.
    """
    found: dict[str, bytes] = {}
    for member in read_members(file, ArchiveLimits(files=MAX_FILES)):
        name = str(member.path)
        if member.is_directory or not name.startswith(below):
            continue
        content = bytearray()
        for chunk in member.chunks():
            content += chunk[: max_bytes - len(content)]
            if len(content) >= max_bytes:
                break
        found[name] = bytes(content)
    return found
