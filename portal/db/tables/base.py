"""What all tables share."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any

from sqlalchemy import MetaData, String, event
from sqlalchemy.orm import DeclarativeBase, TypeResolve, mapped_column
from sqlalchemy.types import TypeEngine

from portal.db.types import Tree, UtcDateTime, Word

Key = Annotated[str, mapped_column(String(20), primary_key=True)]
"""An identifier made by ``portal.domain.ids.new_id``."""

Digest = Annotated[str, mapped_column(String(64))]
"""A sha256 in hex."""


class Base(DeclarativeBase):
    """Names every constraint, so that migrations can change them on both databases."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map = {  # noqa: RUF012 - read once by SQLAlchemy
        datetime: UtcDateTime(),
        dict[str, Any]: Tree(),
        dict[str, float]: Tree(),
        list[str]: Tree(),
        list[dict[str, Any]]: Tree(),
    }


@event.listens_for(Base, "resolve_type_annotation")
def _word(found: TypeResolve) -> TypeEngine[Any] | None:
    """Let each kind of words have a type that knows them."""
    wanted = found.resolved_type
    if isinstance(wanted, type) and issubclass(wanted, StrEnum):
        return Word(wanted)
    return None
