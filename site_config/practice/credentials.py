"""Keys of the site: made once, kept until the site is purged, given to nobody but their owner."""

import os
import secrets
import subprocess
from pathlib import Path

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from site_config.practice.errors import PracticeError
from site_config.practice.machine.accounts import Account
from site_config.practice.machine.files import make_directory, write_file
from site_config.practice.machine.hosts import clean_environment
from site_config.practice.paths import SitePaths

ACCOUNT_KEY = "id_ed25519"
OPERATOR_KEY = "operator_ed25519"
SEAL_KEY = "seal-key"
HOST_KEY = "ssh_host_ed25519_key"


def make_credentials(paths: SitePaths, account: Account) -> None:
    """Make whatever key and secret is missing, and give those outside the site to *account*."""
    keys = paths.state / "keys"
    make_directory(keys, mode=0o700)
    make_directory(paths.ssh, mode=0o700, uid=account.uid, gid=account.gid)
    # The web process reads its secret through the group.
    make_directory(paths.secrets, mode=0o750, uid=account.uid, gid=account.gid)
    _make_ssh_key(keys / HOST_KEY, "host key of the practice site")
    for name in (ACCOUNT_KEY, OPERATOR_KEY):
        _make_ssh_key(paths.ssh / name, f"sealrun practice site {paths.name}")
        for file in (paths.ssh / name, paths.ssh / f"{name}.pub"):
            os.chown(file, account.uid, account.gid, follow_symlinks=False)
    _make_random(keys / "slurm.key", Account(uid=0, gid=0), size=1024)
    _make_random(keys / "jwt_hs256.key", Account(uid=0, gid=0), size=32)
    _make_random(paths.secrets / "oidc-client", account, size=32)
    (paths.secrets / "oidc-client").chmod(0o640)
    _make_seal_key(paths.secrets / SEAL_KEY, account)


def write_known_hosts(paths: SitePaths, account: Account, address: str) -> None:
    """Pin the site's host key for its address."""
    kind, key = (paths.state / "keys" / f"{HOST_KEY}.pub").read_text(encoding="ascii").split()[:2]
    line = f"{address} {kind} {key}\n"
    write_file(paths.ssh / "known_hosts", line, mode=0o600, uid=account.uid, gid=account.gid)


def _make_seal_key(path: Path, owner: Account) -> None:
    """Make the key that results are signed with, and its public part, which anybody may read."""
    if path.exists():
        return
    key = Ed25519PrivateKey.generate()
    encoding, formats = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
    private = key.private_bytes(encoding, formats, serialization.NoEncryption()).decode("ascii")
    public = key.public_key().public_bytes(
        encoding, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    write_file(
        path.with_name(f"{path.name}.pub"),
        public.decode("ascii"),
        mode=0o644,
        uid=owner.uid,
        gid=owner.gid,
    )
    write_file(path, private, mode=0o600, uid=owner.uid, gid=owner.gid)


def _make_ssh_key(path: Path, comment: str) -> None:
    public = path.with_name(f"{path.name}.pub")
    if path.exists() and public.exists():
        return
    draft = path.with_name(f".{path.name}.new")
    for old in (draft, draft.with_name(f"{draft.name}.pub")):
        old.unlink(missing_ok=True)
    argv = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", comment, "-f", str(draft)]
    done = subprocess.run(
        argv, check=False, capture_output=True, text=True, env=clean_environment()
    )
    if done.returncode != 0:
        raise PracticeError(f"ssh-keygen could not make {path}: {done.stderr.strip()}")
    draft.with_name(f"{draft.name}.pub").rename(public)
    draft.rename(path)


def _make_random(path: Path, owner: Account, *, size: int) -> None:
    if path.exists():
        os.chown(path, owner.uid, owner.gid, follow_symlinks=False)
        return
    # Hexadecimal: an OpenID Connect secret must be text, and Slurm takes any bytes.
    write_file(path, secrets.token_hex(size // 2), mode=0o600, uid=owner.uid, gid=owner.gid)
