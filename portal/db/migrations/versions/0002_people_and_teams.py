"""People, roles, teams, tokens and the audit log."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

# Columns are added by statements that both databases understand: SQLite knows no other way to add
# a reference to a table that other tables refer to.
COLUMNS = (
    ("accounts", "unique_id", "VARCHAR(300)"),
    ("accounts", "grants_staff", "BOOLEAN NOT NULL DEFAULT FALSE"),
    ("challenges", "join_gate", "JSON NOT NULL DEFAULT '{}'"),
    ("challenges", "rosters_freeze_at", "MOMENT"),
    ("organisers", "role", "VARCHAR(24) NOT NULL DEFAULT 'owner'"),
    ("organisers", "added_at", "MOMENT"),
    (
        "organisers",
        "added_by",
        "VARCHAR(20) CONSTRAINT fk_organisers_added_by REFERENCES people (id)",
    ),
    ("people", "display_name", "VARCHAR(60) NOT NULL DEFAULT ''"),
    ("people", "pseudonym", "VARCHAR(60) NOT NULL DEFAULT ''"),
    ("people", "shown_as", "VARCHAR(24) NOT NULL DEFAULT 'name'"),
    ("people", "blocked_at", "MOMENT"),
    ("people", "deleted_at", "MOMENT"),
    (
        "submissions",
        "first_team_id",
        "VARCHAR(20) CONSTRAINT fk_submissions_first_team_id REFERENCES teams (id)",
    ),
    ("teams", "named_after", "VARCHAR(20) CONSTRAINT fk_teams_named_after REFERENCES people (id)"),
    (
        "teams",
        "merged_into_id",
        "VARCHAR(20) CONSTRAINT fk_teams_merged_into_id REFERENCES teams (id)",
    ),
)
INDEXES = (
    ("ix_accounts_unique_id", "accounts", ["unique_id"]),
    ("ix_organisers_person_id", "organisers", ["person_id"]),
    ("ix_submissions_challenge_id_blob_sha256", "submissions", ["challenge_id", "blob_sha256"]),
)
SQLITE_GUARDS = (
    """CREATE TRIGGER audit_entries_keep BEFORE UPDATE ON audit_entries
WHEN NOT (NEW.number IS OLD.number AND NEW.at IS OLD.at AND NEW.actor_kind IS OLD.actor_kind AND NEW.actor_id IS OLD.actor_id AND NEW.action IS OLD.action AND NEW.subject_kind IS OLD.subject_kind AND NEW.subject_id IS OLD.subject_id AND NEW.challenge_id IS OLD.challenge_id AND NEW.origin_sha256 IS OLD.origin_sha256 AND NEW.previous_sha256 IS OLD.previous_sha256 AND NEW.sha256 IS OLD.sha256 AND NEW.detail IS OLD.detail AND NEW.origin IS NULL AND NEW.origin_salt IS NULL)
BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END""",
    """CREATE TRIGGER audit_entries_stay BEFORE DELETE ON audit_entries
BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END""",
    """CREATE TRIGGER audit_entries_once BEFORE INSERT ON audit_entries
WHEN EXISTS (SELECT 1 FROM audit_entries WHERE number = NEW.number)
BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END""",
)
POSTGRESQL_GUARDS = (
    """CREATE FUNCTION audit_entries_guard() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF TG_OP = 'UPDATE' AND NEW.number IS NOT DISTINCT FROM OLD.number AND NEW.at IS NOT DISTINCT FROM OLD.at AND NEW.actor_kind IS NOT DISTINCT FROM OLD.actor_kind AND NEW.actor_id IS NOT DISTINCT FROM OLD.actor_id AND NEW.action IS NOT DISTINCT FROM OLD.action AND NEW.subject_kind IS NOT DISTINCT FROM OLD.subject_kind AND NEW.subject_id IS NOT DISTINCT FROM OLD.subject_id AND NEW.challenge_id IS NOT DISTINCT FROM OLD.challenge_id AND NEW.origin_sha256 IS NOT DISTINCT FROM OLD.origin_sha256 AND NEW.previous_sha256 IS NOT DISTINCT FROM OLD.previous_sha256 AND NEW.sha256 IS NOT DISTINCT FROM OLD.sha256 AND NEW.detail::text = OLD.detail::text AND NEW.origin IS NULL AND NEW.origin_salt IS NULL THEN
    RETURN NEW;
  END IF;
  RAISE EXCEPTION 'the audit log is append-only';
