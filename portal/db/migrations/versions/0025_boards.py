"""Boards of their own: until now each phase had one, with the columns and the rule of its challenge."""

import sqlalchemy as sa
from alembic import op

revision = "0025"
down_revision = "0024"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply the change."""
    _add_boards()
    _add_to_columns()
    # A phase's board has the id of the phase, so that standings refer to it as they are.
    _fill_boards()
    _replace_standings("board_id", "boards", ["place", "is_picked"])
    op.create_table(
        "picks",
        sa.Column("board_id", sa.String(length=20), nullable=False),
        sa.Column("submission_id", sa.String(length=20), nullable=False),
        sa.Column("picked_by", sa.String(length=20), nullable=False),
        sa.Column("picked_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["board_id"], ["boards.id"], name=op.f("fk_picks_board_id_boards")),
        sa.ForeignKeyConstraint(
            ["picked_by"], ["people.id"], name=op.f("fk_picks_picked_by_people")
        ),
        sa.ForeignKeyConstraint(
            ["submission_id"], ["submissions.id"], name=op.f("fk_picks_submission_id_submissions")
        ),
        sa.PrimaryKeyConstraint("board_id", "submission_id", name=op.f("pk_picks")),
    )
    op.create_index("ix_picks_submission_id", "picks", ["submission_id"])


def downgrade() -> None:
    """Take the change back: boards that are not one phase's are gone, and the next import ranks anew."""
    op.drop_table("picks")
    op.execute("DELETE FROM standings WHERE place > 0 OR board_id NOT IN (SELECT id FROM phases)")
    _replace_standings("phase_id", "phases", [])
    op.drop_table("boards")
    with op.batch_alter_table("columns") as columns:
        columns.drop_constraint(op.f("fk_columns_task_id_tasks"), type_="foreignkey")
        for name in ("formula", "source", "task_id", "reveal_at", "unit"):
            columns.drop_column(name)
        columns.alter_column("title", type_=sa.String(length=100), existing_nullable=False)


def _fill_boards() -> None:
    phases = sa.table(
        "phases", *map(sa.column, ("id", "challenge_id", "slug", "title", "position"))
    )
    boards = sa.table(
        "boards",
        *map(sa.column, ("id", "challenge_id", "slug", "title", "position", "number", "compare")),
        *(sa.column(name, sa.JSON()) for name in ("phases", "ranking", "shown")),
        sa.column("ranks_organisers", sa.Boolean()),
    )
    usual = {"ranking": {}, "shown": [], "number": 1, "ranks_organisers": True, "compare": ""}
    connection = op.get_bind()
    rows = [
        {**row, "phases": [row["slug"]], **usual}
        for row in connection.execute(sa.select(phases)).mappings()
    ]
    if rows:
        connection.execute(boards.insert(), rows)


def _add_boards() -> None:
    op.create_table(
        "boards",
        sa.Column("id", sa.String(length=20), nullable=False),
        sa.Column("challenge_id", sa.String(length=20), nullable=False),
        sa.Column("slug", sa.String(length=60), nullable=False),
        sa.Column("title", sa.String(length=200), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("phases", sa.JSON(), nullable=False),
        sa.Column("ranking", sa.JSON(), nullable=False),
        sa.Column("shown", sa.JSON(), nullable=False),
        sa.Column("rule", sa.String(length=24), nullable=True),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("audience", sa.String(length=24), nullable=True),
        sa.Column("ranks_organisers", sa.Boolean(), nullable=False),
        sa.Column("reveal_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("freeze_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("frozen_of", sa.String(length=20), nullable=True),
        sa.Column("anonymous_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("compare", sa.String(length=60), nullable=False),
        sa.Column("ladder_eta", sa.Double(), nullable=True),
        sa.ForeignKeyConstraint(
            ["challenge_id"], ["challenges.id"], name=op.f("fk_boards_challenge_id_challenges")
        ),
        sa.ForeignKeyConstraint(
            ["frozen_of"], ["boards.id"], name=op.f("fk_boards_frozen_of_boards")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_boards")),
        sa.UniqueConstraint("challenge_id", "slug", name=op.f("uq_boards_challenge_id_slug")),
    )


def _add_to_columns() -> None:
    with op.batch_alter_table("columns") as columns:
        columns.alter_column("title", type_=sa.String(length=200), existing_nullable=False)
        columns.add_column(
            sa.Column("unit", sa.String(length=200), nullable=False, server_default="")
        )
        columns.add_column(sa.Column("reveal_at", sa.DateTime(timezone=True), nullable=True))
        columns.add_column(sa.Column("task_id", sa.String(length=20), nullable=True))
        columns.add_column(
            sa.Column("source", sa.String(length=60), nullable=False, server_default="")
        )
        columns.add_column(sa.Column("formula", sa.JSON(), nullable=False, server_default="{}"))
        columns.create_foreign_key(op.f("fk_columns_task_id_tasks"), "tasks", ["task_id"], ["id"])


def _replace_standings(key: str, parent: str, more: list[str]) -> None:
    """Make the table anew under another key: its primary key changes, and SQLite cannot change that."""
    old = "phase_id" if key == "board_id" else "board_id"
    op.drop_index("ix_standings_unranked", table_name="standings")
    op.drop_index("ix_standings_rank", table_name="standings")
    op.rename_table("standings", "standings_before")
    if op.get_bind().dialect.name == "postgresql":
        op.execute("ALTER INDEX pk_standings RENAME TO pk_standings_before")
    added = {
        "place": sa.Column("place", sa.Integer(), nullable=False, server_default="0"),
        "is_picked": sa.Column(
            "is_picked", sa.Boolean(), nullable=False, server_default=sa.false()
        ),
    }
    op.create_table(
        "standings",
        sa.Column(key, sa.String(length=20), nullable=False),
        sa.Column("team_id", sa.String(length=20), nullable=False),
        *([added["place"]] if "place" in more else []),
        sa.Column("submission_id", sa.String(length=20), nullable=False),
        sa.Column("scores", sa.JSON(), nullable=False),
        sa.Column("rank_value", sa.Double(), nullable=False),
        sa.Column("achieved_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("is_unranked", sa.Boolean(), nullable=False, server_default=sa.false()),
        sa.Column("is_verified", sa.Boolean(), nullable=False, server_default=sa.false()),
        *([added["is_picked"]] if "is_picked" in more else []),
        sa.ForeignKeyConstraint([key], [f"{parent}.id"], name=op.f(f"fk_standings_{key}_{parent}")),
        sa.ForeignKeyConstraint(
            ["submission_id"],
            ["submissions.id"],
            name=op.f("fk_standings_submission_id_submissions"),
        ),
        sa.ForeignKeyConstraint(["team_id"], ["teams.id"], name=op.f("fk_standings_team_id_teams")),
        sa.PrimaryKeyConstraint(
            key, "team_id", *(["place"] if "place" in more else []), name=op.f("pk_standings")
        ),
    )
    kept = "team_id, submission_id, scores, rank_value, achieved_at, is_unranked, is_verified"
    # Names that stand in this file, and nothing else.
    copy = f"INSERT INTO standings ({key}, {kept}) SELECT {old}, {kept} FROM standings_before"  # noqa: S608
    op.execute(copy)
    op.drop_table("standings_before")
    op.create_index(
        "ix_standings_rank",
        "standings",
        [key, sa.text("rank_value DESC"), "achieved_at", "team_id"],
    )
    op.create_index(
        "ix_standings_unranked",
        "standings",
        [key, "rank_value"],
        sqlite_where=sa.text("is_unranked = 1"),
        postgresql_where=sa.text("is_unranked"),
    )
