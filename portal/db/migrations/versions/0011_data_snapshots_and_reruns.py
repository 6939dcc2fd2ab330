"""Measurements of data, and reruns."""

import sqlalchemy as sa
from alembic import op

from portal.db.types import UtcDateTime

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply the change."""
    op.create_table(
        "data_snapshots",
        sa.Column("id", sa.String(length=20), nullable=False),
        sa.Column("name", sa.String(length=60), nullable=False),
        sa.Column("cluster", sa.String(length=60), nullable=False),
        sa.Column("path", sa.Text(), nullable=False),
        sa.Column("state", sa.String(length=24), nullable=False),
        sa.Column("root", sa.String(length=64), nullable=True),
        sa.Column("looks", sa.String(length=64), nullable=True),
        sa.Column("files", sa.BigInteger(), nullable=True),
        sa.Column("size", sa.BigInteger(), nullable=True),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("measured_at", UtcDateTime(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_data_snapshots")),
    )
    op.create_index("ix_data_snapshots_name_cluster", "data_snapshots", ["name", "cluster"])
    op.create_index("ix_data_snapshots_state", "data_snapshots", ["state"])
    with op.batch_alter_table("jobs") as jobs:
        jobs.add_column(sa.Column("snapshot_id", sa.String(length=20), nullable=True))
        jobs.create_foreign_key(
            op.f("fk_jobs_snapshot_id_data_snapshots"), "data_snapshots", ["snapshot_id"], ["id"]
        )
        jobs.create_index("ix_jobs_snapshot_id", ["snapshot_id"])
    with op.batch_alter_table("evaluations") as evaluations:
        evaluations.add_column(sa.Column("rerun_of", sa.String(length=20), nullable=True))
        evaluations.create_foreign_key(
            op.f("fk_evaluations_rerun_of_evaluations"), "evaluations", ["rerun_of"], ["id"]
        )
        evaluations.create_index("ix_evaluations_rerun_of", ["rerun_of"])


def downgrade() -> None:
    """Take the change back."""
    with op.batch_alter_table("evaluations") as evaluations:
        evaluations.drop_index("ix_evaluations_rerun_of")
        evaluations.drop_constraint(op.f("fk_evaluations_rerun_of_evaluations"), type_="foreignkey")
        evaluations.drop_column("rerun_of")
    with op.batch_alter_table("jobs") as jobs:
        jobs.drop_index("ix_jobs_snapshot_id")
        jobs.drop_constraint(op.f("fk_jobs_snapshot_id_data_snapshots"), type_="foreignkey")
        jobs.drop_column("snapshot_id")
    op.drop_table("data_snapshots")
