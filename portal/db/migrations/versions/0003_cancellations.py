"""Wishes to cancel, and when jobs are expected to start."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply the change."""
    op.add_column("attempts", sa.Column("expected_at", sa.DateTime(timezone=True), nullable=True))
    op.create_table(
        "cancellations",
        sa.Column("evaluation_id", sa.String(length=20), nullable=False),
        sa.Column("asked_by", sa.String(length=20), nullable=False),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("counts", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(
            ["evaluation_id"], ["evaluations.id"], name=op.f("fk_cancellations_evaluation_id")
        ),
        sa.ForeignKeyConstraint(
            ["asked_by"], ["people.id"], name=op.f("fk_cancellations_asked_by")
        ),
        sa.PrimaryKeyConstraint("evaluation_id", name=op.f("pk_cancellations")),
    )


def downgrade() -> None:
    """Take the change back."""
    op.drop_table("cancellations")
    with op.batch_alter_table("attempts") as batch:
        batch.drop_column("expected_at")
