"""More limits of phases, tries that organisers give, phases after others, late submissions, and forms of submissions."""

import sqlalchemy as sa
from alembic import op

revision = "0026"
down_revision = "0025"
branch_labels = None
depends_on = None

_LIMITS = ("per_week", "failed_per_day")
_RULES = ("after_slug", "after_needs", "after_rank", "takes_late", "late_until")
_OF_SUBMISSIONS = ("is_extra", "is_late")


def upgrade() -> None:
    """Apply the change."""
    for name in _LIMITS:
        op.add_column("phases", sa.Column(name, sa.Integer(), nullable=True))
    op.add_column("phases", sa.Column("after_slug", sa.String(length=60), nullable=True))
    op.add_column("phases", sa.Column("after_needs", sa.String(length=24), nullable=True))
    op.add_column("phases", sa.Column("after_rank", sa.Integer(), nullable=True))
    op.add_column(
        "phases", sa.Column("takes_late", sa.Boolean(), nullable=False, server_default=sa.false())
    )
    op.add_column("phases", sa.Column("late_until", sa.DateTime(timezone=True), nullable=True))
    op.add_column(
        "challenges",
        sa.Column("timezone", sa.String(length=64), nullable=False, server_default=""),
    )
    op.add_column(
        "challenges", sa.Column("questions", sa.JSON(), nullable=False, server_default="[]")
    )
    op.add_column(
        "submissions", sa.Column("answers", sa.JSON(), nullable=False, server_default="{}")
    )
    for name in _OF_SUBMISSIONS:
        op.add_column(
            "submissions", sa.Column(name, sa.Boolean(), nullable=False, server_default=sa.false())
        )
    with op.batch_alter_table("submission_marks") as marks:
        marks.alter_column("made_by", existing_type=sa.String(length=20), nullable=True)
    op.create_table(
        "phase_admissions",
        sa.Column("phase_id", sa.String(length=20), nullable=False),
        sa.Column("team_id", sa.String(length=20), nullable=False),
        sa.Column("admitted_by", sa.String(length=20), nullable=False),
        sa.Column("admitted_at", sa.DateTime(timezone=True), nullable=False),
        *(
            sa.ForeignKeyConstraint(
                [name], [f"{table}.id"], name=op.f(f"fk_phase_admissions_{name}_{table}")
            )
            for name, table in (
                ("phase_id", "phases"),
                ("team_id", "teams"),
                ("admitted_by", "people"),
            )
        ),
        sa.PrimaryKeyConstraint("phase_id", "team_id", name=op.f("pk_phase_admissions")),
    )
    op.create_table(
        "extra_tries",
        sa.Column("id", sa.String(length=20), nullable=False),
        sa.Column("phase_id", sa.String(length=20), nullable=False),
        sa.Column("team_id", sa.String(length=20), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("reason", sa.String(length=500), nullable=False),
        sa.Column("given_by", sa.String(length=20), nullable=False),
        sa.Column("given_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("once_sha256", sa.String(length=64), nullable=True),
        *(
            sa.ForeignKeyConstraint(
                [name], [f"{table}.id"], name=op.f(f"fk_extra_tries_{name}_{table}")
            )
            for name, table in (
                ("phase_id", "phases"),
                ("team_id", "teams"),
                ("given_by", "people"),
            )
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_extra_tries")),
    )
    op.create_index("ix_extra_tries_phase_id_team_id", "extra_tries", ["phase_id", "team_id"])
    op.create_index("ix_extra_tries_once_sha256", "extra_tries", ["once_sha256"], unique=True)


def downgrade() -> None:
    """Take the change back."""
    op.drop_table("phase_admissions")
    op.drop_table("extra_tries")
    op.execute("DELETE FROM submission_marks WHERE made_by IS NULL")
    with op.batch_alter_table("submission_marks") as marks:
        marks.alter_column("made_by", existing_type=sa.String(length=20), nullable=False)
    for name in _OF_SUBMISSIONS:
        op.execute(f"ALTER TABLE submissions DROP COLUMN {name}")
    op.execute("ALTER TABLE submissions DROP COLUMN answers")
    for name in ("questions", "timezone"):
        op.execute(f"ALTER TABLE challenges DROP COLUMN {name}")
    for name in _RULES:
        op.execute(f"ALTER TABLE phases DROP COLUMN {name}")
    for name in _LIMITS:
        op.execute(f"ALTER TABLE phases DROP COLUMN {name}")
