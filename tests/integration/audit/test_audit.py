"""The audit log: written with what it tells of or not at all, in one chain, and never changed."""

import sqlite3
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest
from sqlalchemy import delete, select, text, update
from sqlalchemy.exc import DatabaseError
from sqlalchemy.orm import Session

from portal.db.engine import Database
from portal.db.tables import AuditEntry, Person
from portal.domain.accounts.people import Actor, operator
from portal.domain.audit import START, Action, Subject
from portal.domain.errors import NotAllowedError
from portal.services.audit import log as audit_log
from portal.services.audit.verify import EMPTY, Head, go_on, verify
from tests.support import factories

NOW = datetime(2026, 12, 1, 12, 30, 15, 123456, tzinfo=UTC)
DAY = timedelta(days=1)
ADA = Actor(person_id="ada", name="Ada", origin="192.0.2.7")
OPERATOR = operator("root")


def _note(session: Session, subject: str = "digits", *, now: datetime = NOW, **detail: Any) -> None:
    audit_log.note(
        session,
        actor=ADA,
        action=Action.ROLE_GIVEN,
        subject=Subject(kind="person", id=subject),
        now=now,
        **detail,
    )


def _entries(database: Database) -> list[AuditEntry]:
    with database.reading() as session:
        return list(session.scalars(select(AuditEntry).order_by(AuditEntry.number)))


def _fill(database: Database, count: int) -> None:
    for n in range(count):
        with database.writing() as session:
            _note(session, f"p{n}", now=NOW + n * DAY, role="owner", number=n, yes=True, ids=["a"])


def _checked(database: Database, expected: Head | None = None) -> tuple[Head, int, str]:
    with database.reading() as session:
        checked = verify(session, expected=expected)
    problem = checked.problem
    return checked.head, problem.number if problem else 0, problem.message if problem else ""


def test_an_entry_says_who_did_what_to_what_and_from_where(database: Database) -> None:
    with database.writing() as session:
        _note(session, "p1", role="owner", many=["a", "b"], nothing=None)

    [entry] = _entries(database)
    assert (entry.number, entry.at, entry.actor_kind, entry.actor_id) == (1, NOW, "browser", "ada")
    assert (entry.action, entry.subject_kind, entry.subject_id) == ("role.given", "person", "p1")
    assert entry.detail == {"role": "owner", "many": ["a", "b"], "nothing": None}
    assert (entry.origin, entry.previous_sha256) == ("192.0.2.7", START)


def test_the_entries_of_one_transaction_are_chained_in_order(database: Database) -> None:
    with database.writing() as session:
        for name in ("one", "two", "three"):
            _note(session, name)

    entries = _entries(database)
    assert [(e.number, e.subject_id) for e in entries] == [(1, "one"), (2, "two"), (3, "three")]
    assert all(b.previous_sha256 == a.sha256 for a, b in pairwise(entries))
    assert _checked(database) == (Head(number=3, sha256=entries[-1].sha256), 0, "")


def test_what_is_rolled_back_leaves_no_entry_and_no_gap(database: Database) -> None:
    _fill(database, 1)

    def change_my_mind() -> None:
        with database.writing() as session:
            _note(session, "never")
            raise RuntimeError("changed my mind")

    with pytest.raises(RuntimeError, match="changed my mind"):
        change_my_mind()
    _fill(database, 1)

    assert [(e.number, e.subject_id) for e in _entries(database)] == [(1, "p0"), (2, "p0")]
    assert _checked(database)[1:] == (0, "")


def test_an_entry_that_cannot_be_written_takes_its_act_with_it(database: Database) -> None:
    def act() -> None:
        with database.writing() as session:
            factories.add_person(session, "Ada")
            audit_log.note(
                session, actor=ADA, action=Action.ROLE_GIVEN, now=NOW,
                subject=Subject(kind="person", id="p"), challenge_id="no such challenge",
            )  # fmt: skip

    with pytest.raises(DatabaseError):
        act()

    with database.reading() as session:
        assert session.scalars(select(Person.name)).all() == []


