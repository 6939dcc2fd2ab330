"""Where another account could put something in the place of what the worker trusts."""

import os
from pathlib import Path

import pytest

from portal.domain.site.findings import Level
from portal.site_check.rules import accounts, trust
from portal.site_check.rules.reach import Account
from tests.unit.site_check.access_lists import (
    GROUP_OWNER_ENTRY,
    MASK_ENTRY,
    NOBODY_IN_PARTICULAR,
    OTHER_ENTRY,
    OWNER_ENTRY,
    USER_ENTRY,
    open_the_way_to,
    set_list,
)
from tests.unit.site_check.subjects import MakeSubject

WEB = Account(name="web", uid=20398, groups=frozenset({20398}))
MEMBER = Account(name="web", uid=20398, groups=frozenset({20398, os.getgid()}))


@pytest.fixture
def key(tmp_path: Path) -> Path:
    open_the_way_to(tmp_path)
    home = tmp_path / "home"
    (home / ".ssh").mkdir(parents=True)
    file = home / ".ssh/key"
    file.write_text("key")
    file.chmod(0o600)
    for folder in (home, home / ".ssh"):
        folder.chmod(0o755)
    return file


def _names(path: Path, account: Account) -> list[str]:
    return [opening.name for opening in trust.openings(path, account)]


def test_a_key_on_a_way_that_is_closed_is_safe(key: Path) -> None:
    assert _names(key, WEB) == []
    assert _names(key, MEMBER) == []


@pytest.mark.parametrize(
    ("mode", "expected"),
    [(0o2770, ["home"]), (0o775, ["home"]), (0o777, ["home"]), (0o1777, []), (0o750, [])],
)
def test_whoever_may_write_above_a_key_can_replace_it(
    key: Path, mode: int, expected: list[str]
) -> None:
    key.parent.parent.chmod(mode)

    assert _names(key, MEMBER) == expected


def test_what_is_not_there_yet_can_be_made(key: Path) -> None:
    key.parent.parent.chmod(0o1777)

    assert _names(key.parent.parent / ".profile", WEB) == ["home"]


def test_a_list_opens_a_folder_that_its_mode_closes(key: Path) -> None:
    set_list(
        key.parent,
        (OWNER_ENTRY, 7, NOBODY_IN_PARTICULAR),
        (USER_ENTRY, 7, WEB.uid),
        (GROUP_OWNER_ENTRY, 0, NOBODY_IN_PARTICULAR),
        (MASK_ENTRY, 7, NOBODY_IN_PARTICULAR),
        (OTHER_ENTRY, 5, NOBODY_IN_PARTICULAR),
    )

    assert _names(key, WEB) == [".ssh"]


def test_behind_a_closed_folder_nothing_is_in_reach(key: Path) -> None:
    key.parent.chmod(0o777)
    key.parent.parent.chmod(0o700)

    assert _names(key, MEMBER) == []


def test_the_way_of_a_link_counts_as_well(key: Path, tmp_path: Path) -> None:
    (tmp_path / "open").mkdir()
    (tmp_path / "open").chmod(0o777)
    (tmp_path / "open/link").symlink_to("../home/.ssh")
    key.parent.parent.chmod(0o777)

    assert set(_names(tmp_path / "open/link/key", WEB)) == {"open", "home"}


def test_whoever_owns_something_can_open_it(key: Path) -> None:
    owner = Account(name="web", uid=os.geteuid(), groups=frozenset())

    assert {".ssh", "home", "key"} <= set(_names(key, owner))


def test_links_in_a_circle_end(tmp_path: Path) -> None:
    (tmp_path / "one").symlink_to("two")
    (tmp_path / "two").symlink_to("one")

    assert _names(tmp_path / "one", WEB) == []


def test_the_database_in_the_folder_of_keys_is_a_failure_that_asks_for_another_place(
    make_subject: MakeSubject, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    open_the_way_to(tmp_path)
    (tmp_path / "db").mkdir()
    (tmp_path / "db").chmod(0o2770)
    apart = make_subject(accounts={"web": "root"}, database={"url": "sqlite:///db/sealrun.db"})
    together = make_subject(accounts={"web": "root"}, database={"url": "sqlite:///sealrun.db"})
    monkeypatch.setattr(accounts, "account_named", lambda _name: MEMBER)
    monkeypatch.setenv("HOME", str(tmp_path))

    tmp_path.chmod(0o750)
    good = [one for one in accounts.check(apart) if one.subject == str(tmp_path)]
    tmp_path.chmod(0o2770)
    found = [one for one in accounts.check(together) if one.subject == str(tmp_path)]
    wrong = [one for one in found if one.id == "accounts.trusted"]

    assert good == []
    assert [(one.level, one.change) for one in wrong] == [
        (Level.FAILURE, "site.yaml: database.url, a file in a directory of its own")
    ]


def test_groups_that_are_as_good_as_root_are_told(tmp_path: Path) -> None:
    assert trust.dangerous_groups(Account(name="web", uid=20398, groups=frozenset({0}))) == ["root"]
    assert trust.dangerous_groups(WEB) == []
    tmp_path.chmod(0o777)
    assert trust.is_shared_temporary(tmp_path, WEB)
    tmp_path.chmod(0o1777)
    assert not trust.is_shared_temporary(tmp_path, WEB)
