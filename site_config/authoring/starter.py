"""A challenge to begin with: a bundle that is right as it is, but for the images, which are made on the organiser's machine."""

import json
from datetime import datetime, timedelta
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from string import Template

from pydantic import TypeAdapter, ValidationError

from site_config.authoring.json_schema import FILE_NAME, challenge_schema
from site_config.errors import Problem, SettingsError
from site_config.fields import Identifier

SUFFIX = "-truth"
"""The longest one of the names that are made of the slug."""
BEGINS_AFTER, LASTS = timedelta(days=14), timedelta(days=60)
PROGRAMS = frozenset({"scorer/score", "base/predict"})
RENAMED = {"gitignore": ".gitignore"}
"""Files that would mean something to this project, too, by their own name."""


def write_starter(directory: Path, *, slug: str, title: str, now: datetime) -> None:
    """Write the bundle into a directory, which is made; its phase begins in two weeks.

    Raises ``SettingsError`` for a slug that is none, or where there is something already.
    """
    _check(directory, slug)
    begins = (now + BEGINS_AFTER).replace(hour=0, minute=0, second=0, microsecond=0)
    values = {
        "slug": slug,
        # JSON's texts are YAML's as well, whatever is in them.
        "title": json.dumps(title, ensure_ascii=False),
        "plain_title": title,
        "start": f"{begins:%Y-%m-%dT%H:%MZ}",
        "end": f"{begins + LASTS:%Y-%m-%dT%H:%MZ}",
    }
    directory.mkdir(parents=True, exist_ok=True)
    _write(files("site_config.authoring") / "bundle", directory, "", values)
    schema = json.dumps(challenge_schema(), indent=1, ensure_ascii=False)
    (directory / FILE_NAME).write_text(f"{schema}\n", encoding="utf-8")


def _check(directory: Path, slug: str) -> None:
    try:
        TypeAdapter(Identifier).validate_python(slug + SUFFIX)
    except ValidationError as error:
        message = "must be 1 to 34 of a-z, 0-9 and '-', with no '-' at the beginning"
        raise SettingsError(
            [Problem(file=directory, line=None, key="slug", message=message)]
        ) from error
    if directory.exists() and (not directory.is_dir() or any(directory.iterdir())):
        message = "is there already, and is not changed: name a new or empty directory"
        raise SettingsError([Problem(file=directory, line=None, key="", message=message)])


def _write(source: Traversable, target: Path, inside: str, values: dict[str, str]) -> None:
    for entry in source.iterdir():
        name = f"{inside}{entry.name}"
        place = target / RENAMED.get(entry.name, entry.name)
        if entry.is_dir():
            place.mkdir()
            _write(entry, place, f"{name}/", values)
            continue
        text = Template(entry.read_text(encoding="utf-8"))
        place.write_text(text.substitute(values), encoding="utf-8")
        place.chmod(0o755 if name in PROGRAMS else 0o644)
