"""Several clusters: an image is one cluster's, and so is a task."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply the change."""
    op.add_column("tasks", sa.Column("cluster", sa.String(length=60), nullable=True))
    op.add_column("images", sa.Column("cluster", sa.String(length=60), nullable=True))
    # All there was before was on the one cluster that a site could have.
    only = "coalesce((select max(cluster) from jobs), 'main')"
    op.execute(f"update tasks set cluster = {only}")  # noqa: S608 - no value of anybody's
    op.execute(f"update images set cluster = {only}")  # noqa: S608
    with op.batch_alter_table("tasks") as table:
        table.alter_column("cluster", existing_type=sa.String(length=60), nullable=False)
    with op.batch_alter_table("images") as table:
        table.alter_column("cluster", existing_type=sa.String(length=60), nullable=False)
        table.drop_constraint(op.f("uq_images_recipe"), type_="unique")
        table.create_unique_constraint(op.f("uq_images_recipe_cluster"), ["recipe", "cluster"])


def downgrade() -> None:
    """Take the change back."""
    with op.batch_alter_table("images") as table:
        table.drop_constraint(op.f("uq_images_recipe_cluster"), type_="unique")
        table.create_unique_constraint(op.f("uq_images_recipe"), ["recipe"])
        table.drop_column("cluster")
    with op.batch_alter_table("tasks") as table:
        table.drop_column("cluster")