def test_a_note_where_nothing_is_written_is_an_error_and_not_lost(database: Database) -> None:
    with pytest.raises(RuntimeError, match=r"Database\.writing"), database.reading() as session:
        _note(session)


@pytest.mark.parametrize(("writers", "each"), [(2, 20), (10, 6)])
def test_writers_at_the_same_time_make_one_chain(
    database: Database, writers: int, each: int
) -> None:
    start = threading.Barrier(writers)

    def write(writer: int) -> None:
        start.wait()
        for n in range(each):
            with database.writing() as session:
                _note(session, f"{writer}-{n}")
                _note(session, f"{writer}-{n}-again")

    with ThreadPoolExecutor(writers) as pool:
        list(pool.map(write, range(writers)))

    entries = _entries(database)
    assert [e.number for e in entries] == list(range(1, 2 * writers * each + 1))
    assert all(
        two.subject_id == f"{one.subject_id}-again"
        for one, two in zip(entries[::2], entries[1::2], strict=True)
    )
    assert _checked(database) == (Head(number=len(entries), sha256=entries[-1].sha256), 0, "")


def _locks_then_notes(session: Session, person: str, n: int) -> None:
    row = session.get_one(Person, person, with_for_update=True)
    _note(session)
    row.name = f"locked first {n}"


def _notes_then_locks(session: Session, person: str, n: int) -> None:
    _note(session)
    session.get_one(Person, person, with_for_update=True).name = f"noted first {n}"


def _notes_and_leaves_the_write_to_the_end(session: Session, person: str, n: int) -> None:
    row = session.get_one(Person, person)
    _note(session)
    row.name = f"written last {n}"


@pytest.mark.parametrize(
    "other", [_notes_then_locks, _notes_and_leaves_the_write_to_the_end], ids=lambda f: f.__name__
)
def test_whoever_holds_a_row_and_whoever_wants_it_never_wait_in_a_circle(
    database: Database, other: Callable[[Session, str, int], None]
) -> None:
    with database.writing() as session:
        person = factories.add_person(session, "Ada").id
    start = threading.Barrier(6)

    def write(writer: int) -> None:
        start.wait()
        for n in range(15):
            with database.writing() as session:
                (_locks_then_notes if writer % 2 else other)(session, person, n)

    with ThreadPoolExecutor(6) as pool:
        list(pool.map(write, range(6)))

    assert [e.number for e in _entries(database)] == list(range(1, 91))
    assert _checked(database)[1:] == (0, "")


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE audit_entries SET detail = '{}'",
        "UPDATE audit_entries SET sha256 = previous_sha256",
        "UPDATE audit_entries SET actor_id = 'eve' WHERE number = 1",
        "UPDATE audit_entries SET actor_id = NULL, origin = NULL, origin_salt = NULL",
        "UPDATE audit_entries SET number = number + 10, origin = NULL, origin_salt = NULL",
        "UPDATE audit_entries SET origin = 'elsewhere'",
        "UPDATE audit_entries SET origin = NULL",
        "DELETE FROM audit_entries",
        "DELETE FROM audit_entries WHERE number = 2",
        pytest.param("TRUNCATE audit_entries", id="truncate"),
        pytest.param("TRUNCATE challenges CASCADE", id="truncate what it refers to"),
        pytest.param(
            "INSERT OR REPLACE INTO audit_entries SELECT number, at, actor_kind, 'eve', action,"
            " subject_kind, subject_id, challenge_id, detail, origin, origin_salt, origin_sha256,"
            " previous_sha256, sha256 FROM audit_entries WHERE number = 1",
            id="replace",
        ),
        pytest.param(
            "INSERT INTO audit_entries SELECT * FROM audit_entries WHERE number = 1"
            " ON CONFLICT (number) DO UPDATE SET actor_id = 'eve'",
            id="upsert",
        ),
    ],
)
def test_the_database_refuses_to_change_what_is_written(database: Database, statement: str) -> None:
    if statement.startswith("TRUNCATE") and not database.is_postgresql:
        statement = "DELETE FROM audit_entries"  # SQLite's own way of emptying a table
    if statement.startswith("INSERT OR REPLACE") and database.is_postgresql:
        statement = statement.replace("INSERT OR REPLACE", "INSERT") + (
            " ON CONFLICT (number) DO UPDATE SET actor_id = excluded.actor_id"
        )
    _fill(database, 2)
    before = _checked(database)

    with pytest.raises(DatabaseError, match="the audit log is append-only"):  # noqa: SIM117
        with database.writing() as session:
            session.execute(text(statement))

    assert _checked(database) == before
    assert [e.actor_id for e in _entries(database)] == ["ada", "ada"]


