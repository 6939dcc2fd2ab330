"""Signed envelopes (DSSE), by the library of their specification.

Imported where something is signed or verified: the web process does neither, and saves what it takes.
"""

import base64
from collections.abc import Mapping
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from securesystemslib.dsse import Envelope
from securesystemslib.exceptions import VerificationError
from securesystemslib.signer import CryptoSigner, Signature, SSlibKey

Keys = Mapping[str, Ed25519PublicKey]
"""By the ids that signatures name them with."""


def signed(kind: str, payload: bytes, key: Ed25519PrivateKey, key_id: str) -> dict[str, Any]:
    """Return the envelope of a payload, as JSON has it."""
    envelope = Envelope(payload, kind, {})
    envelope.sign(CryptoSigner(key, SSlibKey.from_crypto(key.public_key(), keyid=key_id)))
    return envelope.to_dict()


def opened(document: dict[str, Any]) -> Envelope:
    """Return the envelope that a JSON document is. Raises ``ValueError`` for one that is damaged."""
    try:
        return Envelope.from_dict(document)
    except (TypeError, KeyError, AttributeError) as error:
        raise ValueError("no envelope") from error


def detached(kind: str, payload: bytes, key_id: str, signature: str) -> Envelope:
    """Return the envelope of a payload and its signature in base64. Raises ``ValueError``."""
    raw = base64.b64decode(signature, validate=True)
    return Envelope(payload, kind, {key_id: Signature(key_id, raw.hex())})


def signer_of(envelope: Envelope, keys: Keys) -> str | None:
    """Return the id of the key that has signed an envelope; None if none of them has."""
    try:
        [key_id] = envelope.verify(
            [SSlibKey.from_crypto(key, keyid=key_id) for key_id, key in keys.items()], threshold=1
        )
    except (VerificationError, ValueError):
        return None
    return str(key_id)
