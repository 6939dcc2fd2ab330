"""Smoke runs."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply the change."""
    with op.batch_alter_table("tasks") as tasks:
        tasks.add_column(sa.Column("sample_sha256", sa.String(length=64), nullable=True))
        tasks.create_foreign_key(
            op.f("fk_tasks_sample_sha256_blobs"), "blobs", ["sample_sha256"], ["sha256"]
        )
    with op.batch_alter_table("submissions") as submissions:
        submissions.add_column(
            sa.Column("is_smoke", sa.Boolean(), nullable=False, server_default=sa.false())
        )


def downgrade() -> None:
    """Take the change back."""
    with op.batch_alter_table("submissions") as submissions:
        submissions.drop_column("is_smoke")
    with op.batch_alter_table("tasks") as tasks:
        tasks.drop_constraint(op.f("fk_tasks_sample_sha256_blobs"), type_="foreignkey")
        tasks.drop_column("sample_sha256")