def test_origins_can_be_erased_and_the_chain_still_holds(database: Database) -> None:
    _fill(database, 3)

    with database.writing() as session:
        erased = audit_log.erase_origins(
            session, actor=OPERATOR, before=NOW + 2 * DAY, now=NOW + 9 * DAY
        )

    entries = _entries(database)
    assert erased == 2
    assert [(e.origin, e.origin_salt is None) for e in entries] == [
        (None, True), (None, True), ("192.0.2.7", False), ("command line, account root", False),
    ]  # fmt: skip
    assert (entries[3].action, entries[3].actor_kind) == (Action.ORIGINS_ERASED, "operator")
    assert entries[3].detail == {"entries": 2, "before": "2026-12-03T12:30:15.123456+00:00"}
    assert _checked(database)[1:] == (0, "")


def test_erasing_what_is_erased_writes_nothing(database: Database) -> None:
    _fill(database, 1)
    later = NOW + DAY
    with database.writing() as session:
        audit_log.erase_origins(session, actor=OPERATOR, before=later, now=later)

    with database.writing() as session:
        again = audit_log.erase_origins(session, actor=OPERATOR, before=later, now=later)

    assert (again, len(_entries(database))) == (0, 2)


def test_nobody_erases_origins_through_the_web(database: Database) -> None:
    _fill(database, 1)
    staff = Actor(person_id="staff", is_staff=True)

    with pytest.raises(NotAllowedError), database.writing() as session:
        audit_log.erase_origins(session, actor=staff, before=NOW + DAY, now=NOW + DAY)

    assert _entries(database)[0].origin == "192.0.2.7"


def _unguarded(database: Database) -> None:
    """Take the guards off, as somebody with the database's own account could."""
    with database.engine.begin() as connection:
        if database.is_postgresql:
            connection.execute(text("ALTER TABLE audit_entries DISABLE TRIGGER USER"))
        else:
            for name in ("keep", "stay", "once"):
                connection.execute(text(f"DROP TRIGGER audit_entries_{name}"))


CHANGED, UNLINKED, ORIGIN = (
    "it was changed", "it does not follow the entry before it", "its origin was changed",
)  # fmt: skip


@pytest.mark.parametrize(
    ("column", "value", "message"),
    [
        ("at", NOW, CHANGED),
        ("actor_kind", "token", CHANGED),
        ("actor_id", "eve", CHANGED),
        ("actor_id", None, CHANGED),
        ("action", "role.taken", CHANGED),
        ("subject_kind", "team", CHANGED),
        ("subject_id", "p1", CHANGED),
        ("challenge_id", "CHALLENGE", CHANGED),
        ("detail", {"role": "owner", "number": 2, "yes": False, "ids": ["a"]}, CHANGED),
        ("detail", {}, CHANGED),
        ("origin", "203.0.113.9", ORIGIN),
        ("origin", None, ORIGIN),
        ("origin_salt", "0" * 32, ORIGIN),
        ("origin_salt", None, ORIGIN),
        ("origin_sha256", "0" * 64, CHANGED),
        ("previous_sha256", "0" * 64, UNLINKED),
        ("sha256", "0" * 64, CHANGED),
        ("number", 30, "entry 3 is missing before it"),
    ],
)
def test_a_changed_field_is_found(
    database: Database, column: str, value: object, message: str
) -> None:
    _fill(database, 5)
    with database.writing() as session:
        challenge = factories.add_challenge(session).challenge.id
    _unguarded(database)
    value = challenge if value == "CHALLENGE" else value
    table = AuditEntry.__table__
    covered = {name for name, *_ in test_a_changed_field_is_found.pytestmark[0].args[1]}
    assert covered == set(table.columns.keys())

    with database.engine.begin() as connection:
        connection.execute(update(table).where(table.c.number == 3).values({column: value}))

    head, number, told = _checked(database)
    # Without its own number the third entry is missed where the fourth stands.
    assert (head.number, number, told) == (2, 4 if column == "number" else 3, message)


