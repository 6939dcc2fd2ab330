"""What all tables share."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any

from sqlalchemy import JSON, Enum, MetaData, String
from sqlalchemy.orm import DeclarativeBase, mapped_column

from portal.db.types import UtcDateTime

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
        dict[str, Any]: JSON(),
        dict[str, float]: JSON(),
        list[str]: JSON(),
        # States are text in the database, by value: a new one needs no change of a type.
        StrEnum: Enum(
            StrEnum,
            native_enum=False,
            create_constraint=False,
            length=24,
            values_callable=lambda states: [state.value for state in states],
        ),
    }
