"""What was found in an upload of weights, and which form or call a submission was made with."""

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

# What was unpacked by name until now; runs look at the content from now on.
_ARCHIVES = (".zip", ".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tar.xz")


def upgrade() -> None:
    """Apply the change."""
    op.add_column(
        "weights", sa.Column("is_unpacked", sa.Boolean(), nullable=False, server_default=sa.false())
    )
    weights = sa.table(
        "weights", sa.column("filename", sa.String()), sa.column("is_unpacked", sa.Boolean())
    )
    name = sa.func.lower(weights.c.filename)
    is_named = sa.or_(*(name.endswith(suffix) for suffix in _ARCHIVES))
    op.execute(weights.update().where(is_named).values(is_unpacked=True))
    op.add_column("submissions", sa.Column("once_sha256", sa.String(length=64), nullable=True))
    op.create_index("ix_submissions_once_sha256", "submissions", ["once_sha256"], unique=True)


def downgrade() -> None:
    """Take the change back."""
    op.drop_index("ix_submissions_once_sha256", table_name="submissions")
    op.drop_column("submissions", "once_sha256")
    op.drop_column("weights", "is_unpacked")
