"""What another account reaches, and whether the web process's account is closed off."""

import os
import pwd
from pathlib import Path

import pytest

from portal.domain.site.findings import Level
from portal.site_check.rules import accounts
from portal.site_check.rules.reach import ENTER, READ, WRITE, Account, permissions, reaches
from tests.unit.site_check.access_lists import (
    GROUP_ENTRY,
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

STRANGER = Account(name="stranger", uid=20399, groups=frozenset({20399}))


@pytest.mark.parametrize(
    ("mode", "groups", "expected"),
    [
        (0o640, {os.getgid()}, READ),
        (0o604, {os.getgid()}, 0),
        (0o604, {20399}, READ),
        (0o770, {20399}, 0),
        (0o770, {20399, os.getgid()}, READ | WRITE | ENTER),
    ],
)
def test_mode_bits_decide_by_owner_then_group_then_others(
    tmp_path: Path, mode: int, groups: set[int], expected: int
) -> None:
    file = tmp_path / "file"
    file.touch()
    file.chmod(mode)

    account = Account(name="x", uid=20399, groups=frozenset(groups))

    assert permissions(file, account) == expected


def test_an_access_control_list_opens_what_the_mode_bits_close(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.touch()
    file.chmod(0o600)
    before = permissions(file, STRANGER)

    set_list(
        file,
        (OWNER_ENTRY, 6, NOBODY_IN_PARTICULAR),
        (USER_ENTRY, 6, STRANGER.uid),
        (GROUP_OWNER_ENTRY, 0, NOBODY_IN_PARTICULAR),
        (MASK_ENTRY, 4, NOBODY_IN_PARTICULAR),
        (OTHER_ENTRY, 0, NOBODY_IN_PARTICULAR),
    )

    assert (before, permissions(file, STRANGER)) == (0, READ)


def test_several_groups_of_a_list_add_up_within_its_mask(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.touch()
    set_list(
        file,
        (OWNER_ENTRY, 6, NOBODY_IN_PARTICULAR),
        (GROUP_OWNER_ENTRY, 4, NOBODY_IN_PARTICULAR),
        (GROUP_ENTRY, 2, 20399),
        (GROUP_ENTRY, 1, 20400),
        (MASK_ENTRY, 3, NOBODY_IN_PARTICULAR),
        (OTHER_ENTRY, 0, NOBODY_IN_PARTICULAR),
    )

    in_both = Account(name="x", uid=20399, groups=frozenset({20399, 20400}))

    assert permissions(file, in_both) == WRITE | ENTER


def test_what_lies_behind_a_closed_folder_is_out_of_reach(tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    file = folder / "file"
    file.touch()
    file.chmod(0o666)
    open_the_way_to(tmp_path)
    folder.chmod(0o755)
    before = reaches(file, STRANGER, READ)

    folder.chmod(0o700)

    assert (before, reaches(file, STRANGER, READ)) == (True, False)


def test_without_an_account_for_the_web_one_warning_says_what_it_means(
    make_subject: MakeSubject,
) -> None:
    found = list(accounts.check(make_subject()))

    assert [(one.id, one.level, one.change) for one in found] == [
        ("accounts.separate", Level.WARNING, "site.yaml: accounts.web")
    ]


def test_an_account_that_is_not_there_is_a_failure(make_subject: MakeSubject) -> None:
    found = list(accounts.check(make_subject(accounts={"web": "no-such-account"})))

    assert [(one.id, one.level, one.change) for one in found] == [
        ("accounts.separate", Level.OK, ""),
        ("accounts.known", Level.FAILURE, "run: useradd --system no-such-account"),
    ]


def test_each_place_that_is_open_to_the_web_is_a_failure_with_its_line(
    make_subject: MakeSubject, monkeypatch: pytest.MonkeyPatch
) -> None:
    subject = make_subject(accounts={"web": pwd.getpwuid(os.geteuid()).pw_name})
    runs = subject.cluster.storage / "runs"
    runs.mkdir(parents=True)
    open_the_way_to(runs.parent)
    runs.chmod(0o700)
    monkeypatch.setattr(accounts, "account_named", lambda _name: STRANGER)
    closed = {one.subject: one.level for one in accounts.check(subject)}

    runs.chmod(0o705)
    found = {one.subject: one for one in accounts.check(subject) if one.id == "accounts.sealed"}

    now = found[str(runs)]
    images = found[str(runs.parent / "images")]
    assert (images.level, images.found, images.change) == (
        Level.FAILURE,
        f"not checked: there is no {runs.parent}/images yet",
        "run: sealrun db upgrade",
    )
    assert closed[str(runs)] is Level.OK
    assert (now.level, now.change) == (Level.FAILURE, f"chmod 700 {runs}")
