"""Who the service account of the site is: the ordinary person who runs the portal, never root."""

import os
import pwd
import stat
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from site_config.practice.errors import PracticeError

ACCOUNT_NAME = "challenge"
WEB_NAME = "sealrun-web"
"""Who serves the portal's pages, in the group of the service account."""
WEB_UID = 20199
# For a root that was not reached through sudo: an id that no person and no package has.
FALLBACK_UID = 20200
_FIRST_ORDINARY, _LAST_ORDINARY = 1000, 60000


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """The user and group id of the service account, the same inside the site and outside."""

    uid: int
    gid: int


def choose_account(
    asked: int | None, recorded: Account | None, environment: Mapping[str, str]
) -> Account:
    """Return the account to use: the one asked for, the site's former one, sudo's caller, the caller, or a fallback.

    Raises PracticeError for an id that belongs to root or to the system.
    """
    if asked is not None:
        return ordinary_account(asked)
    if recorded is not None:
        return recorded
    if environment.get("SUDO_UID", "0") != "0":
        return ordinary_account(
            int(environment["SUDO_UID"]), int(environment.get("SUDO_GID", "0")) or None
        )
    if os.getuid() != 0:
        return ordinary_account(os.getuid(), os.getgid())
    return ordinary_account(FALLBACK_UID)


def ordinary_account(uid: int, gid: int | None = None) -> Account:
    """Return the account *uid* with the group asked for, else its own group; raises PracticeError for a system id."""
    if not _FIRST_ORDINARY <= uid <= _LAST_ORDINARY:
        raise PracticeError(
            f"the service account cannot have the user id {uid}: "
            f"it must be an ordinary one, {_FIRST_ORDINARY} to {_LAST_ORDINARY}"
        )
    if gid is None:
        try:
            gid = pwd.getpwuid(uid).pw_gid
        except KeyError:
            gid = uid
    return Account(uid=uid, gid=gid)


def is_person(account: Account) -> bool:
    """Tell whether the account exists on this machine, beside the practice site."""
    try:
        return pwd.getpwuid(account.uid).pw_uid == account.uid
    except KeyError:
        return False


def may_traverse(folder: Path, account: Account) -> bool:
    """Tell whether the account, without further groups, may pass through *folder*, by its mode bits."""
    status = folder.stat()
    if status.st_uid == account.uid:
        return bool(status.st_mode & stat.S_IXUSR)
    if status.st_gid == account.gid:
        return bool(status.st_mode & stat.S_IXGRP)
    return bool(status.st_mode & stat.S_IXOTH)


def topmost_barrier(path: Path, account: Account) -> Path | None:
    """Return the first folder on the way from / to the absolute *path* that stops the account; None if none does."""
    for folder in reversed(path.parents):
        if not may_traverse(folder, account):
            return folder
    return None
