"""The form of a submission: what organisers ask, what an answer can be, and until when it can be changed."""

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any
from urllib.parse import urlsplit

from portal.domain.errors import ParticipantError
from portal.domain.printable import is_printable

MAX_ANSWER_CHARS = 500
MAX_NUMBER_CHARS = 40
YES = "yes"
"""What a box that is ticked says in a form."""
FIELD = "answer-"
"""Before the key of a question in the name of its field."""

Answer = str | float | bool
_NUMBER = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]{1,3})?", re.ASCII)


class QuestionType(StrEnum):
    """What an answer is."""

    TEXT = "text"
    NUMBER = "number"
    CHOICE = "choice"
    CHECKBOX = "checkbox"
    URL = "url"


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """A field of the form."""

    key: str
    title: str
    type: QuestionType
    help: str = ""
    choices: tuple[str, ...] = ()
    is_required: bool = False
    on_board: bool = False
    """Whether whoever sees the leaderboard sees the answer."""
    until: datetime | None = None
    """Until when its team can change the answer; None: until the phase ends."""

    @property
    def field(self) -> str:
        """The name of its field in a form."""
        return f"{FIELD}{self.key}"

    def closes(self, ends_at: datetime) -> datetime:
        """Return from when on the answer of a submission to a phase that ends then stays as it is."""
        return self.until or ends_at

    def as_json(self) -> dict[str, Any]:
        """Return it as it is kept."""
        return {
            "key": self.key,
            "title": self.title,
            "type": self.type.value,
            "help": self.help,
            "choices": list(self.choices),
            "required": self.is_required,
            "board": self.on_board,
            "until": self.until.astimezone(UTC).isoformat() if self.until else None,
        }


class AnswersError(ParticipantError):
    """Some answers are none; ``errors`` says which, by key."""

    reason = "answers"

    def __init__(self, errors: Mapping[str, str]) -> None:
        super().__init__(" ".join(errors.values()))
        self.errors = errors


def question_from_json(kept: Mapping[str, Any]) -> Question:
    """Return a question as it was kept."""
    return Question(
        key=kept["key"],
        title=kept["title"],
        type=QuestionType(kept["type"]),
        help=kept["help"],
        choices=tuple(kept["choices"]),
        is_required=kept["required"],
        on_board=kept["board"],
        until=datetime.fromisoformat(kept["until"]) if kept["until"] else None,
    )


def read(
    questions: Sequence[Question], written: Mapping[str, str], *, must_answer: bool = True
) -> dict[str, Answer]:
    """Return the answers that are given, by the keys of their questions. Raises ``AnswersError``.

    ``written`` are fields of a form: text, and ``yes`` for a box that is ticked. Without ``must_answer`` required ones
    may be missing.
    """
    answers: dict[str, Answer] = {}
    errors = {
        key: f"There is no question '{key[:40]}'."
        for key in written
        if key not in {question.key for question in questions}
    }
    for question in questions:
        try:
            found = _answer(question, written.get(question.key, "").strip())
        except ValueError as problem:
            errors[question.key] = f"{question.title}: {problem}"
            continue
        if found is not None and found is not False:
            answers[question.key] = found
        elif question.is_required and must_answer:
            missing = "tick this" if question.type is QuestionType.CHECKBOX else "answer this"
            errors[question.key] = f"{question.title}: {missing} to submit."
    if errors:
        raise AnswersError(errors)
    return answers


def _answer(question: Question, written: str) -> Answer | None:
    """Return what somebody wrote; None for nothing. Raises ``ValueError`` in words for them."""
    if not written:
        return None
    if len(written) > MAX_ANSWER_CHARS:
        raise ValueError(f"write at most {MAX_ANSWER_CHARS} characters.")
    match question.type:
        case QuestionType.TEXT:
            return _text(written)
        case QuestionType.NUMBER:
            return _number(written)
        case QuestionType.CHOICE:
            return _choice(written, question.choices)
        case QuestionType.CHECKBOX:
            _choice(written, (YES,))
            return True
        case QuestionType.URL:
            return _url(written)


def _text(written: str) -> str:
    if not all(map(is_printable, written)):
        raise ValueError("write one line, without characters that cannot be shown.")
    return written


def _choice(written: str, choices: Sequence[str]) -> str:
    if written not in choices:
        raise ValueError("choose one of the answers.")
    return written


def _number(written: str) -> float:
    number = float(written) if _is_number(written) else math.inf
    if not math.isfinite(number):
        raise ValueError("write a number such as 12.5.")
    return number


def _is_number(written: str) -> bool:
    return len(written) <= MAX_NUMBER_CHARS and _NUMBER.fullmatch(written) is not None


def _url(written: str) -> str:
    """Return an address that a page can link to."""
    is_plain = written.isascii() and all(map(is_printable, written)) and " " not in written
    try:
        parts = urlsplit(written)
        host = parts.hostname
        # Read, as it refuses what is none.
        _ = parts.port
    except ValueError:
        host = None
    if not is_plain or not host or parts.scheme != "https" or "@" in parts.netloc:
        raise ValueError("write an address that begins with https://.")
    if any(char in written for char in "<>\"'`\\^{|}"):
        raise ValueError("write an address without quotes, brackets and backslashes.")
    return written


def as_field(answer: Answer | None) -> str:
    """Return what a field of a form holds for an answer; empty for none."""
    if answer is None or answer is False:
        return ""
    if answer is True:
        return YES
    return f"{answer:.15g}" if isinstance(answer, float) else answer
