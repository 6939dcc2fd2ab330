"""The public keys that a site accepts signatures of images from."""

from pathlib import Path

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_pem_public_key,
)

_MAX_BYTES = 16 * 1024


def read_image_key(file: Path) -> str:
    """Return a public key as PEM text, as Apptainer takes it.

    Raises ``OSError``, and ``ValueError`` for what is no public key; a private one must not lie about.
    """
    with file.open("rb") as source:
        content = source.read(_MAX_BYTES)
    if b"PRIVATE KEY" in content:
        raise ValueError(f"{file} holds a private key; name the public one")
    try:
        key = load_pem_public_key(content)
    except (ValueError, UnsupportedAlgorithm) as problem:
        raise ValueError(f"{file} holds no public key in PEM form") from problem
    return key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode().strip()
