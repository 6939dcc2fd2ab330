"""What is being done with files, for pages."""

import sqlalchemy as sa
from alembic import op

from portal.db.types import UtcDateTime

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply the change."""
    op.create_table(
        "file_pieces",
        sa.Column("cluster", sa.String(length=60), nullable=False),
        sa.Column("subject", sa.String(length=80), nullable=False),
        sa.Column("part", sa.String(length=24), nullable=False),
        sa.Column("is_begun", sa.Boolean(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("since", UtcDateTime(), nullable=False),
        sa.Column("said_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("cluster", "subject", "part", name=op.f("pk_file_pieces")),
    )


def downgrade() -> None:
    """Take the change back."""
    op.drop_table("file_pieces")
