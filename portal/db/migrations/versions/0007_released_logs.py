"""Logs that were released to their teams."""

import sqlalchemy as sa
from alembic import op

from portal.db.types import UtcDateTime

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply the change."""
    op.create_table(
        "log_releases",
        sa.Column("attempt_token", sa.String(length=60), nullable=False),
        sa.Column("released_by", sa.String(length=20), nullable=False),
        sa.Column("released_at", UtcDateTime(), nullable=False),
        sa.Column("reason", sa.String(length=500), nullable=False),
        sa.ForeignKeyConstraint(
            ["attempt_token"],
            ["attempts.token"],
            name=op.f("fk_log_releases_attempt_token_attempts"),
        ),
        sa.ForeignKeyConstraint(
            ["released_by"], ["people.id"], name=op.f("fk_log_releases_released_by_people")
        ),
        sa.PrimaryKeyConstraint("attempt_token", name=op.f("pk_log_releases")),
    )


def downgrade() -> None:
    """Take the change back."""
    op.drop_table("log_releases")
