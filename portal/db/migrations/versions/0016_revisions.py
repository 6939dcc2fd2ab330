"""How often what boards show was changed, and submissions in the order of their list."""

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply the change."""
    revisions = op.create_table(
        "revisions",
        sa.Column("name", sa.String(length=40), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_revisions")),
    )
    op.execute(revisions.insert().values(name="boards", number=0))
    op.create_index("ix_submissions_newest", "submissions", ["challenge_id", "created_at", "id"])


def downgrade() -> None:
    """Take the change back."""
    op.drop_index("ix_submissions_newest", table_name="submissions")
    op.drop_table("revisions")
