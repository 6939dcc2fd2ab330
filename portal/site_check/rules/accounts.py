"""Accounts: whether the web process has one of its own, and what that one reaches."""

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

from portal.domain.site.findings import Finding, Level, Rule
from portal.files.private_folders import PRIVATE
from portal.site_check.rules import trust
from portal.site_check.rules.reach import ENTER, READ, WRITE, Account, account_named, reaches
from portal.site_check.target import Subject
from site_config.site import Site

SEPARATE = Rule(
    id="accounts.separate",
    title="The web process has an account of its own",
    level=Level.WARNING,
    meaning="Whoever takes over the web process has what the worker has: data, truth and outputs.",
    change="site.yaml: accounts.web",
)
KNOWN = Rule(
    id="accounts.known",
    title="The web process's account exists on this machine",
    level=Level.FAILURE,
    meaning="The pages cannot be served.",
    change="run: useradd --system ACCOUNT",
)
SEALED = Rule(
    id="accounts.sealed",
    title="The web process's account reaches no data, run, image or secret of the worker",
    level=Level.FAILURE,
    meaning="Whoever takes over the web process reads it; the web process refuses to start.",
    change="chmod 700 PATH",
)
WRITES = Rule(
    id="accounts.writes",
    title="The web process's account can keep uploads and write to the database",
    level=Level.FAILURE,
    meaning="Nobody can log in or submit anything.",
    change="chmod 2770 PATH, in a group of web and worker, and nothing else in it",
)
TRUSTED = Rule(
    id="accounts.trusted",
    title="The web process's account can replace nothing that the worker trusts",
    level=Level.FAILURE,
    meaning="Whoever takes over the web process becomes the worker: by its keys, its home, its settings or its code.",
    change="chmod g-w,o-w PATH",
)
RULES = (SEPARATE, KNOWN, SEALED, WRITES, TRUSTED)


def check(subject: Subject) -> Iterator[Finding]:
    """Compare what the web process's account may do with what it must and must not."""
    name = subject.settings.accounts.web
    if name is None:
        yield SEPARATE.broken("web and worker run as the same account")
        return
    yield SEPARATE.holds(f"{name} serves the pages")
    try:
        account = account_named(name)
    except KeyError:
        yield KNOWN.broken(f"there is no account {name}", change=f"run: useradd --system {name}")
        return
    yield KNOWN.holds(f"{name} has the user id {account.uid}")
    for path in kept_away(subject.settings):
        yield _sealed(path, account, subject.settings)
    for path in _written(subject):
        yield _writes(path, account)
    yield from _trusted(subject, account)


def kept_away(site: Site) -> list[Path]:
    """Return what the web process must not reach: runs, images, data, and the worker's secrets."""
    clusters = site.clusters.values()
    hops = [cluster.connect.ssh for cluster in clusters if cluster.connect.ssh]
    return [
        *(cluster.storage / name for cluster in clusters for name in PRIVATE),
        *(data.path for data in site.data.values()),
        *(hop.key_file for hop in hops),
        *(hop.jump.key_file for hop in hops if hop.jump),
        *([site.seal.key_file] if site.seal.key_file else []),
        *([site.mail.password_file] if site.mail and site.mail.password_file else []),
        *(cluster.slurm.rest.token_file for cluster in clusters if cluster.slurm.rest),
    ]


def _absent(path: Path, site: Site) -> Finding:
    """Say of what is not there that nobody knows who will reach it."""
    if any(path == data.path for data in site.data.values()):
        # It may be on the nodes only, and then it cannot be seen from here at any time.
        return SEALED.unseen(f"{path} is not on this machine", subject=str(path))
    made = any(path == one.storage / name for one in site.clusters.values() for name in PRIVATE)
    change = "run: sealrun db upgrade" if made else f"make {path}, which site.yaml names"
    return SEALED.unchecked(f"there is no {path} yet", subject=str(path), change=change)


def _sealed(path: Path, account: Account, site: Site) -> Finding:
    try:
        open_to = [want for want in (READ, WRITE, ENTER) if reaches(path, account, want)]
    except FileNotFoundError:
        return _absent(path, site)
    except OSError as error:
        return SEALED.unchecked(f"{path}: {error.strerror}", subject=str(path))
    # To enter a file is to run it, which hands nothing over that reading does not.
    wrong = [want for want in open_to if want != ENTER or path.is_dir()]
    mode = path.stat().st_mode & 0o777
    return SEALED.judged(
        not wrong,
        f"{path} (mode {mode:04o}) is {'open' if wrong else 'closed'} to {account.name}",
        subject=str(path),
        change=f"chmod {'700' if path.is_dir() else '600'} {path}",
    )


def _trusted(subject: Subject, account: Account) -> Iterator[Finding]:
    """Walk the way to everything that the worker trusts; tell each opening once."""
    wanted = {*trust.trusted(subject.settings, subject.file.resolve()), *trust.own_things()}
    behind: dict[Path, Path] = {}
    for path in sorted(wanted):
        try:
            for opening in trust.openings(path, account):
                behind.setdefault(opening, path)
        except OSError as error:
            yield TRUSTED.unchecked(f"{path}: {error.strerror}", subject=str(path))
    for opening, path in behind.items():
        yield _opening(subject, opening, path, account)
    for group in trust.dangerous_groups(account):
        change = f"gpasswd -d {account.name} {group}"
        yield TRUSTED.broken(
            f"{account.name} is in the group {group}", subject=group, change=change
        )
    shared = Path(tempfile.gettempdir())
    if trust.is_shared_temporary(shared, account):
        found = f"{shared} is open to {account.name} without the sticky bit"
        yield TRUSTED.broken(found, subject=str(shared), change=f"chmod +t {shared}")
    if not behind:
        yield TRUSTED.holds(
            f"{len(wanted)} places, and the way to each, are closed to {account.name}"
        )


def _opening(subject: Subject, opening: Path, path: Path, account: Account) -> Finding:
    status = opening.stat()
    file = _sqlite_file(subject)
    if status.st_uid == account.uid:
        change = f"chown {os.geteuid()} {opening}"
    elif file is not None and file.parent == opening:
        change = "site.yaml: database.url, a file in a directory of its own"
    else:
        change = f"chmod g-w,o-w {opening}"
    return TRUSTED.broken(
        f"{opening} (mode {status.st_mode & 0o7777:04o}) is open to {account.name}, and {path} is trusted",
        subject=str(opening),
        change=change,
    )


def _sqlite_file(subject: Subject) -> Path | None:
    url = subject.settings.database.url
    return Path(url.removeprefix("sqlite:///")) if url.startswith("sqlite:") else None


def _written(subject: Subject) -> list[Path]:
    blobs = subject.cluster.storage / "blobs"
    file = _sqlite_file(subject)
    return [blobs, blobs / "incoming", *([file.parent, file] if file else [])]


def _writes(path: Path, account: Account) -> Finding:
    want = WRITE | ENTER if path.is_dir() else READ | WRITE
    try:
        can = reaches(path, account, want)
        mode = path.stat().st_mode & 0o7777
    except OSError as error:
        return WRITES.broken(f"{path}: {error.strerror}", subject=str(path))
    return WRITES.judged(
        can,
        f"{path} (mode {mode:04o}) is {'open' if can else 'closed'} to {account.name}",
        subject=str(path),
        change=f"chmod {'2770' if path.is_dir() else '660'} {path}, in a group of web and worker",
    )
