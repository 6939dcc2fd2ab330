"""Good and bad uploads that fuzzing begins with, made by the generators of the unit tests."""

import gzip
import io
import tarfile
import zipfile

import zstandard

from tests.support.uploads.images import USUAL, both, docker, entry, layer, oci
from tests.support.uploads.sifs import OVERLAPPING, descriptor, superblock
from tests.support.uploads.sifs import sif as sif_of


def packed(members: dict[str, bytes]) -> bytes:
    """Return a plain tar of these files."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.PAX_FORMAT) as tar:
        for name, content in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
    return buffer.getvalue()


def zipped(members: dict[str, bytes]) -> bytes:
    """Return a zip of these files."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return buffer.getvalue()


def docker_image(content: bytes) -> bytes:
    """Return an image whose only layer has this content, plain or packed."""
    return packed(docker(content))


_CODE = {"predict.py": b"print(1)\n", "names/\u00e4" * 20: b"long", "a/b": bytes(1000)}
_LAYERS = [
    USUAL,
    gzip.compress(USUAL, mtime=0),
    zstandard.ZstdCompressor().compress(USUAL),
    layer(entry("a/.wh...")),
    layer(entry("dev/null", tarfile.CHRTYPE), entry("../x")),
]

SEEDS: dict[str, list[bytes]] = {
    "sif": [sif_of(descriptor()), OVERLAPPING, sif_of(descriptor(), system=superblock(magic=0))],
    "archive": [packed(_CODE), gzip.compress(packed(_CODE), mtime=0), zipped(_CODE)],
    "code": [packed(_CODE), zipped(_CODE), b"", b"FROM x\n"],
    "image": [
        packed(docker(USUAL)),
        packed(oci(USUAL)),
        packed(oci(USUAL, packed=gzip.compress)),
        packed(both(docker(USUAL), docker(USUAL, architecture="arm64"))),
    ],
    "layer": _LAYERS,
    "requirements": [
        b'numpy>=1.26,<3 # x\nscikit-learn[a,b]==1.5; python_version < "3.11" and os_name == "posix"\n',
        b"# coding: utf-7\n+AAo--r FILE\n",
        b"numpy; " + b"(" * 3000 + b"os_name == 'a'" + b")" * 3000,
        b"a; os_name == 'x\" -r FILE \"'\na===1\\\n",
    ],
    "scores": [b'{"accuracy": 0.5}', b'{"accuracy": NaN}', b"[" * 5000, b'{"accuracy": 1e999}'],
}
"""Target to uploads."""
