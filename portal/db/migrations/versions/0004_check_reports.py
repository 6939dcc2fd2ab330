"""Reports of checks of the site."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply the change."""
    op.create_table(
        "check_reports",
        sa.Column("id", sa.String(length=20), nullable=False),
        sa.Column("taken_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("report", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_check_reports")),
    )
    op.create_index(op.f("ix_check_reports_taken_at"), "check_reports", ["taken_at"])


def downgrade() -> None:
    """Take the change back."""
    op.drop_table("check_reports")
