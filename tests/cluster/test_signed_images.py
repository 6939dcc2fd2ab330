"""Which SIFs the site's keys let through, signed and checked by the real Apptainer."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

from containers.interface import BuildKind, Signature
from containers.sif import read_sif
from portal.files.images.keys import read_image_key
from tests.support.cluster.node import Ended, PracticeNode
from tests.support.required import required

pytestmark = [pytest.mark.cluster, pytest.mark.slow]

BUSYBOX = Path("/bin/busybox")


@pytest.fixture(scope="module")
def node(practice_site: dict[str, Any]) -> Iterator[PracticeNode]:
    required("Debian's busybox-static", BUSYBOX.exists())
    node = PracticeNode(practice_site)
    node.build_probe(BUSYBOX)
    yield node
    node.close()


class Signer:
    """Somebody with a key."""

    def __init__(self, node: PracticeNode, name: str) -> None:
        key = Ed25519PrivateKey.generate()
        self._node = node
        self._private = node.file(
            f"{name}.pem", key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        )
        public = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
        self.public = read_image_key(node.file(f"{name}.public.pem", public))

    def sign(self, image: Path) -> Path:
        """Return a copy of the image with a signature."""
        copy = self._node.file(f"signed by {self._private.name}", image.read_bytes())
        done = self._node.transport.run(
            ["apptainer", "--silent", "sign", "--key", str(self._private), str(copy)],
            timeout=timedelta(seconds=60),
        )
        assert done.returncode == 0, done.stderr
        return copy


@pytest.fixture(scope="module")
def known(node: PracticeNode) -> Signer:
    return Signer(node, "known")


@pytest.fixture(scope="module")
def stranger(node: PracticeNode) -> Signer:
    return Signer(node, "stranger")


@pytest.fixture
def taken(node: PracticeNode, known: Signer) -> Callable[[Path], Ended]:
    """Return what builds an image of a SIF where one of two keys has to have signed it."""
    other = Signer(node, "other")

    def build(image: Path) -> Ended:
        header = read_sif(image)
        signature = Signature(part=header.system, keys=(other.public, known.public))
        return node.build(BuildKind.SIF, image, signature=signature)

    return build


def test_what_a_key_of_the_sites_has_signed_is_taken_as_it_is(
    node: PracticeNode, known: Signer, taken: Callable[[Path], Ended]
) -> None:
    signed = known.sign(node.probe_image)

    built = taken(signed)

    assert (built.record.exit_code, built.record.reason) == (0, None)
    assert (built.directory / "image.sif").read_bytes() == signed.read_bytes()
    assert read_sif(signed).is_signed


def _changed(image: Path) -> None:
    """Change one byte of the system, behind what our own reader looks at."""
    content = bytearray(image.read_bytes())
    content[len(content) // 2] ^= 1
    image.write_bytes(content)


def test_what_nobody_has_signed_or_a_stranger_or_was_changed_is_refused(
    node: PracticeNode, known: Signer, stranger: Signer, taken: Callable[[Path], Ended]
) -> None:
    changed = known.sign(node.probe_image)
    _changed(changed)

    refused = [
        taken(image) for image in (node.probe_image, stranger.sign(node.probe_image), changed)
    ]

    assert [one.record.reason for one in refused] == ["unsigned"] * 3
    assert not any((one.directory / "image.sif").exists() for one in refused)


def test_a_signature_of_another_part_is_none_of_the_system(
    node: PracticeNode, known: Signer
) -> None:
    """The policy is about what runs: a signed description beside it says nothing."""
    signed = known.sign(node.probe_image)
    system = read_sif(signed).system
    nobody_signed = Signature(part=system + 1, keys=(known.public,))

    refused = node.build(BuildKind.SIF, signed, signature=nobody_signed)

    assert refused.record.reason == "unsigned"
