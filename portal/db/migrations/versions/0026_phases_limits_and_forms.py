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
    op.add_column(
        "submissions",
        sa.Column("is_extra", sa.Boolean(), nullable=False, server_default=sa.false()),
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
    op.drop_table("extra_tries")
    op.execute("ALTER TABLE submissions DROP COLUMN is_extra")
    for name in _LIMITS:
        op.execute(f"ALTER TABLE phases DROP COLUMN {name}")
