"""What an operator ordered to be run, in files that the worker's account alone can write.

The web process writes to the database, so whoever takes it over could change there what a challenge runs.
The worker runs nothing that differs from these files: one per challenge, JSON, made by whoever adds it.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Self


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskOrder:
    """What a task mounts and runs."""

    input_data: str
    truth_data: str
    scorer: str
    """The digest of the archive that the scorer's image is made of."""
    base: str | None
    """The same of the image that code is laid over."""
    predict_profile: str
    predict_argv: tuple[str, ...]
    score_profile: str
    score_argv: tuple[str, ...]

    @classmethod
    def of_json(cls, value: Mapping[str, object]) -> Self:
        """Return what ``asdict`` made JSON of; raise ``TypeError`` for anything else."""
        lists = {key: tuple(found) for key, found in value.items() if isinstance(found, list)}
        return cls(**{**value, **lists})  # type: ignore[arg-type]

    def differences(self, other: Self) -> list[str]:
        """Return the names of the fields in which another order differs."""
        names = (field.name for field in fields(self))
        return [name for name in names if getattr(self, name) != getattr(other, name)]


class Orders:
    """The orders of a site, in one directory."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def put(self, slug: str, tasks: Mapping[str, TaskOrder]) -> None:
        """Replace the order of a challenge, whole or not at all."""
        self._root.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._root.chmod(0o700)
        part = self._file(slug).with_suffix(".part")
        text = json.dumps({name: asdict(task) for name, task in tasks.items()}, indent=1)
        part.write_text(text + "\n", encoding="utf-8")
        part.replace(self._file(slug))

    def get(self, slug: str) -> dict[str, TaskOrder]:
        """Return the order of a challenge by task; nothing where none was given."""
        try:
            text = self._file(slug).read_text(encoding="utf-8")
        except FileNotFoundError:
            return {}
        return {name: TaskOrder.of_json(task) for name, task in json.loads(text).items()}

    def _file(self, slug: str) -> Path:
        return self._root / f"{slug}.json"