def test_a_word_that_is_no_word_of_the_log_is_found(database: Database) -> None:
    _fill(database, 2)
    _unguarded(database)
    with database.engine.begin() as connection:
        connection.execute(text("UPDATE audit_entries SET action = 'nonsense' WHERE number = 2"))

    assert _checked(database)[1:] == (2, CHANGED)


def test_detail_that_is_no_json_is_found(sqlite_database: Database) -> None:
    _fill(sqlite_database, 2)
    _unguarded(sqlite_database)
    with sqlite_database.engine.begin() as connection:
        connection.execute(text("UPDATE audit_entries SET detail = '{' WHERE number = 2"))

    assert _checked(sqlite_database)[1:] == (2, CHANGED)


@pytest.mark.parametrize(
    ("column", "value"),
    [
        (column.name, value)
        for column in AuditEntry.__table__.columns
        for value in (b"\xff\xfe", "never", 2**62)
        # A number that is a table's key cannot be anything else.
        if column.name != "number" or isinstance(value, int)
    ],
)
def test_whatever_stands_in_a_column_is_found_and_never_stops_the_look(
    sqlite_database: Database, column: str, value: object
) -> None:
    _fill(sqlite_database, 3)
    _unguarded(sqlite_database)
    with closing(sqlite3.connect(str(sqlite_database.engine.url.database))) as past_all_checks:
        past_all_checks.execute(
            f"UPDATE audit_entries SET {column} = CAST(? AS TEXT) WHERE number = 2"  # noqa: S608
            if isinstance(value, bytes)
            else f"UPDATE audit_entries SET {column} = ? WHERE number = 2",  # noqa: S608
            (value,),
        )
        past_all_checks.commit()

    with sqlite_database.reading() as session:
        found = [verify(session).problem, go_on(session, EMPTY, most=10).problem]

    assert [one.number for one in found if one] == [3 if column == "number" else 2] * 2


@pytest.mark.parametrize("number", [1, 3, 4])
def test_an_entry_that_was_taken_out_is_found(database: Database, number: int) -> None:
    _fill(database, 5)
    _unguarded(database)
    with database.engine.begin() as connection:
        connection.execute(delete(AuditEntry).where(AuditEntry.number == number))

    assert _checked(database)[1:] == (number + 1, f"entry {number} is missing before it")


def test_a_forged_end_fits_its_chain_and_not_the_head_that_was_kept(database: Database) -> None:
    _fill(database, 4)
    kept, _, _ = _checked(database)
    _unguarded(database)
    with database.engine.begin() as connection:
        connection.execute(text("DELETE FROM audit_entries WHERE number > 2"))
    cut = _checked(database)
    with database.writing() as session:
        _note(session, "something else")
        _note(session, "and more")

    assert cut[0].number == 2
    assert cut[2] == ""
    assert _checked(database)[2] == ""
    assert _checked(database, kept)[1:] == (4, "it is not the entry that was kept")


def test_a_log_that_was_cut_off_is_shorter_than_the_head_that_was_kept(database: Database) -> None:
    _fill(database, 3)
    kept, _, _ = _checked(database)
    _unguarded(database)
    with database.engine.begin() as connection:
        connection.execute(text("DELETE FROM audit_entries WHERE number > 1"))

    assert _checked(database, kept)[1:] == (
        2,
        "the log ends before the entry that was kept",
    )


def test_a_head_that_was_kept_holds_for_ever(database: Database) -> None:
    _fill(database, 2)
    kept, _, _ = _checked(database)
    _fill(database, 3)

    assert _checked(database, kept)[1:] == (0, "")
    assert _checked(database, EMPTY)[1:] == (0, "")


def test_an_empty_log_holds(database: Database) -> None:
    assert _checked(database) == (EMPTY, 0, "")
