"""The form of a challenge's dates and limits: what it shows, and what somebody wrote in it."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from site_config.authoring.editing import PhaseChange
from site_config.challenge import Phase, PhaseLimits

LIMITS = tuple(PhaseLimits.model_fields)
MAX_LIMIT = 1_000_000
MAX_LIMIT_DIGITS = len(str(MAX_LIMIT))
BAD_MOMENT = "Write a date and a time, such as 2026-12-01 12:00."
BAD_LIMIT = f"Write a number from 1 to {MAX_LIMIT}, or nothing for no limit."
BACKWARDS = "The end has to be later than the start."


@dataclass(frozen=True, slots=True, kw_only=True)
class PhaseForm:
    """What somebody wrote, or what is wrong with it by field."""

    changes: Mapping[str, PhaseChange]
    errors: Mapping[str, str]


def shown(phases: Sequence[Phase]) -> dict[str, str]:
    """Return what the fields of the form hold to begin with; a number at the end of each says for which phase."""
    return {
        name: value for number, phase in enumerate(phases) for name, value in _fields(number, phase)
    }


def read(phases: Sequence[Phase], fields: Mapping[str, str]) -> PhaseForm:
    """Return the phases that are otherwise now. What a field held to begin with changes nothing."""
    reader = _Reader(shown(phases), fields)
    changes = {
        phase.id: change
        for number, phase in enumerate(phases)
        if (change := reader.phase(number, phase)) is not None
    }
    return PhaseForm(changes=changes, errors=reader.errors)


class _Reader:
    """Reads the fields of one form, and notes what is wrong with them."""

    def __init__(self, before: Mapping[str, str], fields: Mapping[str, str]) -> None:
        self.errors: dict[str, str] = {}
        self._before = before
        self._fields = fields

    def phase(self, number: int, phase: Phase) -> PhaseChange | None:
        """Return what a phase is to have; None where nothing is otherwise."""
        start = self._moment(f"start-{number}", phase.start)
        end = self._moment(f"end-{number}", phase.end)
        limits = PhaseLimits(**{name: self._limit(f"{name}-{number}") for name in LIMITS})
        if end <= start:
            self.errors.setdefault(f"end-{number}", BACKWARDS)
        if (start, end, limits) == (phase.start, phase.end, phase.limits):
            return None
        return PhaseChange(start=start, end=end, limits=limits)

    def _written(self, field: str) -> str:
        return self._fields.get(field, self._before[field]).strip()

    def _moment(self, field: str, was: datetime) -> datetime:
        written = self._written(field)
        # The field shows minutes only: what nobody has touched keeps its seconds.
        if written == self._before[field]:
            return was
        try:
            return datetime.fromisoformat(written).replace(tzinfo=UTC)
        except ValueError:
            self.errors[field] = BAD_MOMENT
            return was

    def _limit(self, field: str) -> int | None:
        written = self._written(field)
        if not written:
            return None
        is_number = written.isascii() and written.isdecimal() and len(written) <= MAX_LIMIT_DIGITS
        if is_number and 1 <= int(written) <= MAX_LIMIT:
            return int(written)
        self.errors[field] = BAD_LIMIT
        return None


def _fields(number: int, phase: Phase) -> Iterator[tuple[str, str]]:
    for name, moment in (("start", phase.start), ("end", phase.end)):
        # As the browsers' own field for a date and a time writes it.
        yield f"{name}-{number}", f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M}"
    for name in LIMITS:
        value = getattr(phase.limits, name)
        yield f"{name}-{number}", "" if value is None else str(value)
