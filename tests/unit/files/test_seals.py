import base64
import json
import stat
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal.files.seals import (
    BrokenSealError,
    NotASealError,
    Sealer,
    SealError,
    check,
    new_key,
    read_public_key,
    read_sealer,
)

TYPE = "urn:sealrun:test"


@pytest.fixture
def sealer(tmp_path: Path) -> Sealer:
    new_key(tmp_path / "key")
    return read_sealer(tmp_path / "key")


@pytest.fixture
def sealed(sealer: Sealer) -> dict[str, Any]:
    envelope: dict[str, Any] = json.loads(
        sealer.seal(TYPE, {"score": 0.5, "who": "Vlasák"}, {"scores.json": "a" * 64})
    )
    return envelope


def test_what_was_sealed_is_read_back_by_the_public_key(tmp_path: Path, sealer: Sealer) -> None:
    envelope = sealer.seal(TYPE, {"score": 0.5}, {"scores.json": "a" * 64})

    checked = check(envelope.encode(), [read_public_key(tmp_path / "key.pub")])

    assert checked.key_id == sealer.public.id
    assert checked.statement == {
        "_type": "https://in-toto.io/Statement/v1",
        "subject": [{"name": "scores.json", "digest": {"sha256": "a" * 64}}],
        "predicateType": TYPE,
        "predicate": {"score": 0.5},
    }


def test_the_signed_bytes_are_those_of_the_specification(sealer: Sealer) -> None:
    """DSSE: "DSSEv1", the length of the type, the type, the length of the body, the body."""
    envelope = json.loads(sealer.seal(TYPE, {}, {}))
    payload = base64.b64decode(envelope["payload"])
    signed = b"DSSEv1 28 application/vnd.in-toto+json %d " % len(payload) + payload

    sealer.public.key.verify(base64.b64decode(envelope["signatures"][0]["sig"]), signed)


def test_a_key_is_its_owners_alone_and_never_replaced(tmp_path: Path) -> None:
    new_key(tmp_path / "key")
    before = (tmp_path / "key").read_bytes()

    with pytest.raises(FileExistsError):
        new_key(tmp_path / "key")

    assert stat.S_IMODE((tmp_path / "key").stat().st_mode) == 0o600
    assert (tmp_path / "key").read_bytes() == before


def test_a_key_that_others_can_read_is_not_used(tmp_path: Path) -> None:
    new_key(tmp_path / "key")
    (tmp_path / "key").chmod(0o640)

    with pytest.raises(ValueError, match="is open to others"):
        read_sealer(tmp_path / "key")


@pytest.mark.parametrize("content", [b"", b"nothing", b"-----BEGIN PRIVATE KEY-----\n"])
def test_a_file_without_a_key_is_named(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "key"
    file.write_bytes(content)
    file.chmod(0o600)

    with pytest.raises(ValueError, match="holds no private key"):
        read_sealer(file)
    with pytest.raises(ValueError, match="holds no public key"):
        read_public_key(file)


def changed(sealed: dict[str, Any], old: bytes, new: bytes) -> bytes:
    payload = base64.b64decode(sealed["payload"])
    assert old in payload
    return json.dumps(
        sealed | {"payload": base64.b64encode(payload.replace(old, new)).decode()}
    ).encode()


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"0.5", b"0.9"),
        (b"a" * 64, b"b" * 64),
        ("Vlasák".encode(), b"Nobody"),
        (b"urn:sealrun:test", b"urn:sealrun:best"),
        (b"{", b" {"),
    ],
)
def test_every_change_of_the_statement_breaks_the_seal(
    sealer: Sealer, sealed: dict[str, Any], old: bytes, new: bytes
) -> None:
    with pytest.raises(BrokenSealError, match="no given key has signed it"):
        check(changed(sealed, old, new), [sealer.public])


def test_another_sites_key_does_not_check_it(tmp_path: Path, sealed: dict[str, Any]) -> None:
    other = new_key(tmp_path / "other")

    with pytest.raises(BrokenSealError):
        check(json.dumps(sealed).encode(), [other])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"payloadType": "text/plain"}, "no envelope"),
        ({"signatures": []}, "no signature"),
        ({"signatures": [{"sig": "!"}]}, "damaged"),
        ({"signatures": ["x"]}, "damaged"),
        ({"payload": "?"}, "damaged"),
    ],
)
def test_what_is_no_envelope_is_said(
    sealer: Sealer, sealed: dict[str, Any], change: dict[str, Any], message: str
) -> None:
    with pytest.raises(NotASealError, match=message):
        check(json.dumps(sealed | change).encode(), [sealer.public])


def test_a_signature_that_was_cut_does_not_hold(sealer: Sealer, sealed: dict[str, Any]) -> None:
    sealed["signatures"][0]["sig"] = base64.b64encode(bytes(63)).decode()

    with pytest.raises(BrokenSealError):
        check(json.dumps(sealed).encode(), [sealer.public])


@pytest.mark.parametrize("content", [b'{"payload":"a","payload":"b"}', b"[]", b"{} {}", b"\xff"])
def test_what_can_be_read_in_two_ways_is_no_envelope(sealer: Sealer, content: bytes) -> None:
    with pytest.raises(NotASealError):
        check(content, [sealer.public])


@given(st.binary(max_size=300))
def test_other_bytes_are_never_a_seal(content: bytes) -> None:
    with pytest.raises(SealError):
        check(content, [])
