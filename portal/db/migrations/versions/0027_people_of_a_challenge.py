"""Organisers remove and ban people, with a reason."""

import sqlalchemy as sa
from alembic import op

revision = "0027"
down_revision = "0024"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply the change."""
    op.add_column(
        "participations",
        sa.Column("reason", sa.String(length=500), nullable=False, server_default=sa.text("''")),
    )
    op.add_column(
        "participations",
        sa.Column("contact", sa.String(length=200), nullable=False, server_default=sa.text("''")),
    )
    op.add_column("participations", sa.Column("before_ban", sa.String(length=24), nullable=True))
    op.create_index(
        "ix_participations_challenge_id_state",
        "participations",
        ["challenge_id", "state", "asked_at"],
    )


def downgrade() -> None:
    """Take the change back."""
    op.drop_index("ix_participations_challenge_id_state", table_name="participations")
    for name in ("before_ban", "contact", "reason"):
        op.execute(f"ALTER TABLE participations DROP COLUMN {name}")
