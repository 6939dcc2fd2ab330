"""The commands of an operator, on a site with a database of its own."""

import os
import pwd
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
import yaml
from sqlalchemy import select, text

from portal import bootstrap
from portal.cli.challenges import STATES
from portal.db.engine import Database
from portal.db.tables import AuditEntry, Challenge, Organiser, Person, Task
from portal.domain.accounts.people import ActorKind
from portal.domain.audit import Action
from portal.domain.challenges.life import ChallengeState
from portal.domain.permissions import Role
from tests.integration.commands import Run, run, site_database, site_file
from tests.support import factories
from tests.support.worker.world import write_challenge

__all__ = ["run", "site_database", "site_file"]


def _entries(database: Database) -> list[AuditEntry]:
    with database.reading() as session:
        return list(session.scalars(select(AuditEntry).order_by(AuditEntry.number)))


def _person(database: Database, name: str = "Ada Vlasák") -> str:
    with database.writing() as session:
        person = factories.add_person(session, name)
        factories.add_account(session, person, f"{name[:3].lower()}@nordholm.example")
    return person.id


def test_adding_a_challenge_warns_of_what_its_pages_cannot_show(run: Run, tmp_path: Path) -> None:
    folder = write_challenge(tmp_path / "challenge")
    described = yaml.safe_load((folder / "challenge.yaml").read_text())
    page = folder / described["pages"][0]["file"]
    page.write_text(
        "# Field\n\nIn May: ![map](https://maps.example/map.png), $x_i$ and $5.\n", encoding="utf-8"
    )

    result = run("challenge", "add", str(folder))

    assert result.exit_code == 0
    assert result.stdout.startswith("digits: http://127.0.0.1:8000/challenges/digits\n  added\n")
    assert result.stderr == (
        f"warning: {page}:3: the picture 'https://maps.example/map.png' is left out, and its description shown: pages show"
        " pictures that are in the challenge's directory\n"
    )


def test_adding_a_challenge_is_written_down_with_the_operators_account(
    run: Run, site_database: Database, tmp_path: Path
) -> None:
    folder = write_challenge(tmp_path / "challenge")

    results = [run("challenge", "add", str(folder)) for _ in range(2)]

    account = pwd.getpwuid(os.geteuid()).pw_name
    with site_database.reading() as session:
        challenge = session.scalars(select(Challenge)).one()
    assert [(r.exit_code, r.output) for r in results] == [
        (
            0,
            (
                f"digits: http://127.0.0.1:8000/challenges/digits\n  {outcome}\n"
                "  image of scorer of task digits on main: waiting\n"
                "  image of base of task digits on main: waiting\n"
            ),
        )
        for outcome in ("added", "unchanged")
    ]
    assert [
        (e.action, e.actor_kind, e.actor_id, e.subject_id, e.challenge_id, e.origin)
        for e in _entries(site_database)
    ] == [
        (action, ActorKind.OPERATOR, None, challenge.id, challenge.id,
         f"command line, account {account}")
        for action in (Action.CHALLENGE_ADDED, Action.CHALLENGE_CHANGED)
    ]  # fmt: skip


@pytest.mark.parametrize("by", ["number", "account"])
def test_the_first_owner_is_named_by_number_or_by_account(
    run: Run, site_database: Database, by: str
) -> None:
    person = _person(site_database)
    with site_database.writing() as session:
        challenge = factories.add_challenge(session).challenge.id
    words = [person] if by == "number" else ["https://login.example.org", "ada@nordholm.example"]

    result = run("challenge", "owner", "digits", *words)

    assert (result.exit_code, result.output) == (0, f"{person} is an owner of digits.\n")
    with site_database.reading() as session:
        row = session.get_one(Organiser, (challenge, person))
        assert (row.role, row.added_by) == (Role.OWNER, None)
    [entry] = _entries(site_database)
    assert (entry.action, entry.actor_kind, entry.subject_kind, entry.subject_id) == (
        "role.given", "operator", "person", person,
    )  # fmt: skip
    assert entry.detail == {"role": "owner", "before": None}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        pytest.param(
            ("challenge", "owner", "digits", "nobody"), "nobody is known as 'nobody'", id="number"
        ),
        pytest.param(
            ("staff", "add", "https://login.example.org", "eve"),
            "nobody is known as 'https://login.example.org eve'",
            id="account",
        ),
        pytest.param(
            ("staff", "add", "one", "two", "three"),
            "nobody is known as 'one two three'",
            id="three",
        ),
    ],
)
def test_somebody_unknown_is_refused_in_a_sentence(
    run: Run, site_database: Database, arguments: tuple[str, ...], message: str
) -> None:
    result = run(*arguments)

    assert result.exit_code == 1
    assert message in result.output
    assert _entries(site_database) == []


