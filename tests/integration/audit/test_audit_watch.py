"""The worker keeps the head of the audit log where the web process cannot write, and misses what is cut off."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import event, select, text
from structlog.testing import capture_logs

from portal.db import guards
from portal.db.engine import Database
from portal.db.tables import AuditEntry
from portal.domain.accounts.people import Actor, operator
from portal.domain.audit import EMPTY, Action, Head, Subject
from portal.files.audit_heads import AuditHeads, HeadsError
from portal.files.seals import Sealer
from portal.services.audit import log as audit_log
from portal.services.audit.verify import verify
from portal.worker.audit_watch import MAX_OLD, AuditWatch
from tests.support import factories

NOW = datetime(2026, 12, 1, 12, 0, tzinfo=UTC)


@pytest.fixture
def heads(tmp_path: Path) -> AuditHeads:
    return AuditHeads(tmp_path / "audit")


@pytest.fixture
def watch(database: Database, heads: AuditHeads) -> AuditWatch:
    return AuditWatch(database=database, heads=heads, clock=lambda: NOW)


def _note(database: Database, count: int = 1) -> None:
    for _ in range(count):
        with database.writing() as session:
            audit_log.note(
                session,
                actor=operator("root"),
                action=Action.STAFF_ADDED,
                subject=Subject(kind="person", id="p"),
                now=NOW,
            )


def _attack(database: Database, *statements: str) -> None:
    """Do something to the log without its triggers, and put them back."""
    names = ("keep", "stay") if database.is_postgresql else ("keep", "stay", "once")
    table = " ON audit_entries" if database.is_postgresql else ""
    with database.engine.begin() as connection:
        for name in names:
            connection.execute(text(f"DROP TRIGGER audit_entries_{name}{table}"))
        for statement in statements:
            connection.execute(text(statement))
        guards.restore(connection)


def _problem(heads: AuditHeads) -> str | None:
    state = heads.state()
    assert state is not None
    return state.problem


def _rewrite(database: Database) -> None:
    """Write the log anew, whole and with the same number of entries."""
    with database.reading() as session:
        count = verify(session).head.number
    _attack(database, "DELETE FROM audit_entries")
    _note(database, count)


def test_the_head_is_recorded_when_it_has_changed(
    database: Database, heads: AuditHeads, watch: AuditWatch
) -> None:
    watch.look()
    assert list(heads.recorded()) == []
    for count in (1, 0, 2):
        _note(database, count)
        watch.look()
    with database.reading() as session:
        head = verify(session, recorded=heads.recorded()).head

    assert [one.number for one in heads.recorded()] == [1, 3]
    assert (heads.last(), _problem(heads)) == (head, None)


def test_the_addresses_of_whoever_deleted_their_data_are_erased(
    database: Database, heads: AuditHeads, watch: AuditWatch
) -> None:
    with database.writing() as session:
        gone = factories.add_person(session, "Gone")
        stays = factories.add_person(session, "Stays")
        gone.deleted_at = NOW
        for person in (gone, stays):
            audit_log.note(
                session, actor=Actor(person_id=person.id, origin="192.0.2.7"), now=NOW,
                action=Action.LOGGED_IN, subject=Subject(kind="person", id=person.id),
            )  # fmt: skip
    watch.look()

    with capture_logs() as log:
        watch.forget()
        watch.forget()
    watch.look()

    with database.reading() as session:
        rows = session.scalars(select(AuditEntry).order_by(AuditEntry.number)).all()
        assert verify(session, recorded=heads.recorded()).problem is None
    assert [(row.origin, row.origin_salt is None) for row in rows] == [
        (None, True),
        ("192.0.2.7", False),
    ]
    assert [entry["entries"] for entry in log] == [1]
    assert _problem(heads) is None


CUTS = {
    "the end": "DELETE FROM audit_entries WHERE number > 2",
    "all": "DELETE FROM audit_entries",
    "the recorded one": "DELETE FROM audit_entries WHERE number = 3",
    "a word of the recorded one": "UPDATE audit_entries SET subject_id = 'eve' WHERE number = 3",
    "an old one": "DELETE FROM audit_entries WHERE number = 1",
    "a word of an old one": "UPDATE audit_entries SET subject_id = 'eve' WHERE number = 2",
}


@pytest.mark.parametrize("cut", CUTS)
def test_what_is_taken_out_or_changed_is_missed(
    database: Database, heads: AuditHeads, watch: AuditWatch, cut: str
) -> None:
    _note(database, 3)
    watch.look()
    _attack(database, CUTS[cut])

    with capture_logs() as logs:
        # Old entries are looked at in turn: the next round has them.
        for _ in range(3):
            watch.look()

    assert _problem(heads) is not None
    assert [line["event"] for line in logs] == ["audit_log_tampered"]
    assert [one.number for one in heads.recorded()] == [3]


def test_a_log_that_was_written_anew_is_missed_too(
    database: Database, heads: AuditHeads, watch: AuditWatch
) -> None:
    _note(database, 3)
    watch.look()
    _rewrite(database)
    with database.reading() as session:
        assert verify(session).problem is None

    watch.look()

    assert _problem(heads) == "entry 3: it is not the entry that was kept"


def test_entries_with_the_end_cut_off_and_new_ones_in_its_place_are_missed(
    database: Database, heads: AuditHeads, watch: AuditWatch
) -> None:
    _note(database, 3)
    watch.look()
    _attack(database, "DELETE FROM audit_entries WHERE number = 3")
    _note(database, 2)

    watch.look()

    assert _problem(heads) == "entry 3: it is not the entry that was kept"


def test_a_dropped_trigger_is_seen_by_the_next_look(
    database: Database, heads: AuditHeads, watch: AuditWatch
) -> None:
    table = " ON audit_entries" if database.is_postgresql else ""
    with database.engine.begin() as connection:
        connection.execute(text(f"DROP TRIGGER audit_entries_stay{table}"))

    watch.look()

    assert _problem(heads) == "the trigger audit_entries_stay is missing"


def test_erased_origins_are_no_tampering(
    database: Database, heads: AuditHeads, watch: AuditWatch
) -> None:
    _note(database, 3)
    watch.look()
    with database.writing() as session:
        audit_log.erase_origins(session, actor=operator("root"), before=NOW + timedelta(1), now=NOW)

    for _ in range(4):
        watch.look()

    assert (_problem(heads), [one.number for one in heads.recorded()]) == (None, [3, 4])


def test_a_look_costs_the_same_however_long_the_log_is(
    sqlite_database: Database, heads: AuditHeads
) -> None:
    watch = AuditWatch(database=sqlite_database, heads=heads, clock=lambda: NOW)
    counts, rows = [], []
    for _ in range(2):
        _note(sqlite_database, 40)
        for _ in range(4):
            watch.look()
        statements: list[str] = []
        event.listen(
            sqlite_database.engine,
            "before_cursor_execute",
            lambda _c, _cursor, statement, *_rest, seen=statements: seen.append(statement),
        )
        watch.look()
        asked = [one for one in statements if "FROM audit_entries" in one]
        counts.append(len(asked))
        rows.append([one for one in asked if "LIMIT" not in one])
    assert counts == [2, 2]
    assert rows == [[], []]
    assert MAX_OLD == 500


def test_two_workers_keep_one_list(database: Database, heads: AuditHeads) -> None:
    one, other = (AuditWatch(database=database, heads=heads, clock=lambda: NOW) for _ in range(2))
    for _ in range(3):
        _note(database)
        one.look()
        other.look()
    with heads.locked() as mine:
        _note(database)
        other.look()

    assert mine
    assert [head.number for head in heads.recorded()] == [1, 2, 3]


def test_a_line_that_a_killed_worker_left_unfinished_is_no_head(
    database: Database, heads: AuditHeads, watch: AuditWatch, tmp_path: Path
) -> None:
    file = tmp_path / "audit/heads.jsonl"
    _note(database)
    watch.look()
    with file.open("a") as stream:
        stream.write('{"at": "2026-12-01T12:00:00+00:00", "number": 2, "sha')
    assert [head.number for head in heads.recorded()] == [1]

    _note(database)
    watch.look()

    assert [json.loads(line)["number"] for line in file.read_text().splitlines()] == [1, 2]
    assert file.stat().st_mode & 0o777 == 0o600


def _append(heads: AuditHeads, *numbers: int, accepted: bool = False) -> None:
    with heads.locked():
        for number in numbers:
            heads.append(Head(number=number, sha256="a" * 64), at=NOW, accepted=accepted)


def _numbers(heads: AuditHeads) -> list[int]:
    return [head.number for head in heads.recorded()]


@pytest.fixture
def sealer() -> Sealer:
    return Sealer(Ed25519PrivateKey.generate())


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (('"number": 2', '"number": 4'), "signed by no key of the site"),
        (('"sig": "', '"gis": "'), "has lost its signature"),
        (('"number": 2', '"number": "2"'), "is not a head"),
        (('{"at"', "at"), "is not a head"),
    ],
)
def test_a_signed_head_that_was_changed_is_refused(
    tmp_path: Path, sealer: Sealer, change: tuple[str, str], message: str
) -> None:
    heads = AuditHeads(tmp_path / "audit", sealer=sealer, keys=[sealer.public])
    _append(heads, 1, 2, 3)
    file = tmp_path / "audit/heads.jsonl"
    first, second, third = file.read_text().splitlines()
    file.write_text("\n".join([first, second.replace(*change), third]) + "\n")

    with pytest.raises(HeadsError, match=message):
        _numbers(heads)

    _append(heads, 2, accepted=True)
    assert _numbers(heads) == [2]


def test_heads_from_before_there_was_a_key_are_good_and_later_ones_are_signed(
    tmp_path: Path, sealer: Sealer
) -> None:
    _append(AuditHeads(tmp_path / "audit"), 1)
    heads = AuditHeads(tmp_path / "audit", sealer=sealer, keys=[sealer.public])
    _append(heads, 2)
    _append(AuditHeads(tmp_path / "audit"), 3)

    assert heads.last() == Head(number=3, sha256="a" * 64)
    with pytest.raises(HeadsError, match="lost its signature"):
        _numbers(heads)


def test_heads_that_do_not_rise_are_refused(heads: AuditHeads) -> None:
    _append(heads, 2, 1)

    with pytest.raises(HeadsError, match="not in order"):
        _numbers(heads)


def test_without_a_worker_there_is_no_state(heads: AuditHeads) -> None:
    assert (heads.state(), heads.last(), list(heads.recorded())) == (None, None, [])
    assert str(EMPTY).startswith("0:000")
