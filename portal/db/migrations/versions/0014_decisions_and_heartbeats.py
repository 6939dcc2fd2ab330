"""What people decide about what needs attention, and whether workers and clusters are alive."""

import sqlalchemy as sa
from alembic import op

from portal.db.types import UtcDateTime

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply the change."""
    op.create_table(
        "decisions",
        sa.Column("id", sa.String(length=20), nullable=False),
        sa.Column("subject", sa.String(length=80), nullable=False),
        sa.Column("choice", sa.String(length=24), nullable=False),
        sa.Column("alike", sa.Boolean(), nullable=False),
        sa.Column("made_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_decisions")),
        sa.UniqueConstraint("subject", name=op.f("uq_decisions_subject")),
    )
    op.create_table(
        "heartbeats",
        sa.Column("cluster", sa.String(length=60), nullable=False),
        sa.Column("holder", sa.String(length=120), nullable=False),
        sa.Column("seen_at", UtcDateTime(), nullable=False),
        sa.Column("probe_image_id", sa.String(length=20), nullable=False),
        sa.Column("settings_version", sa.String(length=16), nullable=False),
        sa.Column("answers", sa.Boolean(), nullable=False),
        sa.Column("since", UtcDateTime(), nullable=False),
        sa.Column("problem", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("cluster", name=op.f("pk_heartbeats")),
    )
    op.add_column("images", sa.Column("scored_at", UtcDateTime(), nullable=True))


def downgrade() -> None:
    """Take the change back."""
    op.drop_column("images", "scored_at")
    op.drop_table("heartbeats")
    op.drop_table("decisions")
