"""A challenge is tried before it is published, by submissions of teams that never compete."""

import sqlalchemy as sa
from alembic import op

revision = "0028"
down_revision = "0027"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply the change."""
    op.add_column(
        "teams",
        sa.Column("is_dry_run", sa.Boolean(), nullable=False, server_default=sa.false()),
    )
    op.create_table(
        "dry_runs",
        sa.Column("id", sa.String(length=20), nullable=False),
        sa.Column("challenge_id", sa.String(length=20), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("revision_number", sa.Integer(), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("started_by", sa.String(length=20), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("notes", sa.JSON(), nullable=False),
        sa.Column("reason", sa.String(length=500), nullable=False),
        sa.Column("accepted_by", sa.String(length=20), nullable=True),
        sa.Column("accepted_at", sa.DateTime(timezone=True), nullable=True),
        *(
            sa.ForeignKeyConstraint(
                [column], [f"{table}.id"], name=op.f(f"fk_dry_runs_{column}_{table}")
            )
            for column, table in (
                ("challenge_id", "challenges"),
                ("started_by", "people"),
                ("accepted_by", "people"),
            )
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_dry_runs")),
        sa.UniqueConstraint("challenge_id", "number", name=op.f("uq_dry_runs_challenge_id_number")),
    )
    op.create_table(
        "dry_run_trials",
        sa.Column("dry_run_id", sa.String(length=20), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("submission_id", sa.String(length=20), nullable=False),
        sa.Column("role", sa.String(length=24), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("about", sa.Text(), nullable=False),
        sa.Column("expected", sa.JSON(), nullable=False),
        sa.Column("board", sa.Boolean(), nullable=False),
        sa.Column("stands", sa.Boolean(), nullable=False),
        *(
            sa.ForeignKeyConstraint(
                [column], [f"{table}.id"], name=op.f(f"fk_dry_run_trials_{column}_{table}")
            )
            for column, table in (("dry_run_id", "dry_runs"), ("submission_id", "submissions"))
        ),
        sa.PrimaryKeyConstraint("dry_run_id", "position", name=op.f("pk_dry_run_trials")),
        sa.UniqueConstraint("submission_id", name=op.f("uq_dry_run_trials_submission_id")),
    )


def downgrade() -> None:
    """Take the change back."""
    op.drop_table("dry_run_trials")
    op.drop_table("dry_runs")
    op.execute("ALTER TABLE teams DROP COLUMN is_dry_run")
