"""Settings that change while a process runs: they are taken over without a restart."""

import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

import structlog

from portal.bootstrap.site import Installation, check_schema, open_site
from portal.domain.errors import OperatorError
from site_config.errors import SettingsError

log = structlog.get_logger("sealrun.settings")

LOOK_EVERY = 3.0
"""Seconds between two looks at the file."""

T = TypeVar("T")
Stamp = tuple[int, ...]


class SettingsWatch:
    """Looks whether ``site.yaml`` has changed, and takes over what is new if it can be used."""

    def __init__(self, site: Installation, path: Path) -> None:
        self._site, self._path = site, path
        self._taken = self._seen = _stamp(path)
        self._said = ""

    def look(self, take: Callable[[Installation], T]) -> T | None:
        """Return what ``take`` makes of the new settings; None while there are none.

        A file is read once it has stood still from one look to the next, as editors write in pieces. What cannot be
        used is logged, once, and tried again at each look: the process goes on with what it has.
        """
        stamp, before = _stamp(self._path), self._seen
        self._seen = stamp
        if stamp in {None, self._taken} or stamp != before:
            return None
        try:
            taken = take(self._read())
        except Exception as problem:  # noqa: BLE001 - whatever it is, the process goes on with what it has
            self._say(problem)
            return None
        self._taken, self._said = stamp, ""
        log.info("settings_reloaded", file=str(self._path))
        return taken

    def _read(self) -> Installation:
        site = open_site(self._path)
        if site.settings.database == self._site.settings.database:
            site = replace(site, database=self._site.database)
        check_schema(site)
        return site

    def _say(self, problem: Exception) -> None:
        if str(problem) == self._said:
            return
        self._said = str(problem)
        is_expected = isinstance(problem, SettingsError | OperatorError | OSError)
        log.error("settings_rejected", problem=str(problem), exc_info=not is_expected)


def watch_settings(
    watch: SettingsWatch, take: Callable[[Installation], object], stop: threading.Event
) -> None:
    """Look again and again until ``stop`` is set."""
    while not stop.wait(LOOK_EVERY):
        watch.look(take)


def _stamp(path: Path) -> Stamp | None:
    """Return what changes with the file; None where it cannot be looked at, as while it is replaced."""
    try:
        facts = path.stat()
    except OSError:
        return None
    return facts.st_mtime_ns, facts.st_size, facts.st_ino
