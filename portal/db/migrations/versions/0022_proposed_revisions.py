"""Revisions that are proposed before they hold."""

import sqlalchemy as sa
from alembic import op

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply the change: all that there are hold, or held, since they were made."""
    for column in (
        sa.Column("state", sa.String(24), nullable=False, server_default="applied"),
        sa.Column("message", sa.String(500), nullable=False, server_default=""),
        sa.Column("base_number", sa.Integer()),
        sa.Column("needs", sa.JSON(), nullable=False, server_default="[]"),
        sa.Column("applied_at", sa.DateTime(timezone=True)),
    ):
        op.add_column("challenge_revisions", column)
    op.execute("UPDATE challenge_revisions SET applied_at = made_at")
    op.execute("UPDATE challenge_revisions SET base_number = number - 1 WHERE number > 1")


def downgrade() -> None:
    """Take the change back; what does not hold is gone."""
    op.execute(
        "DELETE FROM revision_files WHERE revision_id IN"
        " (SELECT id FROM challenge_revisions WHERE state <> 'applied')"
    )
    op.execute("DELETE FROM challenge_revisions WHERE state <> 'applied'")
    for name in ("applied_at", "needs", "base_number", "message", "state"):
        op.execute(f"ALTER TABLE challenge_revisions DROP COLUMN {name}")
