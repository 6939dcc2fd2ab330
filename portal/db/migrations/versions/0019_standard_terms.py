"""Columns are called by the words that are used everywhere else."""

from alembic import op

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None

RENAMED = (
    ("images", "sentence", "message"),
    ("evaluations", "sentence", "message"),
    ("events", "sentence", "message"),
    ("data_snapshots", "looks", "fingerprint"),
)
"""Table, the word before, and the word now."""


def upgrade() -> None:
    """Apply the change."""
    for table, before, now in RENAMED:
        _rename(table, before, now)


def downgrade() -> None:
    """Take the change back."""
    for table, before, now in RENAMED:
        _rename(table, now, before)


def _rename(table: str, before: str, now: str) -> None:
    # SQLite does this in place as well, where Alembic's own way would copy the table and drop its triggers.
    op.execute(f"ALTER TABLE {table} RENAME COLUMN {before} TO {now}")
