"""What the submit form means, checked by one model."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Literal

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationError,
    field_validator,
)
from pydantic.json_schema import SkipJsonSchema

from portal.domain.errors import ParticipantError
from portal.domain.printable import is_printable
from portal.domain.submissions.limits import SubmissionKind
from portal.domain.submissions.questions import FIELD, as_field

MAX_NOTE_CHARS = 500
MAX_ANSWERS_CHARS = 8_000
MAX_WHOLE_NUMBER = 10**30


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
    answers: Annotated[
        str,
        StringConstraints(max_length=MAX_ANSWERS_CHARS),
        Field(
            description="To the questions of the challenge: a JSON object by their keys, such as"
            ' `{"own_data": "yes", "gpus": 2, "open": true}`.'
        ),
    ] = ""
    once: SkipJsonSchema[Annotated[str, StringConstraints(max_length=60)]] = ""
    """Names one form of a page: the browser's way back sends the same again."""
    in_fields: SkipJsonSchema[tuple[tuple[str, str], ...]] = ()
    """Answers of a page, which has a field for each question."""

    @property
    def written(self) -> dict[str, str]:
        """The answers as fields of a form hold them, by the keys of their questions."""
        return {**dict(self.in_fields), **answers_in(self.answers)}

    @field_validator("answers")
    @classmethod
    def _readable(cls, text: str) -> str:
        answers_in(text)
        return text


MESSAGES: Mapping[str, str] = {
    "phase": "Choose the phase to submit to.",
    "kind": "Choose what kind of file it is.",
    "smoke": "Say yes, or nothing.",
    "weights": "Choose weights that your team has uploaded.",
    "once": "Open the form again.",
    "answers": "Write the answers as a JSON object of texts, numbers and true or false.",
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

    def refused(self, refusal: ParticipantError) -> "Filled":
        """Return the same with what it was refused for, at the field that the refusal names, if the form has that."""
        field = refusal.reason if refusal.reason in self.values else ""
        return Filled(values=self.values, errors={field: refusal.message})


def read_input(fields: Mapping[str, str]) -> SubmitInput | dict[str, str]:
    """Return the input, or what is wrong with it by field."""
    try:
        plain = {k: _plain(v) for k, v in fields.items()}
        in_fields = [(k.removeprefix(FIELD), v) for k, v in plain.items() if k.startswith(FIELD)]
        return SubmitInput.model_validate({**plain, "in_fields": tuple(sorted(in_fields))})
    except ValidationError as error:
        wrong = {str(problem["loc"][0]) for problem in error.errors()}
        return {name: MESSAGES[name] for name in MESSAGES if name in wrong}


def answers_in(text: str) -> dict[str, str]:
    """Return the answers of a JSON object as fields of a form hold them. Raises ``ValueError`` for anything else."""
    if not text.strip():
        return {}
    try:
        found = json.loads(text, parse_constant=_no_number)
    except RecursionError as error:
        raise ValueError("nested") from error
    match found:
        case dict():
            return {str(key): _written(value) for key, value in found.items()}
        case _:
            raise ValueError("no object")


def _written(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, bool | str | float):
        return as_field(value)
    if isinstance(value, int) and abs(value) < MAX_WHOLE_NUMBER:
        return str(value)
    raise ValueError("no answer")


def _no_number(word: str) -> str:
    raise ValueError(word)


def _plain(value: str) -> str:
    # A database may refuse NUL, and no reader gains from other control characters.
    text = value.replace("\r\n", "\n")
    return "".join(c for c in text if is_printable(c) or c == "\n")
