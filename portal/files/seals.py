"""Signs statements and checks them: in-toto statements in DSSE envelopes, with Ed25519 keys.

An envelope is JSON with the exact bytes that were signed, so that nothing has to be written again in the same way
to be checked (https://github.com/secure-systems-lab/dsse, protocol.md; in-toto Statement v1).

* SealError
  + NotASealError      the file is no envelope, or holds no statement that we know
  + BrokenSealError    no given key has signed these bytes
"""

import hashlib
import json
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

PAYLOAD_TYPE = "application/vnd.in-toto+json"
STATEMENT_TYPE = "https://in-toto.io/Statement/v1"
MAX_BYTES = 1024 * 1024
"""Bytes that an envelope may have."""

_RAW = (serialization.Encoding.Raw, serialization.PublicFormat.Raw)
_PEM = (serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)


class SealError(Exception):
    """A statement cannot be relied on."""


class NotASealError(SealError):
    """The file is none, or not one that we know."""


class BrokenSealError(SealError):
    """The signature is of other bytes, or of another key."""


@dataclass(frozen=True, slots=True)
class PublicKey:
    """A key that statements are checked with."""

    key: Ed25519PublicKey

    @property
    def id(self) -> str:
        """The sha256 of the 32 bytes of the key, in hexadecimal."""
        return hashlib.sha256(self.key.public_bytes(*_RAW)).hexdigest()

    @property
    def pem(self) -> str:
        """The key as text."""
        return self.key.public_bytes(*_PEM).decode("ascii")

    def has_signed(self, kind: str, payload: bytes, signature: str) -> bool:
        """Tell whether the signature, as ``Sealer.sign`` gives it, is of these bytes."""
        from portal.files import envelopes  # noqa: PLC0415 - not for who only shows keys

        try:
            envelope = envelopes.detached(kind, payload, self.id, signature)
        except ValueError:
            return False
        return envelopes.signer_of(envelope, {self.id: self.key}) == self.id


class Sealer:
    """Signs with a site's key."""

    def __init__(self, key: Ed25519PrivateKey) -> None:
        self.public = PublicKey(key.public_key())
        self._key = key

    def sign(self, kind: str, payload: bytes) -> str:
        """Return the signature of bytes of a kind, in base64: what an envelope has, without the envelope."""
        [signature] = self._envelope(kind, payload)["signatures"]
        return str(signature["sig"])

    def seal(
        self, predicate_type: str, predicate: Mapping[str, Any], subjects: Mapping[str, str]
    ) -> str:
        """Return the envelope of a statement about ``subjects``: names with their sha256."""
        statement = {
            "_type": STATEMENT_TYPE,
            "subject": [
                {"name": name, "digest": {"sha256": sha256}} for name, sha256 in subjects.items()
            ],
            "predicateType": predicate_type,
            "predicate": predicate,
        }
        payload = json.dumps(
            statement, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False
        ).encode()
        return json.dumps(self._envelope(PAYLOAD_TYPE, payload), indent=1) + "\n"

    def _envelope(self, kind: str, payload: bytes) -> dict[str, Any]:
        from portal.files import envelopes  # noqa: PLC0415 - not for who only shows keys

        return envelopes.signed(kind, payload, self._key, self.public.id)


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """A statement whose signature holds."""

    statement: dict[str, Any]
    key_id: str


def check(envelope: bytes, keys: Iterable[PublicKey]) -> Checked:
    """Return the statement that one of the keys has signed; raise ``SealError`` otherwise."""
    from portal.files import envelopes  # noqa: PLC0415 - not for who only shows keys

    document = _envelope(_object(envelope, "the file"))
    try:
        opened = envelopes.opened(document)
    except ValueError:
        raise NotASealError("the envelope is damaged") from None
    key_id = envelopes.signer_of(opened, {key.id: key.key for key in keys})
    if key_id is None:
        raise BrokenSealError("no given key has signed it: it was changed, or is another site's")
    return Checked(statement=_statement(opened.payload), key_id=key_id)


def new_key(file: Path) -> PublicKey:
    """Write a new key, for its owner only, and beside it ``FILE.pub``; raise ``FileExistsError`` if it is there."""
    key = Ed25519PrivateKey.generate()
    private = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as stream:
        stream.write(private)
        os.fsync(stream.fileno())
    public = PublicKey(key.public_key())
    file.with_name(f"{file.name}.pub").write_text(public.pem, encoding="ascii")
    return public


def read_sealer(file: Path) -> Sealer:
    """Return the sealer of a key file; raise ``ValueError`` if others can read it or it is none."""
    if file.stat().st_mode & 0o077:
        raise ValueError(f"{file} is open to others; make it readable by its owner only")
    try:
        key = serialization.load_pem_private_key(file.read_bytes(), password=None)
    except ValueError:
        raise ValueError(f"{file} holds no private key") from None
    if not isinstance(key, Ed25519PrivateKey):
        raise ValueError(f"{file} holds another kind of key than Ed25519")  # noqa: TRY004
    return Sealer(key)


def read_public_key(file: Path) -> PublicKey:
    """Return the key in a PEM file; raise ``ValueError`` for anything else."""
    try:
        key = serialization.load_pem_public_key(file.read_bytes())
    except ValueError:
        raise ValueError(f"{file} holds no public key") from None
    if not isinstance(key, Ed25519PublicKey):
        raise ValueError(f"{file} holds another kind of key than Ed25519")  # noqa: TRY004
    return PublicKey(key)


def _envelope(document: dict[str, Any]) -> dict[str, Any]:
    if document.get("payloadType") != PAYLOAD_TYPE:
        raise NotASealError("the file is no envelope of a statement")
    if not isinstance(document.get("signatures"), list) or not document["signatures"]:
        raise NotASealError("the envelope has no signature")
    return document


def _statement(payload: bytes) -> dict[str, Any]:
    statement = _object(payload, "the statement")
    if statement.get("_type") != STATEMENT_TYPE:
        raise NotASealError("the envelope holds no statement")
    return statement


def _object(content: bytes, what: str) -> dict[str, Any]:
    if len(content) > MAX_BYTES:
        raise NotASealError(f"{what} is larger than {MAX_BYTES} bytes")
    try:
        value = json.loads(content, object_pairs_hook=_once)
    except (ValueError, RecursionError):
        raise NotASealError(f"{what} is not JSON, or names something twice") from None
    if not isinstance(value, dict):
        raise NotASealError(f"{what} is not a JSON object")
    return value


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("a name twice")
    return found
