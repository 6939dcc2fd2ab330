"""Running things as the ordinary account that the practice cluster knows, when root starts them."""

import os
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path

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
    paths = (CHECKOUT, Path(sys.base_prefix), *readable)
    return [
        *(sys.executable, "-m", "site_config.practice.ordinary_user"),
        *("--uid", str(status.account_uid), "--name", "sealrun", "--home", str(place)),
        *(word for path in paths for word in ("--readable", str(path))),
        "--",
        *argv,
    ]
