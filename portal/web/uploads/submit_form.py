"""What the submit form means, checked by one model."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError
from pydantic.json_schema import SkipJsonSchema

from portal.domain.printable import is_printable
from portal.domain.submissions.limits import SubmissionKind

MAX_NOTE_CHARS = 500


class SubmitInput(BaseModel):
    """The fields beside the file, of a page and of the API. Unknown fields are ignored: they are not ours to judge."""

    model_config = ConfigDict(frozen=True)

    phase: Annotated[
        str, StringConstraints(min_length=1, max_length=60), Field(description="Slug of the phase.")
    ]
    kind: SubmissionKind
    note: Annotated[
        str,
        StringConstraints(strip_whitespace=True, max_length=MAX_NOTE_CHARS),
        Field(description="For your team and the organisers."),
    ] = ""
    smoke: Annotated[
        Literal["yes", ""],
        Field(description="`yes`: only run it on the public sample, and read what it writes."),
    ] = ""
    weights: Annotated[
        str,
        StringConstraints(max_length=60),
        Field(description="Id of weights that your team has uploaded."),
    ] = ""
    once: SkipJsonSchema[Annotated[str, StringConstraints(max_length=60)]] = ""
    """Names one form of a page: the browser's way back sends the same again."""


MESSAGES: Mapping[str, str] = {
    "phase": "Choose the phase to submit to.",
    "kind": "Choose what kind of file it is.",
    "smoke": "Say yes, or nothing.",
    "weights": "Choose weights that your team has uploaded.",
    "once": "Open the form again.",
    "note": f"Write at most {MAX_NOTE_CHARS} characters.",
    "file": "Choose the file to submit. It must not be empty.",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Filled:
    """A form as somebody filled it in: what they wrote is kept when something is wrong with it."""

    values: Mapping[str, str] = field(default_factory=dict)
    errors: Mapping[str, str] = field(default_factory=dict)
    """By field; the empty name stands for the form as a whole."""

    def value(self, name: str) -> str:
        """Return what was written in a field."""
        return self.values.get(name, "")

    def error(self, name: str) -> str:
        """Return what is wrong with a field, or nothing."""
        return self.errors.get(name, "")


def read_input(fields: Mapping[str, str]) -> SubmitInput | dict[str, str]:
    """Return the input, or what is wrong with it by field."""
    try:
        return SubmitInput.model_validate({k: _plain(v) for k, v in fields.items()})
    except ValidationError as error:
        wrong = {str(problem["loc"][0]) for problem in error.errors()}
        return {name: MESSAGES[name] for name in MESSAGES if name in wrong}


def _plain(value: str) -> str:
    # A database may refuse NUL, and no reader gains from other control characters.
    text = value.replace("\r\n", "\n")
    return "".join(c for c in text if is_printable(c) or c == "\n")