def test_staff_are_named_listed_and_removed(run: Run, site_database: Database) -> None:
    person = _person(site_database)
    _person(site_database, "Eve Other")

    told = [
        run("staff", *arguments).output
        for arguments in (
            ("add", person), ("add", person), ("list",), ("remove", person), ("remove", person),
            ("list",),
        )
    ]  # fmt: skip

    assert told == [
        f"{person} is staff now.\n",
        f"{person} was staff already.\n",
        f"{person}  Ada Vlasák (staff)\n",
        f"{person} is no longer staff.\n",
        f"{person} was not made staff by an operator.\n",
        "",
    ]
    assert [(e.action, e.subject_id) for e in _entries(site_database)] == [
        ("staff.added", person), ("staff.removed", person),
    ]  # fmt: skip


def test_a_blocked_person_is_not_made_staff(run: Run, site_database: Database) -> None:
    person = _person(site_database)
    with site_database.writing() as session:
        session.get_one(Person, person).blocked_at = factories.NOW

    result = run("staff", "add", person)

    assert (result.exit_code, result.output) == (1, "Error: this person is blocked or deleted\n")


@pytest.mark.parametrize(
    "search", ["vlas", "ADA", "NUMBER", "ada@nordholm.example",
               "https://login.example.org ada@nordholm.example"],
)  # fmt: skip
def test_people_are_found_by_name_number_and_account(
    run: Run, site_database: Database, search: str
) -> None:
    person = _person(site_database)
    _person(site_database, "Eve Other")

    result = run("people", "list", "--search", search.replace("NUMBER", person))

    assert result.output == f"{person}  Ada Vlasák\n"


@pytest.mark.parametrize("search", ["%", "_", "https://login.example.org"])
def test_signs_that_stand_for_anything_elsewhere_find_nobody(
    run: Run, site_database: Database, search: str
) -> None:
    _person(site_database)

    assert run("people", "list", "--search", search).output == ""


def test_a_long_list_of_people_is_told_whole(run: Run, site_database: Database) -> None:
    with site_database.writing() as session:
        for n in range(120):
            factories.add_person(session, f"Person {n:03}")

    lines = run("people", "list").output.splitlines()

    assert [line.partition("  ")[2] for line in lines] == [f"Person {n:03}" for n in range(120)]


def test_a_log_that_is_whole_prints_its_head_and_takes_it_back(
    run: Run, site_database: Database
) -> None:
    person = _person(site_database)
    run("staff", "add", person)

    first = run("audit", "verify")
    run("staff", "remove", person)
    again = run("audit", "verify", "--expect", first.output.splitlines()[1])

    [one, two] = _entries(site_database)
    assert (first.exit_code, first.output) == (0, f"1 entry, whole\n1:{one.sha256}\n")
    assert (again.exit_code, again.output) == (0, f"2 entries, whole\n2:{two.sha256}\n")


def test_a_log_that_was_changed_or_cut_off_ends_in_an_error(
    run: Run, site_database: Database
) -> None:
    person = _person(site_database)
    run("staff", "add", person)
    run("staff", "remove", person)
    head = run("audit", "verify").output.splitlines()[1]
    with site_database.engine.begin() as connection:
        for name in ("keep", "stay"):
            connection.execute(text(f"DROP TRIGGER audit_entries_{name}"))
        connection.execute(text("DELETE FROM audit_entries WHERE number = 2"))
    cut = run("audit", "verify", "--expect", head)
    with site_database.engine.begin() as connection:
        connection.execute(text("UPDATE audit_entries SET subject_id = 'eve'"))
    changed = run("audit", "verify")

    assert (cut.exit_code, changed.exit_code) == (1, 1)
    assert "entry 2: the log ends before the entry that was kept (whole up to 1:" in cut.output
    assert changed.output.splitlines() == [
        "Error: the trigger audit_entries_keep is missing",
        "the trigger audit_entries_stay is missing",
        f"entry 1: it was changed (whole up to 0:{'0' * 64})",
    ]


