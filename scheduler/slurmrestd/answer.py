"""What slurmrestd answers: a status, a JSON object, and in it a list of errors."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from scheduler.errors import UnexpectedAnswerError, UnreachableError

OK, UNAUTHENTICATED, NOT_FOUND = 200, 401, 404
_NOTHING_CHANGED = "No job changes since update_time["


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What slurmrestd answered."""

    status: int
    document: Mapping[str, Any]

    @property
    def is_ok(self) -> bool:
        """Whether the status is 200, which alone says little: 22.05 has it where the database is down."""
        return self.status == OK

    @property
    def errors(self) -> list[str]:
        """Slurm's sentences of what went wrong; empty where nothing did."""
        errors = self.document.get("errors")
        if not isinstance(errors, list):
            return ["an answer without a list of errors"]
        return [_message(error) for error in errors]

    @property
    def about(self) -> Mapping[str, Any]:
        """What slurmrestd says of its Slurm: its release and, where it is new enough, the cluster."""
        meta = self.document.get("meta")
        about = (meta.get("slurm") or meta.get("Slurm")) if isinstance(meta, Mapping) else None
        return about if isinstance(about, Mapping) else {}

    @property
    def last_update(self) -> int:
        """When slurmctld took what it answers, in its own time; 0 where that is not said."""
        value = self.document.get("last_update")
        number = value.get("number") if isinstance(value, Mapping) else value
        return number if type(number) is int and number > 0 else 0

    @property
    def says_nothing_changed(self) -> bool:
        """Whether slurmctld has answered a question for what changed since a time with: nothing."""
        warnings = self.document.get("warnings")
        value = [str(one.get("description")) for one in warnings or () if isinstance(one, Mapping)]
        return (
            self.is_ok
            and not self.errors
            and not self.last_update
            and self.document.get("jobs") == []
            and any(words.startswith(_NOTHING_CHANGED) for words in value)
        )

    def expect_success(self) -> None:
        """Return when the request was carried out without complaint. Raises ``UnreachableError``."""
        if not self.is_ok or self.errors:
            raise UnreachableError(
                f"slurmrestd answered {self.status}: {'; '.join(self.errors)[:1000]}"
            )


def read_answer(status: int, content: bytes) -> Answer:
    """Return the answer in ``content``. Raises ``UnexpectedAnswerError``."""
    if status in {UNAUTHENTICATED, NOT_FOUND} and not content.startswith(b"{"):
        # These two are said in plain text.
        text = content.decode(errors="replace").strip()[:200]
        return Answer(status=status, document={"errors": [{"error": text}]})
    try:
        document = json.loads(content)
    except (ValueError, RecursionError) as odd:
        raise UnexpectedAnswerError(
            f"slurmrestd answered {status} without JSON: {content[:200]!r}"
        ) from odd
    if not isinstance(document, dict):
        raise UnexpectedAnswerError(f"slurmrestd answered {status} with {type(document).__name__}")
    return Answer(status=status, document=document)


def _message(error: object) -> str:
    if not isinstance(error, Mapping):
        return str(error)[:200]
    return str(error.get("error") or error.get("description") or error)[:1000]
