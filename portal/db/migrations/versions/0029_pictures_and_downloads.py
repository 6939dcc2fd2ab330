"""Pages show pictures, some pages and files are for participants only, and challenges offer files."""

import sqlalchemy as sa
from alembic import op

revision = "0029"
down_revision = "0028"
branch_labels = None
depends_on = None

_TEXTS = (
    ("pages", "folder", 1000, ""),
    ("pages", "readers", 24, "everybody"),
    ("challenges", "terms_folder", 1000, ""),
    ("challenges", "summary", 200, ""),
    ("challenges", "logo", 1000, ""),
)


def upgrade() -> None:
    """Apply the change."""
    for table, name, length, value in _TEXTS:
        op.add_column(
            table, sa.Column(name, sa.String(length), nullable=False, server_default=value)
        )
    op.create_table(
        "pictures",
        sa.Column("id", sa.String(length=20), nullable=False),
        sa.Column("challenge_id", sa.String(length=20), nullable=False),
        sa.Column("path", sa.String(length=1000), nullable=False),
        sa.Column("blob_sha256", sa.String(length=64), nullable=False),
        sa.Column("readers", sa.String(length=24), nullable=False),
        *_of_a_challenge("pictures", "path"),
    )
    op.create_table(
        "downloads",
        sa.Column("id", sa.String(length=20), nullable=False),
        sa.Column("challenge_id", sa.String(length=20), nullable=False),
        sa.Column("name", sa.String(length=1000), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("title", sa.String(length=200), nullable=False),
        sa.Column("readers", sa.String(length=24), nullable=False),
        sa.Column("blob_sha256", sa.String(length=64), nullable=True),
        sa.Column("size", sa.BigInteger(), nullable=True),
        sa.Column("url", sa.String(length=2000), nullable=True),
        sa.Column("url_sha256", sa.String(length=64), nullable=True),
        sa.Column("fetched", sa.Integer(), nullable=False),
        *_of_a_challenge("downloads", "name"),
    )


def _of_a_challenge(table: str, name: str) -> tuple[sa.Constraint, ...]:
    return (
        sa.ForeignKeyConstraint(
            ["blob_sha256"], ["blobs.sha256"], name=op.f(f"fk_{table}_blob_sha256_blobs")
        ),
        sa.ForeignKeyConstraint(
            ["challenge_id"], ["challenges.id"], name=op.f(f"fk_{table}_challenge_id_challenges")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{table}")),
        sa.UniqueConstraint("challenge_id", name, name=op.f(f"uq_{table}_challenge_id_{name}")),
    )


def downgrade() -> None:
    """Take the change back."""
    op.drop_table("downloads")
    op.drop_table("pictures")
    for table, name, _, _ in reversed(_TEXTS):
        op.execute(f"ALTER TABLE {table} DROP COLUMN {name}")