@pytest.mark.parametrize("head", ["1", "1:xyz", f"-1:{'0' * 64}", f"1:{'A' * 64}"])
def test_a_head_that_is_none_is_refused(run: Run, head: str) -> None:
    result = run("audit", "verify", "--expect", head)

    assert result.exit_code == 2
    assert "must be a number, a colon and a sha256" in result.output


def test_origins_are_erased_by_age(run: Run, site_database: Database) -> None:
    run("staff", "add", _person(site_database))

    kept = run("audit", "erase-origins", "--older-than", "1d").output
    erased = run("audit", "erase-origins", "--older-than", "0s").output

    assert kept == "Erased the origin of 0 entries.\n"
    assert erased == "Erased the origin of 1 entry.\n"
    assert [e.action for e in _entries(site_database)] == ["staff.added", "audit.origins_erased"]
    assert run("audit", "verify").exit_code == 0


def test_an_age_without_unit_is_refused(run: Run) -> None:
    result = run("audit", "erase-origins", "--older-than", "180")

    assert result.exit_code == 2
    assert "must be a duration with its unit" in result.output


def test_approving_shows_what_will_run_and_approves_it(
    run: Run, site_file: Path, site_database: Database, tmp_path: Path
) -> None:
    added = run("challenge", "add", str(write_challenge(tmp_path / "challenge")))
    order = tmp_path / "storage/approvals/digits.json"
    before = order.read_text(encoding="utf-8")
    with site_database.writing() as session:
        session.scalars(select(Task)).one().predict_argv = ["/app/other"]

    declined = run("challenge", "approve", "digits")
    kept = order.read_text(encoding="utf-8")
    approved = run("challenge", "approve", "--yes", "digits")

    assert added.exit_code == 0, added.output
    assert "- /app/other" in declined.output
    assert (declined.exit_code, kept) == (1, before)
    assert approved.output.endswith("digits is run like this from now on.\n")
    assert "/app/other" in order.read_text(encoding="utf-8")


def test_what_is_not_there_cannot_be_approved(run: Run) -> None:
    done = run("challenge", "approve", "--yes", "nothing")

    assert (done.exit_code, done.output) == (1, "Error: there is no challenge nothing\n")


def _cut(database: Database) -> None:
    with database.engine.begin() as connection:
        for name in ("keep", "stay"):
            connection.execute(text(f"DROP TRIGGER audit_entries_{name}"))
        connection.execute(text("DELETE FROM audit_entries WHERE number = 2"))


def test_an_end_that_is_cut_off_shows_without_a_head_that_somebody_kept(
    run: Run, site_database: Database, site_file: Path
) -> None:
    person = _person(site_database)
    run("staff", "add", person)
    run("staff", "remove", person)
    bootstrap.audit_watch(bootstrap.open_site(site_file)).look()
    _cut(site_database)

    found = run("audit", "verify")
    upgraded = run("db", "upgrade")
    restored = run("audit", "restore-guards")
    cut = run("audit", "verify")

    assert (found.exit_code, upgraded.exit_code, cut.exit_code) == (1, 1, 1)
    assert "the trigger audit_entries_keep is missing" in found.output
    assert "the log ends before the entry that was kept" in found.output
    assert "entry 2: it is not the entry that was kept" in cut.output
    assert restored.output.splitlines() == [
        "Mended: the trigger audit_entries_keep is missing",
        "Mended: the trigger audit_entries_stay is missing",
    ]
    assert [e.action for e in _entries(site_database)] == ["staff.added", "audit.guards_restored"]


