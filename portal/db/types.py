"""Column types that both databases store alike, and that read whatever stands there.

The web process's account can write anything into a SQLite database. A value that a column cannot hold must not
stop whoever reads other rows with it: it is read as an ``Unreadable``, which is no state, no moment and no list,
so that only what has to do with this row fails.
"""

from collections.abc import Callable
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, TypeVar

from sqlalchemy import JSON, DateTime, Dialect, String
from sqlalchemy.sql.operators import OperatorType
from sqlalchemy.types import TypeDecorator, TypeEngine

WORD_LENGTH = 24

Kept = TypeVar("Kept")


class Unreadable(str):
    """What stands in a column that cannot hold it; equal to nothing that the column can."""

    __slots__ = ()


class _Tolerant(TypeDecorator[Kept]):
    """Reads an ``Unreadable`` where reading a value would raise."""

    def result_processor(self, dialect: Dialect, coltype: object) -> Callable[[Any], Any] | None:
        """Return what reads a value of the database."""
        read = super().result_processor(dialect, coltype)
        if read is None:
            return None

        def process(value: Any) -> Kept | Unreadable | None:  # noqa: ANN401 - a DB-API value
            try:
                return read(value)
            except (AttributeError, LookupError, RecursionError, TypeError, ValueError):
                return Unreadable(value)

        return process


class UtcDateTime(_Tolerant[datetime]):
    """An aware datetime. SQLite keeps no zone, so UTC goes in and comes out marked as UTC."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Refuse a naive datetime rather than guess its zone."""
        del dialect
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a datetime without time zone")
        return value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Return the moment in UTC."""
        del dialect
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class Word(_Tolerant[StrEnum]):
    """One of some words, by value: a new one needs no change of a type in the database."""

    impl = String(WORD_LENGTH)
    cache_ok = True

    def __init__(self, words: type[StrEnum]) -> None:
        super().__init__()
        self.words = words
        self._by_value = {word.value: word for word in words}

    def process_bind_param(self, value: StrEnum | None, dialect: Dialect) -> str | None:
        """Refuse what is none of the words."""
        del dialect
        return None if value is None else self.words(value).value

    def coerce_compared_value(self, op: OperatorType | None, value: object) -> TypeEngine[Any]:
        """Compare with texts, such as the pattern of a LIKE, as texts."""
        del op
        return self if isinstance(value, self.words) else String()

    def process_result_value(self, value: str | None, dialect: Dialect) -> StrEnum | None:
        """Return the word."""
        del dialect
        return None if value is None else self._by_value[value]


class Tree(_Tolerant[Any]):
    """Lists, mappings and what they hold, as JSON."""

    impl = JSON
    cache_ok = True
