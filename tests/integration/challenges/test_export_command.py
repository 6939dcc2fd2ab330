"""``sealrun export``: what it writes and what it says."""

from pathlib import Path

from rocrate.rocrate import ROCrate

from portal.db.engine import Database
from tests.integration.commands import Run, run, site_database, site_file
from tests.support import factories

__all__ = ["run", "site_database", "site_file"]


def _scored(database: Database) -> str:
    with database.writing() as session:
        digits = factories.add_challenge(session, "digits", "Read digits")
        ada = factories.add_person(session, "Ada")
        team = factories.add_team(session, digits, "Team Ada", ada)
        return factories.add_submission(session, digits, team, ada).id


def test_a_challenge_and_a_submission_are_written(
    run: Run, site_database: Database, tmp_path: Path
) -> None:
    submission = _scored(site_database)

    whole = run("export", "challenge", "digits", str(tmp_path / "crate"))
    one = run("export", "evaluation", submission, str(tmp_path / "one.zip"))

    assert (whole.exit_code, whole.output) == (0, f"{tmp_path / 'crate'}: 1 results of digits\n")
    assert (one.exit_code, one.output) == (0, f"{tmp_path / 'one.zip'}: 1 results of digits\n")
    assert len(ROCrate(tmp_path / "crate").get_by_type("CreateAction")) == 2


def test_what_cannot_be_exported_is_said_and_nothing_is_written(
    run: Run, site_database: Database, tmp_path: Path
) -> None:
    _scored(site_database)
    (tmp_path / "mine").write_text("mine")

    unknown = run("export", "challenge", "nothing", str(tmp_path / "crate"))
    there = run("export", "challenge", "digits", str(tmp_path / "mine"))
    nowhere = run("export", "challenge", "digits", str(tmp_path / "no" / "where"))

    assert [result.exit_code for result in (unknown, there, nowhere)] == [1, 1, 1]
    assert "is there already, and is not replaced" in there.output
    assert f"there is no directory {tmp_path / 'no'}" in nowhere.output
    assert (tmp_path / "mine").read_text() == "mine"
    assert not (tmp_path / "crate").exists()