def test_the_log_of_a_restored_database_is_accepted_by_an_operator(
    run: Run, site_database: Database, site_file: Path, tmp_path: Path
) -> None:
    person = _person(site_database)
    run("staff", "add", person)
    backup = tmp_path / "backup.db"
    with (
        closing(sqlite3.connect(tmp_path / "site.db")) as one,
        closing(sqlite3.connect(backup)) as to,
    ):
        one.backup(to)
    run("staff", "remove", person)
    watch = bootstrap.audit_watch(bootstrap.open_site(site_file))
    watch.look()
    lost = _entries(site_database)[-1].sha256
    with (
        closing(sqlite3.connect(backup)) as one,
        closing(sqlite3.connect(tmp_path / "site.db")) as to,
    ):
        one.backup(to)
    site_database.engine.dispose()

    missed = run("audit", "verify")
    head = missed.output.rpartition("whole up to ")[2].strip(")\n")
    wrong = run("audit", "accept", f"1:{'a' * 64}")
    accepted = run("audit", "accept", head)
    again = run("audit", "verify")
    watch.look()

    assert (missed.exit_code, wrong.exit_code, accepted.exit_code, again.exit_code) == (1, 1, 0, 0)
    assert "the log ends with" in wrong.output
    entry = _entries(site_database)[-1]
    assert (entry.action, entry.number) == ("audit.accepted", 2)
    assert entry.detail == {"found": head, "recorded": f"2:{lost}"}
    state = bootstrap.audit_heads_of(bootstrap.read_settings(site_file)).state()
    assert state is not None
    assert (state.problem, state.head.number) == (None, 2)


def test_a_guard_that_nobody_touched_needs_no_restoring(run: Run) -> None:
    assert run("audit", "restore-guards").output == "Nothing was missing.\n"


def test_an_operator_brings_a_challenge_to_another_state(
    run: Run, site_database: Database, tmp_path: Path
) -> None:
    folder = write_challenge(tmp_path / "challenge")
    added = run("challenge", "add", str(folder), "--draft")
    states = [_state(site_database)]
    again = run("challenge", "add", str(folder))
    states.append(_state(site_database))

    published = run("challenge", "state", "digits", "published", "--reason", "ready")
    refused = run("challenge", "state", "digits", "archived")
    unknown = run("challenge", "state", "digits", "gone")
    nothing = run("challenge", "state", "nothing", "closed")

    assert (added.exit_code, again.exit_code) == (0, 0)
    assert states == [ChallengeState.DRAFT, ChallengeState.DRAFT]
    assert (published.exit_code, published.stdout) == (0, "digits is published; it was draft.\n")
    assert refused.exit_code == 1
    assert "A challenge that is published cannot become archived." in refused.stderr
    assert (unknown.exit_code, nothing.exit_code) == (2, 1)
    assert _state(site_database) is ChallengeState.PUBLISHED


def _state(database: Database) -> ChallengeState:
    with database.reading() as session:
        return session.scalars(select(Challenge)).one().state


def test_the_states_of_the_command_are_those_of_the_domain() -> None:
    assert set(STATES) == set(ChallengeState)


def test_a_challenge_is_exported_and_compared(
    run: Run, site_database: Database, tmp_path: Path
) -> None:
    folder = write_challenge(tmp_path / "challenge")
    run("challenge", "add", str(folder))

    exported = run("challenge", "export", "digits", str(tmp_path / "out"))
    same = run("challenge", "diff", str(tmp_path / "out"))
    with (tmp_path / "out" / "challenge.yaml").open("a") as file:
        file.write("# a remark\n")
    other = run("challenge", "diff", str(tmp_path / "out"))
    again = run("challenge", "export", "digits", str(tmp_path / "out"))
    nothing = run("challenge", "export", "digits", str(tmp_path / "two"), "--revision", "2")

    assert exported.exit_code == 0
    assert exported.stdout.startswith(f"{tmp_path}/out: challenge.yaml and ")
    assert same.stdout == "no difference\n"
    assert "+# a remark" in other.stdout
    assert (again.exit_code, nothing.exit_code) == (1, 1)
    assert "is there already" in again.stderr
