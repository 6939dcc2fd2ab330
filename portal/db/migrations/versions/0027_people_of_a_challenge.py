"""Organisers remove and ban people with a reason, invite others by e-mail, and answer questions."""

import sqlalchemy as sa
from alembic import op

revision = "0027"
down_revision = "0026"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply the change."""
    op.add_column(
        "participations",
        sa.Column("reason", sa.String(length=500), nullable=False, server_default=sa.text("''")),
    )
    op.add_column(
        "participations",
        sa.Column("contact", sa.String(length=200), nullable=False, server_default=sa.text("''")),
    )
    op.add_column("participations", sa.Column("before_ban", sa.String(length=24), nullable=True))
    op.create_index(
        "ix_participations_challenge_id_state",
        "participations",
        ["challenge_id", "state", "asked_at"],
    )
    op.create_table(
        "role_invitations",
        sa.Column("id", sa.String(length=20), nullable=False),
        sa.Column("challenge_id", sa.String(length=20), nullable=False),
        sa.Column("role", sa.String(length=24), nullable=False),
        sa.Column("address", sa.String(length=254), nullable=False),
        sa.Column("invited_by", sa.String(length=20), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("withdrawn_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("accepted_by", sa.String(length=20), nullable=True),
        sa.Column("accepted_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["accepted_by"], ["people.id"], name=op.f("fk_role_invitations_accepted_by_people")
        ),
        sa.ForeignKeyConstraint(
            ["challenge_id"],
            ["challenges.id"],
            name=op.f("fk_role_invitations_challenge_id_challenges"),
        ),
        sa.ForeignKeyConstraint(
            ["invited_by"], ["people.id"], name=op.f("fk_role_invitations_invited_by_people")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_role_invitations")),
    )
    op.create_index("ix_role_invitations_challenge_id", "role_invitations", ["challenge_id"])
    op.create_index("ix_role_invitations_invited_by", "role_invitations", ["invited_by", "made_at"])
    op.create_table(
        "role_invitation_links",
        sa.Column("secret_sha256", sa.String(length=64), nullable=False),
        sa.Column("invitation_id", sa.String(length=20), nullable=False),
        sa.ForeignKeyConstraint(
            ["invitation_id"],
            ["role_invitations.id"],
            name=op.f("fk_role_invitation_links_invitation_id_role_invitations"),
        ),
        sa.PrimaryKeyConstraint("secret_sha256", name=op.f("pk_role_invitation_links")),
    )
    op.create_index(
        "ix_role_invitation_links_invitation_id", "role_invitation_links", ["invitation_id"]
    )
    op.add_column(
        "challenges",
        sa.Column(
            "q_and_a", sa.String(length=24), nullable=False, server_default=sa.text("'nobody'")
        ),
    )
    op.create_table(
        "questions",
        sa.Column("id", sa.String(length=20), nullable=False),
        sa.Column("challenge_id", sa.String(length=20), nullable=False),
        sa.Column("asked_by", sa.String(length=20), nullable=False),
        sa.Column("title", sa.String(length=120), nullable=False),
        sa.Column("words", sa.Text(), nullable=False),
        sa.Column("state", sa.String(length=24), nullable=False),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("answer", sa.Text(), nullable=False),
        sa.Column("answered_by", sa.String(length=20), nullable=True),
        sa.Column("answered_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("edited_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("note", sa.String(length=500), nullable=False),
        sa.ForeignKeyConstraint(
            ["answered_by"], ["people.id"], name=op.f("fk_questions_answered_by_people")
        ),
        sa.ForeignKeyConstraint(
            ["asked_by"], ["people.id"], name=op.f("fk_questions_asked_by_people")
        ),
        sa.ForeignKeyConstraint(
            ["challenge_id"], ["challenges.id"], name=op.f("fk_questions_challenge_id_challenges")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_questions")),
    )
    op.create_index("ix_questions_challenge_id", "questions", ["challenge_id", "state", "asked_at"])
    op.create_index("ix_questions_asked_by", "questions", ["asked_by", "challenge_id", "asked_at"])
    op.create_table(
        "circulars",
        sa.Column("id", sa.String(length=20), nullable=False),
        sa.Column("challenge_id", sa.String(length=20), nullable=False),
        sa.Column("title", sa.String(length=120), nullable=False),
        sa.Column("words", sa.Text(), nullable=False),
        sa.Column("recipients", sa.String(length=24), nullable=False),
        sa.Column("phase_id", sa.String(length=20), nullable=True),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("made_by", sa.String(length=20), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("stopped_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["challenge_id"], ["challenges.id"], name=op.f("fk_circulars_challenge_id_challenges")
        ),
        sa.ForeignKeyConstraint(
            ["made_by"], ["people.id"], name=op.f("fk_circulars_made_by_people")
        ),
        sa.ForeignKeyConstraint(
            ["phase_id"], ["phases.id"], name=op.f("fk_circulars_phase_id_phases")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_circulars")),
    )
    op.create_index("ix_circulars_challenge_id", "circulars", ["challenge_id", "made_at"])


def downgrade() -> None:
    """Take the change back."""
    op.drop_table("circulars")
    op.drop_table("questions")
    op.execute("ALTER TABLE challenges DROP COLUMN q_and_a")
    op.drop_table("role_invitation_links")
    op.drop_table("role_invitations")
    op.drop_index("ix_participations_challenge_id_state", table_name="participations")
    for name in ("before_ban", "contact", "reason"):
        op.execute(f"ALTER TABLE participations DROP COLUMN {name}")
