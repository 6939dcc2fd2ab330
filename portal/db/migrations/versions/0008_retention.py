"""Leak control and retention."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Apply the change. Phases of before become as guarded as new ones are by default."""
    with op.batch_alter_table("phases") as phases:
        phases.add_column(
            sa.Column("failures", sa.String(length=24), nullable=False, server_default="sealed")
        )
        phases.add_column(
            sa.Column("time_step", sa.Integer(), nullable=False, server_default="300")
        )
        phases.add_column(
            sa.Column("hold_results", sa.Boolean(), nullable=False, server_default=sa.false())
        )
    with op.batch_alter_table("challenges") as challenges:
        challenges.add_column(sa.Column("ladder_eta", sa.Double(), nullable=True))
        challenges.add_column(
            sa.Column("retention", sa.JSON(), nullable=False, server_default="{}")
        )
    with op.batch_alter_table("submissions") as submissions:
        submissions.add_column(sa.Column("shown", sa.JSON(), nullable=True))
    with op.batch_alter_table("blobs") as blobs:
        blobs.add_column(sa.Column("deleted_at", MOMENT, nullable=True))
    with op.batch_alter_table("images") as images:
        images.add_column(sa.Column("deleted_at", MOMENT, nullable=True))
    op.create_table(
        "deletions",
        sa.Column("id", sa.String(length=20), nullable=False),
        sa.Column("kind", sa.String(length=24), nullable=False),
        sa.Column("subject", sa.String(length=64), nullable=False),
        sa.Column("cluster", sa.String(length=60), nullable=False),
        sa.Column("challenge_id", sa.String(length=20), nullable=True),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("policy", sa.String(length=200), nullable=False),
        sa.Column("intended_at", MOMENT, nullable=False),
        sa.Column("done_at", MOMENT, nullable=True),
        sa.ForeignKeyConstraint(
            ["challenge_id"], ["challenges.id"], name=op.f("fk_deletions_challenge_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_deletions")),
    )
    op.create_index("ix_deletions_kind_subject", "deletions", ["kind", "subject"])
    op.create_index(op.f("ix_deletions_challenge_id"), "deletions", ["challenge_id"])
    op.create_index(op.f("ix_deletions_done_at"), "deletions", ["done_at"])


def downgrade() -> None:
    """Take the change back."""
    op.drop_table("deletions")
    for table, columns in (
        ("images", ["deleted_at"]),
        ("blobs", ["deleted_at"]),
        ("submissions", ["shown"]),
        ("challenges", ["retention", "ladder_eta"]),
        ("phases", ["hold_results", "time_step", "failures"]),
    ):
        with op.batch_alter_table(table) as changed:
            for column in columns:
                changed.drop_column(column)
