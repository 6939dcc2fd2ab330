"""What the bundle of a challenge was, each time that it was changed."""

import sqlalchemy as sa
from alembic import op

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply the change."""
    op.create_table(
        "challenge_revisions",
        sa.Column("id", sa.String(length=20), nullable=False),
        sa.Column("challenge_id", sa.String(length=20), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("settings", sa.Text(), nullable=False),
        sa.Column("changes", sa.JSON(), nullable=False),
        sa.Column("origin", sa.String(length=24), nullable=False),
        sa.Column("made_by", sa.String(length=20), nullable=True),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["challenge_id"],
            ["challenges.id"],
            name=op.f("fk_challenge_revisions_challenge_id_challenges"),
        ),
        sa.ForeignKeyConstraint(
            ["made_by"], ["people.id"], name=op.f("fk_challenge_revisions_made_by_people")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_challenge_revisions")),
        sa.UniqueConstraint(
            "challenge_id", "number", name=op.f("uq_challenge_revisions_challenge_id_number")
        ),
    )
    op.create_table(
        "revision_files",
        sa.Column("revision_id", sa.String(length=20), nullable=False),
        sa.Column("path", sa.String(length=1000), nullable=False),
        sa.Column("blob_sha256", sa.String(length=64), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("is_directory", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(
            ["blob_sha256"], ["blobs.sha256"], name=op.f("fk_revision_files_blob_sha256_blobs")
        ),
        sa.ForeignKeyConstraint(
            ["revision_id"],
            ["challenge_revisions.id"],
            name=op.f("fk_revision_files_revision_id_challenge_revisions"),
        ),
        sa.PrimaryKeyConstraint("revision_id", "path", name=op.f("pk_revision_files")),
    )
    op.create_index("ix_revision_files_blob_sha256", "revision_files", ["blob_sha256"])


def downgrade() -> None:
    """Take the change back."""
    op.drop_index("ix_revision_files_blob_sha256", table_name="revision_files")
    op.drop_table("revision_files")
    op.drop_table("challenge_revisions")
