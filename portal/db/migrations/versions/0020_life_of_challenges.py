"""A challenge has a state of its life in place of being published or not."""

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply the change."""
    op.add_column(
        "challenges", sa.Column("state", sa.String(24), nullable=False, server_default="draft")
    )
    op.add_column("challenges", sa.Column("approved_at", sa.DateTime(timezone=True)))
    # Whatever is there was added by an operator, who approved it with that.
    op.execute("UPDATE challenges SET approved_at = updated_at")
    op.execute("UPDATE challenges SET state = 'published' WHERE published")
    op.execute("ALTER TABLE challenges DROP COLUMN published")


def downgrade() -> None:
    """Take the change back."""
    op.add_column(
        "challenges", sa.Column("published", sa.Boolean(), nullable=False, server_default=sa.true())
    )
    op.execute("UPDATE challenges SET published = (state IN ('published', 'closed', 'archived'))")
    op.execute("ALTER TABLE challenges DROP COLUMN approved_at")
    op.execute("ALTER TABLE challenges DROP COLUMN state")
