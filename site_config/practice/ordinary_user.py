"""Run a program as an ordinary user who need not exist, on a machine whose checkout only root can reach.

`python -m site_config.practice.ordinary_user --uid N --name NAME --home DIR [--readable PATH]... -- ARGV...`

Run by root, it enters a mount namespace of its own, in which the user has an entry in /etc/passwd and
the readable paths can be reached; then it gives up root for good and becomes ARGV, in the same process.
Nothing changes for anybody else on the machine. Run by somebody else, it just becomes ARGV.
"""

import grp
import os
import pwd
import stat
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import click

from site_config.practice.errors import PracticeError
from site_config.practice.machine import kernel
from site_config.practice.machine.accounts import Account, ordinary_account, topmost_barrier
from site_config.practice.machine.files import make_directory

# They speak of the person who called sudo, or point at folders of root.
_FOREIGN_VARIABLES = ("SUDO_", "XDG_", "MAIL", "OLDPWD")


@dataclass(frozen=True, slots=True, kw_only=True)
class OrdinaryUser:
    """Whom to become."""

    account: Account
    name: str
    home: Path


def make_reachable(paths: list[Path], account: Account) -> None:
    """Let the account reach the absolute *paths* in the calling process's mount namespace, and nothing beside them.

    A folder in the way is covered by an empty one in which only the paths can be found again.
    """
    behind: dict[Path, list[Path]] = {}
    for path in sorted(set(paths)):
        barrier = topmost_barrier(path, account)
        covered = behind.setdefault(barrier, []) if barrier else []
        # A path below another one comes with it.
        if not any(path.is_relative_to(other) for other in covered):
            covered.append(path)
    for barrier, covered in behind.items():
        # Opened before they are covered; mounted again through the open descriptors.
        open_paths = {path: os.open(path, os.O_PATH | os.O_CLOEXEC) for path in covered}
        kernel.mount(
            "tmpfs", barrier, "tmpfs", kernel.MS_NOSUID | kernel.MS_NODEV, "mode=755,size=1m"
        )
        for path, descriptor in open_paths.items():
            path.parent.mkdir(parents=True, exist_ok=True)
            if stat.S_ISDIR(os.fstat(descriptor).st_mode):
                path.mkdir()
            else:
                path.touch()
            kernel.bind(Path(f"/proc/self/fd/{descriptor}"), path)
            os.close(descriptor)
        kernel.mount("none", barrier, flags=kernel.MS_REMOUNT | kernel.MS_BIND | kernel.MS_RDONLY)


def make_known(user: OrdinaryUser) -> None:
    """Give the user an entry in /etc/passwd and /etc/group, as seen in the calling process's mount namespace."""
    account = user.account
    if account.uid not in {entry.pw_uid for entry in pwd.getpwall()}:
        _append(
            "/etc/passwd", f"{user.name}:x:{account.uid}:{account.gid}::{user.home}:/bin/bash\n"
        )
    if account.gid not in {entry.gr_gid for entry in grp.getgrall()}:
        _append("/etc/group", f"{user.name}:x:{account.gid}:\n")


def _append(file: str, line: str) -> None:
    text = Path(file).read_text(encoding="utf-8")
    with tempfile.TemporaryDirectory() as folder:
        # In memory: nothing is left on the disk, whenever this process is killed, but an empty folder.
        kernel.mount("tmpfs", folder, "tmpfs", options="mode=755,size=4m")
        draft = Path(folder, "draft")
        draft.write_text(text if text.endswith("\n") else f"{text}\n", encoding="utf-8")
        with draft.open("a", encoding="utf-8") as stream:
            stream.write(line)
        draft.chmod(0o644)
        kernel.bind(draft, Path(file))
        kernel.unmount(Path(folder))


def give_up_root(account: Account) -> None:
    """Become the account for good: no further groups, no way back, no set-user-id programs."""
    os.setgroups([])
    os.setresgid(account.gid, account.gid, account.gid)
    os.setresuid(account.uid, account.uid, account.uid)
    kernel.forbid_new_privileges()


def user_environment(user: OrdinaryUser) -> dict[str, str]:
    """Return the caller's environment, changed to speak of the user."""
    kept = {
        key: value for key, value in os.environ.items() if not key.startswith(_FOREIGN_VARIABLES)
    }
    return kept | {
        "HOME": str(user.home),
        "USER": user.name,
        "LOGNAME": user.name,
        "SHELL": "/bin/bash",
    }


def become(
    user: OrdinaryUser, readable: list[Path], *, known: Sequence[OrdinaryUser] = ()
) -> dict[str, str]:
    """Turn this process, which is root's, into the user's; return the environment for what it runs next.

    Those who are ``known`` have an entry in /etc/passwd, too.
    """
    # The interpreter is nearly always what comes next, and often below root's home.
    wanted = [*readable, Path(sys.prefix), Path(sys.base_prefix)]
    paths = [Path(os.path.abspath(path)) for path in wanted]  # noqa: PTH100 (resolve() would follow links)
    missing = [str(path) for path in paths if not path.exists()]
    if missing:
        raise PracticeError(f"there is no {', '.join(missing)}")
    here = Path.cwd()
    if not user.home.exists():
        make_directory(user.home, mode=0o700, uid=user.account.uid, gid=user.account.gid)
    kernel.unshare(kernel.CLONE_NEWNS)
    kernel.make_mounts_private()
    for one in (user, *known):
        make_known(one)
    make_reachable(paths, user.account)
    environment = user_environment(user)
    give_up_root(user.account)
    # By name: the old working folder may be one that has just been covered.
    for folder in (here, user.home, Path("/")):
        try:
            os.chdir(folder)
        except OSError:
            continue
        return environment
    raise PracticeError(f"neither {here} nor {user.home} nor / can be entered")


@click.command(context_settings={"ignore_unknown_options": True})
@click.option("--uid", type=int, required=True, help="User id to run with.")
@click.option("--gid", type=int, help="Group id; the user's own, or the same number, by default.")
@click.option(
    "--name", default="sealrun", show_default=True, help="The user's name, if the id has none."
)
@click.option(
    "--home", type=click.Path(path_type=Path), required=True, help="Made if it does not exist."
)
@click.option(
    "--readable", type=click.Path(path_type=Path), multiple=True, help="Must be reachable."
)
@click.option(
    "--known",
    type=(str, int, int),
    multiple=True,
    help="Another user who need not exist: name, user id and group id.",
)
@click.argument("argv", nargs=-1, required=True, type=click.UNPROCESSED)
def main(
    uid: int,
    gid: int | None,
    name: str,
    home: Path,
    readable: tuple[Path, ...],
    known: tuple[tuple[str, int, int], ...],
    argv: tuple[str, ...],
) -> None:
    """Become ARGV as an ordinary user."""
    environment = dict(os.environ)
    try:
        if os.geteuid() == 0:
            account = ordinary_account(uid, gid)
            user = OrdinaryUser(account=account, name=_name_of(uid) or name, home=home.absolute())
            others = [
                OrdinaryUser(account=ordinary_account(other, group), name=called, home=Path("/"))
                for called, other, group in known
            ]
            environment = become(user, list(readable), known=others)
        os.execvpe(argv[0], list(argv), environment)  # noqa: S606 (argv, no shell)
    except (PracticeError, OSError) as error:
        raise click.ClickException(f"{argv[0]}: {error}") from error


def _name_of(uid: int) -> str | None:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return None


if __name__ == "__main__":
    main()