END $$""",
    """CREATE TRIGGER audit_entries_keep BEFORE UPDATE OR DELETE ON audit_entries
FOR EACH ROW EXECUTE FUNCTION audit_entries_guard()""",
    """CREATE TRIGGER audit_entries_stay BEFORE TRUNCATE ON audit_entries
FOR EACH STATEMENT EXECUTE FUNCTION audit_entries_guard()""",
)


def upgrade() -> None:
    """Apply the change."""
    is_postgresql = op.get_bind().dialect.name == "postgresql"
    moment = "TIMESTAMP WITH TIME ZONE" if is_postgresql else "DATETIME"
    for table, column, kind in COLUMNS:
        op.execute(f"ALTER TABLE {table} ADD COLUMN {column} {kind.replace('MOMENT', moment)}")
    for name, table, columns in INDEXES:
        op.create_index(name, table, columns)
    _make_sessions_anew()
    _make_tables()
    for guard in POSTGRESQL_GUARDS if is_postgresql else SQLITE_GUARDS:
        op.execute(sa.text(guard.replace(":", "\\:")))
    _carry_over()


def _carry_over() -> None:
    op.execute("UPDATE people SET pseudonym = 'Participant ' || upper(substr(id, 13, 8))")
    # Only providers could make anybody staff so far; they do so again at the next login.
    op.execute("UPDATE people SET is_staff = FALSE")
    op.execute(
        "INSERT INTO participations (challenge_id, person_id, state, note, terms_sha256, asked_at,"
        " decided_at) SELECT challenge_id, person_id, 'admitted', '', '', joined_at, joined_at"
        " FROM memberships"
    )


def _make_sessions_anew() -> None:
    # Everybody logs in again: a session has to know which login it came from.
    op.drop_table("login_sessions")
    op.create_table(
        "login_sessions",
        sa.Column("secret_sha256", sa.String(length=64), nullable=False),
        sa.Column("id", sa.String(length=20), nullable=False),
        sa.Column("person_id", sa.String(length=20), nullable=True),
        sa.Column("issuer", sa.String(length=500), nullable=True),
        sa.Column("subject", sa.String(length=255), nullable=True),
        sa.Column("provider_id", sa.String(length=40), nullable=False),
        sa.Column("provider_session", sa.String(length=255), nullable=True),
        sa.Column("id_token", sa.Text(), nullable=False),
        sa.Column("acr", sa.String(length=200), nullable=False),
        sa.Column("data", sa.JSON(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("agent", sa.Text(), nullable=False),
        sa.Column("origin", sa.String(length=60), nullable=False),
        sa.ForeignKeyConstraint(
            ["issuer", "subject"],
            ["accounts.issuer", "accounts.subject"],
            name=op.f("fk_login_sessions_issuer_subject"),
        ),
        sa.ForeignKeyConstraint(
            ["person_id"], ["people.id"], name=op.f("fk_login_sessions_person_id")
        ),
        sa.PrimaryKeyConstraint("secret_sha256", name=op.f("pk_login_sessions")),
        sa.UniqueConstraint("id", name=op.f("uq_login_sessions_id")),
    )
    for column in ("person_id", "provider_session", "expires_at"):
        op.create_index(op.f(f"ix_login_sessions_{column}"), "login_sessions", [column])


def _make_tables() -> None:
    op.create_table(
        "spent_logout_tokens",
        sa.Column("issuer", sa.String(length=500), nullable=False),
        sa.Column("jti", sa.String(length=255), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("issuer", "jti", name=op.f("pk_spent_logout_tokens")),
    )
    op.create_index(
        op.f("ix_spent_logout_tokens_expires_at"),
        "spent_logout_tokens",
        ["expires_at"],
        unique=False,
    )
    op.create_table(
        "api_tokens",
        sa.Column("id", sa.String(length=20), nullable=False),
        sa.Column("person_id", sa.String(length=20), nullable=False),
        sa.Column("name", sa.String(length=60), nullable=False),
        sa.Column("secret_sha256", sa.String(length=64), nullable=False),
        sa.Column("scopes", sa.JSON(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_used_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["person_id"], ["people.id"], name=op.f("fk_api_tokens_person_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_api_tokens")),
        sa.UniqueConstraint("secret_sha256", name=op.f("uq_api_tokens_secret_sha256")),
    )
    op.create_index(op.f("ix_api_tokens_person_id"), "api_tokens", ["person_id"], unique=False)
    op.create_table(
        "audit_entries",
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("actor_kind", sa.String(length=24), nullable=False),
        sa.Column("actor_id", sa.String(length=20), nullable=True),
        sa.Column("action", sa.String(length=24), nullable=False),
        sa.Column("subject_kind", sa.String(length=30), nullable=False),
        sa.Column("subject_id", sa.String(length=64), nullable=False),
        sa.Column("challenge_id", sa.String(length=20), nullable=True),
        sa.Column("detail", sa.JSON(), nullable=False),
        sa.Column("origin", sa.String(length=300), nullable=True),
        sa.Column("origin_salt", sa.String(length=32), nullable=True),
        sa.Column("origin_sha256", sa.String(length=64), nullable=False),
        sa.Column("previous_sha256", sa.String(length=64), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.ForeignKeyConstraint(
            ["challenge_id"], ["challenges.id"], name=op.f("fk_audit_entries_challenge_id")
        ),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_audit_entries")),
    )
    op.create_index(
        "ix_audit_entries_actor_id_number", "audit_entries", ["actor_id", "number"], unique=False
    )
    op.create_index(op.f("ix_audit_entries_at"), "audit_entries", ["at"], unique=False)
    op.create_index(
        "ix_audit_entries_challenge_id_number",
        "audit_entries",
        ["challenge_id", "number"],
        unique=False,
    )
    op.create_index(
        "ix_audit_entries_subject",
        "audit_entries",
        ["subject_kind", "subject_id", "number"],
        unique=False,
    )
    op.create_table(
        "participations",
        sa.Column("challenge_id", sa.String(length=20), nullable=False),
        sa.Column("person_id", sa.String(length=20), nullable=False),
        sa.Column("state", sa.String(length=24), nullable=False),
        sa.Column("note", sa.String(length=500), nullable=False),
        sa.Column("terms_sha256", sa.String(length=64), nullable=False),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("decided_by", sa.String(length=20), nullable=True),
        sa.ForeignKeyConstraint(
            ["challenge_id"], ["challenges.id"], name=op.f("fk_participations_challenge_id")
        ),
        sa.ForeignKeyConstraint(
            ["decided_by"], ["people.id"], name=op.f("fk_participations_decided_by")
        ),
        sa.ForeignKeyConstraint(
            ["person_id"], ["people.id"], name=op.f("fk_participations_person_id")
        ),
        sa.PrimaryKeyConstraint("challenge_id", "person_id", name=op.f("pk_participations")),
    )
    op.create_index(
        op.f("ix_participations_person_id"), "participations", ["person_id"], unique=False
    )
    op.create_table(
        "terms_acceptances",
        sa.Column("person_id", sa.String(length=20), nullable=False),
        sa.Column("version", sa.String(length=60), nullable=False),
        sa.Column("accepted_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["person_id"], ["people.id"], name=op.f("fk_terms_acceptances_person_id")
        ),
        sa.PrimaryKeyConstraint("person_id", "version", name=op.f("pk_terms_acceptances")),
    )
    op.create_table(
        "invitations",
        sa.Column("id", sa.String(length=20), nullable=False),
        sa.Column("team_id", sa.String(length=20), nullable=False),
        sa.Column("secret_sha256", sa.String(length=64), nullable=False),
        sa.Column("created_by", sa.String(length=20), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("withdrawn_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["created_by"], ["people.id"], name=op.f("fk_invitations_created_by")
        ),
        sa.ForeignKeyConstraint(["team_id"], ["teams.id"], name=op.f("fk_invitations_team_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_invitations")),
        sa.UniqueConstraint("secret_sha256", name=op.f("uq_invitations_secret_sha256")),
    )
    op.create_index(op.f("ix_invitations_team_id"), "invitations", ["team_id"], unique=False)
    op.create_table(
        "merge_requests",
        sa.Column("id", sa.String(length=20), nullable=False),
        sa.Column("from_team_id", sa.String(length=20), nullable=False),
        sa.Column("to_team_id", sa.String(length=20), nullable=False),
        sa.Column("state", sa.String(length=24), nullable=False),
        sa.Column("asked_by", sa.String(length=20), nullable=False),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("decided_by", sa.String(length=20), nullable=True),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["asked_by"], ["people.id"], name=op.f("fk_merge_requests_asked_by")
        ),
        sa.ForeignKeyConstraint(
            ["decided_by"], ["people.id"], name=op.f("fk_merge_requests_decided_by")
        ),
        sa.ForeignKeyConstraint(
            ["from_team_id"], ["teams.id"], name=op.f("fk_merge_requests_from_team_id")
        ),
        sa.ForeignKeyConstraint(
            ["to_team_id"], ["teams.id"], name=op.f("fk_merge_requests_to_team_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_merge_requests")),
    )
    op.create_index(
        op.f("ix_merge_requests_from_team_id"), "merge_requests", ["from_team_id"], unique=False
    )
    op.create_index(
        op.f("ix_merge_requests_to_team_id"), "merge_requests", ["to_team_id"], unique=False
    )
    op.create_table(
        "past_memberships",
        sa.Column("id", sa.String(length=20), nullable=False),
        sa.Column("team_id", sa.String(length=20), nullable=False),
        sa.Column("challenge_id", sa.String(length=20), nullable=False),
        sa.Column("person_id", sa.String(length=20), nullable=False),
        sa.Column("joined_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("left_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["challenge_id"], ["challenges.id"], name=op.f("fk_past_memberships_challenge_id")
        ),
        sa.ForeignKeyConstraint(
            ["person_id"], ["people.id"], name=op.f("fk_past_memberships_person_id")
        ),
        sa.ForeignKeyConstraint(
            ["team_id"], ["teams.id"], name=op.f("fk_past_memberships_team_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_past_memberships")),
    )
    op.create_index(
        op.f("ix_past_memberships_challenge_id"), "past_memberships", ["challenge_id"], unique=False
    )
    op.create_index(
        op.f("ix_past_memberships_person_id"), "past_memberships", ["person_id"], unique=False
    )
    op.create_table(
        "run_logs",
        sa.Column("attempt_token", sa.String(length=60), nullable=False),
        sa.Column("stream", sa.String(length=10), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("truncated", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(
            ["attempt_token"], ["attempts.token"], name=op.f("fk_run_logs_attempt_token")
        ),
        sa.PrimaryKeyConstraint("attempt_token", "stream", name=op.f("pk_run_logs")),
    )


def downgrade() -> None:
    """Take the change back; everybody is logged out."""
    for table in (
        "run_logs", "merge_requests", "invitations", "past_memberships", "participations", "audit_entries",
        "spent_logout_tokens", "api_tokens", "terms_acceptances",
    ):  # fmt: skip
        op.drop_table(table)
    if op.get_bind().dialect.name == "postgresql":
        op.execute("DROP FUNCTION audit_entries_guard()")
    _take_sessions_back()
    for name, table, _ in INDEXES:
        op.drop_index(name, table)
    for table in dict.fromkeys(table for table, _, _ in COLUMNS):
        with op.batch_alter_table(table) as batch:
            for owner, column, _ in COLUMNS:
                if owner == table:
                    batch.drop_column(column)


def _take_sessions_back() -> None:
    for column in ("person_id", "provider_session"):
        op.drop_index(op.f(f"ix_login_sessions_{column}"), "login_sessions")
    op.drop_table("login_sessions")
    op.create_table(
        "login_sessions",
        sa.Column("secret_sha256", sa.String(length=64), nullable=False),
        sa.Column("person_id", sa.String(length=20), nullable=True),
        sa.Column("data", sa.JSON(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("agent", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["person_id"], ["people.id"], name=op.f("fk_login_sessions_person_id")
        ),
        sa.PrimaryKeyConstraint("secret_sha256", name=op.f("pk_login_sessions")),
    )
    op.create_index(op.f("ix_login_sessions_person_id"), "login_sessions", ["person_id"])
    op.create_index(op.f("ix_login_sessions_expires_at"), "login_sessions", ["expires_at"])
