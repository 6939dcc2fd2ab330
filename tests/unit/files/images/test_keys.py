"""Which files are public keys."""

from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

from portal.files.images.keys import read_image_key

KEYS = {
    "ed25519": ed25519.Ed25519PrivateKey.generate(),
    "rsa": rsa.generate_private_key(public_exponent=65537, key_size=2048),
    "ec": ec.generate_private_key(ec.SECP256R1()),
}


@pytest.mark.parametrize("kind", KEYS)
def test_a_public_key_is_read_as_apptainer_takes_it(tmp_path: Path, kind: str) -> None:
    pem = KEYS[kind].public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    file = tmp_path / "key.pem"
    file.write_bytes(b"a word about it\n" + pem)

    assert read_image_key(file) == pem.decode().strip()


def test_a_private_key_is_refused_without_showing_it(tmp_path: Path) -> None:
    file = tmp_path / "key.pem"
    pem = KEYS["ed25519"].private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    file.write_bytes(pem)

    with pytest.raises(ValueError, match="holds a private key; name the public one") as refused:
        read_image_key(file)

    assert pem.decode().splitlines()[1] not in str(refused.value)


@pytest.mark.parametrize("content", [b"", b"-----BEGIN PGP PUBLIC KEY BLOCK-----\n", b"\xff" * 100])
def test_anything_else_is_no_key(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "key.pem"
    file.write_bytes(content)

    with pytest.raises(ValueError, match="holds no public key in PEM form"):
        read_image_key(file)
