"""Pages, pictures and downloads of a bundle as the tables have them."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from pathlib import PurePosixPath
from typing import Any

from portal.domain.challenges.revisions import BundleFile
from portal.domain.permissions import Readers
from site_config import challenge as bundle
from site_config.bundle import pictures_of

FileOf = Callable[[PurePosixPath], BundleFile]
"""Gives a file that the settings name, as the store has it."""


def rows_of_pages(
    described: bundle.Challenge, texts: Mapping[PurePosixPath, str]
) -> dict[str, dict[str, Any]]:
    """Return what is kept of each page, by its name in its address."""
    files = [page.file for page in described.pages]
    slugs = _names(files, lambda file: file.stem, lambda file: file.with_suffix(""))
    return {
        slug: {
            "position": position,
            "title": page.title,
            "markdown": texts[page.file],
            "folder": folder_of(page.file),
            "readers": Readers(page.readers),
        }
        for position, (slug, page) in enumerate(zip(slugs, described.pages, strict=True))
    }


def folder_of(file: PurePosixPath) -> str:
    """Return where a file lies in its bundle; empty for the top."""
    return "" if file.parent == PurePosixPath() else str(file.parent)


def rows_of_pictures(
    described: bundle.Challenge, texts: Mapping[PurePosixPath, str], file_of: FileOf
) -> dict[str, dict[str, Any]]:
    """Return what is kept of each picture that is shown, by its path."""
    return {
        str(path): {
            "blob_sha256": file_of(path).sha256,
            "readers": Readers.EVERYBODY if is_open else Readers.PARTICIPANTS,
        }
        for path, is_open in pictures_of(described, texts).items()
    }


def rows_of_downloads(described: bundle.Challenge, file_of: FileOf) -> dict[str, dict[str, Any]]:
    """Return what is kept of each file that is offered: by its name in its address, or by its address elsewhere."""
    here = [one.file for one in described.files if one.file]
    names = iter(_names(here, lambda file: file.name, lambda file: file))
    rows: dict[str, dict[str, Any]] = {}
    for position, one in enumerate(described.files):
        file = file_of(one.file) if one.file else None
        rows[str(one.url) if file is None else next(names)] = {
            "position": position,
            "title": one.title,
            "readers": Readers(one.readers),
            "blob_sha256": file.sha256 if file else None,
            "size": file.size if file else None,
            "url": one.url,
            "url_sha256": one.sha256,
        }
    return rows


def _names(
    files: Sequence[PurePosixPath],
    short: Callable[[PurePosixPath], str],
    whole: Callable[[PurePosixPath], PurePosixPath],
) -> list[str]:
    """Return what each file is called in its address: a short name; with its folders where several have that name."""
    shorts = Counter(map(short, files))
    names: list[str] = []
    for file in files:
        name = short(file) if shorts[short(file)] == 1 else "-".join(whole(file).parts)
        same = sum(one == name or one.startswith(f"{name}~") for one in names)
        names.append(f"{name}~{same + 1}" if same else name)
    return names
