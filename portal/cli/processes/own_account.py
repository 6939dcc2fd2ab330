"""Who runs this process: web and worker have different accounts where the site says so."""

import os
import pwd
from pathlib import Path

from portal.domain.errors import OperatorError
from portal.site_check.rules import trust
from portal.site_check.rules.accounts import kept_away
from portal.site_check.rules.reach import Account
from site_config.site import Site


def check_account(site: Site, file: Path, *, serves: bool) -> None:
    """Refuse to run as the other process's account, or to serve where the data is in reach.

    Raises ``OperatorError``. Without ``accounts.web`` nothing is asked for.
    """
    web = site.accounts.web
    if web is None:
        return
    own = _own_name()
    if (own == web) != serves:
        who = f"{web!r} alone serves" if serves else f"{web!r} only serves"
        raise OperatorError(f"accounts.web: {who}, and this runs as {own!r}")
    if serves and (open_to := [str(path) for path in kept_away(site) if _is_in_reach(path)]):
        raise OperatorError(f"accounts.web: {own!r} must not reach {', '.join(open_to)}")
    if serves and (opening := _opening(site, file)):
        raise OperatorError(f"accounts.web: {own!r} must not be able to write to {opening}")


def _opening(site: Site, file: Path) -> Path | None:
    """Return a place where this account could replace what the worker trusts; None where there is none."""
    own = Account(
        name=_own_name(),
        uid=os.geteuid(),
        groups=frozenset({os.getegid(), *os.getgroups()}),
    )
    for path in sorted({*trust.trusted(site, file.resolve())}):
        try:
            for opening in trust.openings(path, own):
                return opening
        except OSError:
            # What cannot be looked at is closed.
            continue
    return None


def _is_in_reach(path: Path) -> bool:
    can_enter = os.path.isdir(path) and os.access(path, os.X_OK)  # noqa: PTH112 - False where denied
    return can_enter or os.access(path, os.R_OK) or os.access(path, os.W_OK)


def _own_name() -> str:
    try:
        return pwd.getpwuid(os.geteuid()).pw_name
    except KeyError:
        return str(os.geteuid())
