"""What went wrong with one thing while everything else went on."""

import sqlalchemy as sa
from alembic import op

from portal.db.types import UtcDateTime

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply the change."""
    op.create_table(
        "troubles",
        sa.Column("id", sa.String(length=20), nullable=False),
        sa.Column("cluster", sa.String(length=60), nullable=False),
        sa.Column("step", sa.String(length=20), nullable=False),
        sa.Column("subject", sa.String(length=80), nullable=False),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("problem", sa.Text(), nullable=False),
        sa.Column("first_at", UtcDateTime(), nullable=False),
        sa.Column("last_at", UtcDateTime(), nullable=False),
        sa.Column("next_at", UtcDateTime(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_troubles")),
        sa.UniqueConstraint("step", "subject", name=op.f("uq_troubles_step_subject")),
    )
    op.create_index("ix_troubles_subject", "troubles", ["subject"])


def downgrade() -> None:
    """Take the change back."""
    op.drop_table("troubles")
