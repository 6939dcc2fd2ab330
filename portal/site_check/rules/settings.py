"""Settings: whether site.yaml can be read, and the files that it names for the portal alone."""

import os
import struct
from collections.abc import Callable, Iterator
from pathlib import Path

from portal.domain.errors import OperatorError
from portal.domain.site.findings import Finding, Level, Rule
from portal.files.images.keys import read_image_key
from portal.files.seals import read_public_key
from portal.site_check.adapters import SiteAdapters
from portal.site_check.target import Subject
from site_config.errors import SettingsError
from site_config.site import Site
from site_config.site_loader import read_secret

LOAD = Rule(
    id="settings.load",
    title="Site.yaml can be read",
    level=Level.FAILURE,
    meaning="Neither portal nor worker starts, and nothing else could be checked.",
    change="site.yaml: the line that is named",
)
ACCOUNT = Rule(
    id="settings.account",
    title="The portal's own account runs this, not root",
    level=Level.FAILURE,
    meaning="What root can read the portal may not be able to; and as root the portal must not run.",
    change="run sealrun as the account that owns the storage",
)
SECRETS = Rule(
    id="settings.secrets",
    title="Secrets are readable by the portal and not by everybody",
    level=Level.FAILURE,
    meaning="Whoever can read it can speak for the portal; and the portal refuses to use it.",
    change="chmod 600 FILE",
)
PROBE = Rule(
    id="settings.probe",
    title="There is a static busybox to make the isolation probe from",
    level=Level.FAILURE,
    meaning="Without the probe nothing is run.",
    change="site.yaml: probe.busybox (Debian: apt-get install busybox-static)",
)
PUBLIC_KEYS = Rule(
    id="settings.public_keys",
    title="Files of public keys hold public keys",
    level=Level.FAILURE,
    meaning="Neither portal nor worker starts; and a private key does not belong there.",
    change="site.yaml: images.keys, seal.public_keys",
)
RULES = (LOAD, ACCOUNT, SECRETS, PROBE, PUBLIC_KEYS)

_PT_INTERP = 3


def load(file: Path, adapters: SiteAdapters) -> tuple[Site | None, list[Finding]]:
    """Read the settings; return None for them, and a finding for each problem, if that fails."""
    try:
        settings = adapters.read_settings(file)
    except SettingsError as error:
        return None, [
            LOAD.broken(
                problem.message,
                subject=problem.key,
                change=f"{problem.file}" + (f":{problem.line}" if problem.line else ""),
            )
            for problem in error.problems
        ]
    except (OperatorError, OSError) as error:
        return None, [LOAD.broken(str(error), change=str(file))]
    return settings, [LOAD.holds(f"{file} is complete")]


def check(subject: Subject) -> Iterator[Finding]:
    """Look at who runs this, at the secrets and at the busybox."""
    yield ACCOUNT.judged(os.geteuid() != 0, f"running as user id {os.geteuid()}")
    for key, file in _secrets(subject):
        yield _secret(key, file)
    for key, file, read in _public_keys(subject):
        yield _public_key(key, file, read)
    busybox = subject.settings.probe.busybox
    try:
        static = is_static(busybox)
    except OSError as error:
        yield PROBE.broken(f"{busybox}: {error.strerror}")
    else:
        yield PROBE.judged(static, f"{busybox} is {'' if static else 'not '}a static program")


def _secrets(subject: Subject) -> Iterator[tuple[str, Path]]:
    for provider in subject.settings.login.providers:
        yield f"login {provider.id}", provider.client_secret_file
    for cluster in subject.settings.clusters.values():
        if rest := cluster.slurm.rest:
            yield "slurmrestd", rest.token_file
    if (mail := subject.settings.mail) and mail.password_file:
        yield "mail", mail.password_file


def _secret(key: str, file: Path) -> Finding:
    try:
        read_secret(file)
    except OSError as error:
        return SECRETS.broken(f"{file}: {error.strerror}", subject=key, change=f"make {file}")
    except ValueError as error:
        return SECRETS.broken(str(error), subject=key, change=f"chmod 600 {file}")
    mode = file.stat().st_mode & 0o777
    return SECRETS.holds(f"{file} has mode {mode:04o}", subject=key)


def _public_keys(subject: Subject) -> Iterator[tuple[str, Path, Callable[[Path], object]]]:
    for file in subject.settings.images.keys:
        yield "images.keys", file, read_image_key
    for file in subject.settings.seal.public_keys:
        yield "seal.public_keys", file, read_public_key


def _public_key(key: str, file: Path, read: Callable[[Path], object]) -> Finding:
    try:
        read(file)
    except OSError as error:
        return PUBLIC_KEYS.broken(f"{file}: {error.strerror}", subject=key)
    except ValueError as error:
        return PUBLIC_KEYS.broken(str(error), subject=key)
    return PUBLIC_KEYS.holds(f"{file} holds a public key", subject=key)


def is_static(program: Path) -> bool:
    """Tell whether a program needs no loader: a 64-bit ELF file without an interpreter."""
    with program.open("rb") as file:
        head = file.read(64)
        if head[:5] != b"\x7fELF\x02":
            return False
        order = "<" if head[5] == 1 else ">"
        (offset,) = struct.unpack(f"{order}Q", head[32:40])
        size, count = struct.unpack(f"{order}HH", head[54:58])
        file.seek(offset)
        table = file.read(size * count)
    kinds = (struct.unpack_from(f"{order}I", table, size * number)[0] for number in range(count))
    return _PT_INTERP not in kinds
