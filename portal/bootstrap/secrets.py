"""What the site keeps in files of its own: secrets and keys."""

from pathlib import Path

from portal.domain.errors import OperatorError
from portal.files.audit_heads import AuditHeads
from portal.files.crates import Publisher
from portal.files.seals import PublicKey, Sealer, read_public_key, read_sealer
from site_config.site import Site
from site_config.site_loader import read_secret


def secret_in(file: Path, *, key: str = "client_secret_file") -> str:
    """Return the secret in a file. Raises ``OperatorError`` that names the setting, never the secret."""
    try:
        return read_secret(file)
    except (OSError, ValueError) as problem:
        raise OperatorError(f"{key}: {problem}") from problem


def sealer_of(settings: Site) -> Sealer | None:
    """Return what signs results; None on a site without a key. Raises ``OperatorError``."""
    file = settings.seal.key_file
    if file is None:
        return None
    try:
        return read_sealer(file)
    except (OSError, ValueError) as problem:
        raise OperatorError(f"seal.key_file: {problem}") from problem


def published_keys(settings: Site) -> tuple[PublicKey, ...]:
    """Return the keys with which anybody can check what the site has signed."""
    try:
        return tuple(read_public_key(file) for file in settings.seal.public_keys)
    except (OSError, ValueError) as problem:
        raise OperatorError(f"seal.public_keys: {problem}") from problem


def audit_heads_of(settings: Site, *, signs: bool = False) -> AuditHeads:
    """Return the heads of the audit log, out of reach of the web process; it reads their state only."""
    storage = next(iter(settings.clusters.values())).storage
    sealer = sealer_of(settings) if signs else None
    own = (sealer.public,) if sealer else ()
    return AuditHeads(storage / "audit", sealer=sealer, keys=(*published_keys(settings), *own))


def publisher_of(settings: Site) -> Publisher:
    """Return whose site an export comes from, and with which keys its records are checked."""
    keys = {key.id: key.pem for key in published_keys(settings)}
    return Publisher(name=settings.site.name, url=settings.site.url, keys=keys)
