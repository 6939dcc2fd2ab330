"""What an operator has approved of a challenge: all that decides what runs, what it sees and how it is judged.

The database says the same, but the web account can write to that.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields


@dataclass(frozen=True, slots=True, kw_only=True)
class ApprovedTask:
    """What a task mounts and runs, and what is taken of its outputs."""

    input_data: str
    truth_data: str
    sample: str | None
    """The digest of the public sample."""
    scorer: str
    """The digest of the archive that the scorer's image is made of."""
    base: str | None
    """The same of the image that code is laid over."""
    predict_profile: str
    predict_argv: tuple[str, ...]
    score_profile: str
    score_argv: tuple[str, ...]
    required_outputs: tuple[str, ...]
    output_limit: int
    """Bytes."""
    output_files: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ApprovedPhase:
    """What is run in a phase, and what is disclosed of it, and when."""

    tasks: tuple[str, ...]
    kinds: tuple[str, ...]
    logs: str
    failures: str
    time_step: int
    """Seconds."""
    hold_results: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ApprovedColumn:
    """A score: its bounds, and how exactly people see it."""

    sort: str
    precision: int
    minimum: float | None
    maximum: float | None
    is_primary: bool
    private: bool
    task: str | None = None
    """The only task whose scorer writes it; None: those of all do."""
    source: str = ""
    """Its key in ``scores.json``; empty: its own."""
    formula: str = ""
    """How it is worked out, as canonical JSON; empty: a scorer writes it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Approval:
    """All of a challenge, by the names that organisers give."""

    tasks: Mapping[str, ApprovedTask] = field(default_factory=dict)
    phases: Mapping[str, ApprovedPhase] = field(default_factory=dict)
    columns: Mapping[str, ApprovedColumn] = field(default_factory=dict)

    def all_differences(self, other: "Approval") -> list[str]:
        """Name whatever is otherwise in another approval."""
        return [
            name
            for what in ("task", "phase", "column")
            for name in _of_each(what, getattr(self, f"{what}s"), getattr(other, f"{what}s"))
        ]

    def differences(self, other: "Approval", *, task: str, phase: str) -> list[str]:
        """Name what of a task, a phase or the columns is otherwise in another approval."""
        return [
            *_differences(f"task {task}", self.tasks.get(task), other.tasks.get(task)),
            *_differences(f"phase {phase}", self.phases.get(phase), other.phases.get(phase)),
            *_of_each("column", self.columns, other.columns),
        ]


def _of_each(what: str, one: Mapping[str, object], other: Mapping[str, object]) -> Iterable[str]:
    for key in sorted({*one, *other}):
        yield from _differences(f"{what} {key}", one.get(key), other.get(key))


def _differences(what: str, one: object, other: object) -> Iterable[str]:
    if type(one) is not type(other) or one is None or other is None:
        return [what] if one != other else []
    names = [name.name for name in fields(one)]  # type: ignore[arg-type]
    return [f"{what}: {name}" for name in names if getattr(one, name) != getattr(other, name)]
