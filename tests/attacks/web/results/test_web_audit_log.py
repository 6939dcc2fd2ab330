"""Row 72: what the web process's account does to the audit log and to results is missed by the worker."""

from dataclasses import dataclass
from pathlib import Path

import pytest
from sqlalchemy import text

from portal import bootstrap
from portal.db import guards
from portal.db.engine import Database
from portal.domain.accounts.people import operator
from portal.domain.audit import Action, Subject
from portal.files.audit_heads import AuditHeads
from portal.services.audit import log as audit_log
from tests.support.worker.world import Clock, World, make_world

pytestmark = pytest.mark.attack(72)


@dataclass
class Site:
    world: World
    heads: AuditHeads

    def look(self) -> str | None:
        """Let a worker that has just started look; return what staff are shown."""
        bootstrap.audit_watch(self.world.site).look()
        state = self.heads.state()
        assert state is not None
        return state.problem

    @property
    def problems(self) -> tuple[str, ...]:
        return bootstrap.examine_audit_log(self.world.database, self.world.site.settings).problems

    def do(self, *statements: str, quietly: bool = True) -> None:
        """Write to the database as whoever owns it; ``quietly`` puts the triggers back."""
        database = self.world.database
        on = " ON audit_entries" if database.is_postgresql else ""
        with database.engine.begin() as connection:
            for name in ("keep", "stay"):
                connection.execute(text(f"DROP TRIGGER audit_entries_{name}{on}"))
            for statement in statements:
                connection.exec_driver_sql(statement)
            if quietly:
                guards.restore(connection)


@pytest.fixture
def site(database: Database, tmp_path: Path) -> Site:
    world = make_world(database, tmp_path, Clock())
    world.run_until_final(world.submit())
    _note(world)
    made = Site(world=world, heads=bootstrap.audit_heads_of(world.site.settings))
    assert (made.look(), made.problems) == (None, ())
    return made


def _note(world: World) -> None:
    with world.database.writing() as session:
        audit_log.note(
            session,
            actor=operator("root"),
            action=Action.STAFF_ADDED,
            subject=Subject(kind="person", id=world.person),
            now=world.clock(),
        )


LAST = "DELETE FROM audit_entries WHERE number = (SELECT max(number) FROM audit_entries)"


def test_the_triggers_are_dropped(site: Site) -> None:
    site.do(quietly=False)

    assert "audit_entries_keep is missing" in str(site.look())
    assert len(site.problems) == 2


def test_the_last_entry_is_deleted_and_the_triggers_are_put_back(site: Site) -> None:
    site.do(LAST)

    assert "the log ends before the entry that was kept" in str(site.look())
    assert len(site.problems) == 1


def test_the_last_entry_is_deleted_and_another_one_follows(site: Site) -> None:
    site.do(LAST)
    _note(site.world)
    _note(site.world)

    assert "it is not the entry that was kept" in str(site.look())
    assert len(site.problems) == 1


def test_the_whole_log_is_emptied(site: Site) -> None:
    site.do("DELETE FROM audit_entries")

    assert "the log ends before" in str(site.look())


@pytest.mark.parametrize(
    "change",
    ["UPDATE results SET scores = '{\"accuracy\": 1.0}'", "UPDATE results SET seal = '{}'"],
)
def test_a_result_is_changed(site: Site, change: str) -> None:
    site.do(change)

    [problem] = site.problems
    assert "was changed" in problem


def test_a_lease_that_the_web_process_holds_keeps_nobody_from_looking(site: Site) -> None:
    with site.world.database.engine.begin() as connection:
        for name in ("audit", "cluster:main", "retention:main"):
            connection.execute(text("DELETE FROM leases WHERE name = :name"), {"name": name})
            connection.execute(
                text("INSERT INTO leases (name, holder, expires_at) VALUES (:name, 'x', :until)"),
                {"name": name, "until": "2099-01-01 00:00:00+00:00"},
            )
    site.do(LAST)

    assert "the log ends before" in str(site.look())
