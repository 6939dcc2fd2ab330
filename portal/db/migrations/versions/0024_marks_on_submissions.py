"""Organisers and teams mark submissions, and some stand on a board without a rank."""

import sqlalchemy as sa
from alembic import op

revision = "0024"
down_revision = "0023"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply the change."""
    op.create_table(
        "submission_marks",
        sa.Column("submission_id", sa.String(length=20), nullable=False),
        sa.Column("mark", sa.String(length=24), nullable=False),
        sa.Column("reason", sa.String(length=500), nullable=False),
        sa.Column("made_by", sa.String(length=20), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["made_by"], ["people.id"], name=op.f("fk_submission_marks_made_by_people")
        ),
        sa.ForeignKeyConstraint(
            ["submission_id"],
            ["submissions.id"],
            name=op.f("fk_submission_marks_submission_id_submissions"),
        ),
        sa.PrimaryKeyConstraint("submission_id", "mark", name=op.f("pk_submission_marks")),
    )
    for name in ("is_unranked", "is_verified"):
        op.add_column(
            "standings", sa.Column(name, sa.Boolean(), nullable=False, server_default=sa.false())
        )
    op.create_index(
        "ix_standings_unranked",
        "standings",
        ["phase_id", "rank_value"],
        sqlite_where=sa.text("is_unranked = 1"),
        postgresql_where=sa.text("is_unranked"),
    )


def downgrade() -> None:
    """Take the change back."""
    op.drop_index("ix_standings_unranked", table_name="standings")
    for name in ("is_verified", "is_unranked"):
        op.execute(f"ALTER TABLE standings DROP COLUMN {name}")
    op.drop_table("submission_marks")
