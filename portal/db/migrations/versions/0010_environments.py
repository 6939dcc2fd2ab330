"""Environments and weights."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply the change."""
    op.add_column("images", sa.Column("lock", sa.Text(), nullable=True))
    op.create_table(
        "weights",
        sa.Column("id", sa.String(length=20), nullable=False),
        sa.Column("challenge_id", sa.String(length=20), nullable=False),
        sa.Column("team_id", sa.String(length=20), nullable=False),
        sa.Column("person_id", sa.String(length=20), nullable=False),
        sa.Column("blob_sha256", sa.String(length=64), nullable=False),
        sa.Column("filename", sa.String(length=255), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("removed_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["blob_sha256"], ["blobs.sha256"], name=op.f("fk_weights_blob_sha256_blobs")
        ),
        sa.ForeignKeyConstraint(
            ["challenge_id"], ["challenges.id"], name=op.f("fk_weights_challenge_id_challenges")
        ),
        sa.ForeignKeyConstraint(
            ["person_id"], ["people.id"], name=op.f("fk_weights_person_id_people")
        ),
        sa.ForeignKeyConstraint(["team_id"], ["teams.id"], name=op.f("fk_weights_team_id_teams")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_weights")),
    )
    op.create_index("ix_weights_challenge_id_team_id", "weights", ["challenge_id", "team_id"])
    op.create_index("ix_weights_blob_sha256", "weights", ["blob_sha256"])
    with op.batch_alter_table("submissions") as table:
        table.add_column(sa.Column("weights_id", sa.String(length=20), nullable=True))
        table.create_foreign_key(
            op.f("fk_submissions_weights_id_weights"), "weights", ["weights_id"], ["id"]
        )


def downgrade() -> None:
    """Take the change back."""
    with op.batch_alter_table("submissions") as table:
        table.drop_constraint(op.f("fk_submissions_weights_id_weights"), type_="foreignkey")
        table.drop_column("weights_id")
    op.drop_table("weights")
    with op.batch_alter_table("images") as table:
        table.drop_column("lock")
