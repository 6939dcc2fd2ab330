"""What the names of teams look like."""

import sqlalchemy as sa
from alembic import op

from portal.db.look_alikes import skeleton_of

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

_TEAMS = sa.table(
    "teams",
    sa.column("id", sa.String),
    sa.column("challenge_id", sa.String),
    sa.column("name", sa.String),
    sa.column("skeleton", sa.Text),
)


def upgrade() -> None:
    """Apply the change. Of names that look the same already, all but the first are told apart by their id."""
    # In place: SQLite cannot copy a table that rows of others refer to.
    op.add_column("teams", sa.Column("skeleton", sa.Text(), nullable=False, server_default=""))
    connection = op.get_bind()
    seen: set[tuple[str, str]] = set()
    rows = connection.execute(
        sa.select(_TEAMS.c.id, _TEAMS.c.challenge_id, _TEAMS.c.name).order_by(_TEAMS.c.id)
    ).all()
    for team_id, challenge_id, name in rows:
        skeleton = skeleton_of(name)
        if (challenge_id, skeleton) in seen:
            # No skeleton has a blank: this one is nobody else's.
            skeleton = f"{skeleton} {team_id}"
        seen.add((challenge_id, skeleton))
        connection.execute(
            sa.update(_TEAMS).where(_TEAMS.c.id == team_id).values(skeleton=skeleton)
        )
    op.create_index("ix_teams_skeleton", "teams", ["challenge_id", "skeleton"], unique=True)


def downgrade() -> None:
    """Take the change back."""
    op.drop_index("ix_teams_skeleton", "teams")
    op.drop_column("teams", "skeleton")
