"""More limits of phases, tries that organisers give, phases after others, late submissions, and forms of submissions."""

import sqlalchemy as sa
from alembic import op

revision = "0026"
down_revision = "0024"
branch_labels = None
depends_on = None

_LIMITS = ("per_week", "failed_per_day")


def upgrade() -> None:
    """Apply the change."""
    for name in _LIMITS:
        op.add_column("phases", sa.Column(name, sa.Integer(), nullable=True))


def downgrade() -> None:
    """Take the change back."""
    for name in _LIMITS:
        op.execute(f"ALTER TABLE phases DROP COLUMN {name}")
