"""Indexes that have all that long lists are counted and ordered by."""

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply the change."""
    op.drop_index("ix_standings_rank", table_name="standings")
    op.create_index(
        "ix_standings_rank",
        "standings",
        ["phase_id", sa.text("rank_value DESC"), "achieved_at", "team_id"],
    )
    op.drop_index("ix_submissions_challenge_id_blob_sha256", table_name="submissions")
    op.create_index(
        "ix_submissions_files",
        "submissions",
        ["challenge_id", "blob_sha256", "team_id", "is_smoke", "created_at"],
    )


def downgrade() -> None:
    """Take the change back."""
    op.drop_index("ix_submissions_files", table_name="submissions")
    op.create_index(
        "ix_submissions_challenge_id_blob_sha256", "submissions", ["challenge_id", "blob_sha256"]
    )
    op.drop_index("ix_standings_rank", table_name="standings")
    op.create_index("ix_standings_rank", "standings", ["phase_id", "rank_value", "achieved_at"])
