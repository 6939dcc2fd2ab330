"""Alembic's entry point: runs on the connection that ``portal.db.schema`` hands over."""

from typing import Literal

from alembic import context
from alembic.autogenerate.api import AutogenContext

from portal.db.tables import Base
from portal.db.types import WORD_LENGTH, Tree, UtcDateTime, Word

_STORED = {
    Word: f"sa.String(length={WORD_LENGTH})",
    UtcDateTime: "sa.DateTime(timezone=True)",
    Tree: "sa.JSON()",
}


def render_item(kind: str, item: object, _context: AutogenContext) -> str | Literal[False]:
    """Write what the database stores: a migration must not depend on today's code."""
    return _STORED.get(type(item), False) if kind == "type" else False


context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=Base.metadata,
    # SQLite cannot alter most things in place: batches copy the table instead.
    render_as_batch=True,
    compare_type=True,
    render_item=render_item,
)
with context.begin_transaction():
    context.run_migrations()
