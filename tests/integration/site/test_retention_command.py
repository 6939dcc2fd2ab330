"""``sealrun retention``: what would go, what goes, and who is said to have done it."""

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import yaml
from sqlalchemy import select

from portal import bootstrap
from portal.db.engine import Database
from portal.db.tables import AuditEntry, Challenge, Deletion
from portal.domain.accounts.people import ActorKind
from portal.domain.audit import Action
from portal.domain.retention import ArtifactKind
from tests.integration.commands import Run, run, site_database, site_file
from tests.support.worker.world import write_challenge

__all__ = ["run", "site_database", "site_file"]

NAMED = "uploads that nothing was made of: 3 days"


def _refused_upload(site_file: Path) -> Path:
    settings = yaml.safe_load(site_file.read_text())
    settings["retention"] = {"default": {"logs": "30d"}, "refused": "3d"}
    site_file.write_text(yaml.safe_dump(settings))
    store = bootstrap.open_site(site_file).store
    with store.incoming() as incoming:
        incoming.write(b"refused")
        path = store.path(incoming.commit().sha256)
    old = datetime.now(UTC) - timedelta(days=4)
    os.utime(path, (old.timestamp(), old.timestamp()))
    return path


def test_a_dry_run_names_what_would_go_and_deletes_nothing(
    run: Run, site_file: Path, site_database: Database
) -> None:
    path = _refused_upload(site_file)

    result = run("retention", "--dry-run")

    assert result.exit_code == 0
    assert result.output == f"upload\t{path.name}\t7 bytes\t{NAMED}\n1 to delete next on main\n"
    assert path.exists()
    with site_database.reading() as session:
        assert session.scalars(select(Deletion)).all() == []


def test_the_command_deletes_and_the_operator_is_written_down(
    run: Run, site_file: Path, site_database: Database
) -> None:
    path = _refused_upload(site_file)

    result = run("retention")

    assert (result.exit_code, result.output) == (0, "Deleted 1 on main\n")
    assert not path.exists()
    with site_database.reading() as session:
        [row] = session.scalars(select(Deletion)).all()
        [entry] = session.scalars(
            select(AuditEntry).where(AuditEntry.action == Action.FILES_DELETED)
        ).all()
    assert (row.kind, row.subject, row.policy) == (ArtifactKind.UPLOAD, path.name, NAMED)
    assert entry.actor_kind is ActorKind.OPERATOR


def test_a_challenge_says_how_long_its_files_are_kept(
    run: Run, site_database: Database, tmp_path: Path
) -> None:
    folder = write_challenge(tmp_path / "challenge")
    described = yaml.safe_load((folder / "challenge.yaml").read_text())
    described["retention"] = {"uploads": "30d", "logs": "12h"}
    (folder / "challenge.yaml").write_text(yaml.safe_dump(described))

    assert run("challenge", "add", str(folder)).exit_code == 0

    with site_database.reading() as session:
        kept = session.scalars(select(Challenge)).one().retention
    assert kept == {"uploads": 30 * 86_400, "logs": 43_200}
