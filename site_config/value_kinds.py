"""A word for the kind of value that a setting takes, for the reference pages."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Kind:
    """Put into ``Annotated``; means nothing to pydantic."""

    word: str
