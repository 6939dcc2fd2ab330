"""Running things as the ordinary account that the practice cluster knows, when root starts them."""

import os
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path

from site_config.practice.machine.accounts import WEB_NAME, WEB_UID
from site_config.practice.site import Status

CHECKOUT = Path(__file__).resolve().parents[2]


def as_account(
    argv: Sequence[str], status: Status, *, home: str, readable: Sequence[Path] = ()
) -> list[str]:
    """Return the argv with which ``argv`` runs without privileges; unchanged where we have none.

    ``home`` is a folder below the practice site's own; it is made for the account. The account reads
    the checkout, the Python that runs this, and ``readable``, wherever they lie.
    """
    if os.geteuid() != 0 or status.account_uid is None:
        return list(argv)
    place = status.directory / home
    place.mkdir(mode=0o750, exist_ok=True)
    shutil.chown(place, status.account_uid, status.account_uid)
    return [
        *_ordinary_user(status.account_uid, "sealrun", place, readable),
        *("--known", WEB_NAME, str(WEB_UID), str(status.account_uid)),
        "--",
        *argv,
    ]


def as_web(argv: Sequence[str], status: Status, *, readable: Sequence[Path] = ()) -> list[str]:
    """Return the argv with which root runs ``argv`` as the account that serves the pages only.

    It is in the other account's group, and has a folder of its own below the practice site's.
    """
    group = str(status.account_uid)
    place = status.directory / "web"
    return [
        *_ordinary_user(WEB_UID, WEB_NAME, place, readable),
        *("--gid", group, "--known", "sealrun", group, group),
        "--",
        *argv,
    ]


def _ordinary_user(uid: int, name: str, home: Path, readable: Sequence[Path]) -> list[str]:
    paths = (CHECKOUT, Path(sys.base_prefix), *readable)
    return [
        *(sys.executable, "-m", "site_config.practice.ordinary_user"),
        *("--uid", str(uid), "--name", name, "--home", str(home)),
        *(word for path in paths for word in ("--readable", str(path))),
    ]
