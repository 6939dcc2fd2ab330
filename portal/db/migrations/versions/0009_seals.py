"""Signed seals."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply the change."""
    op.add_column("results", sa.Column("envelope", sa.Text(), nullable=True))
    op.add_column("results", sa.Column("team_envelope", sa.Text(), nullable=True))


def downgrade() -> None:
    """Take the change back."""
    with op.batch_alter_table("results") as table:
        table.drop_column("team_envelope")
        table.drop_column("envelope")
