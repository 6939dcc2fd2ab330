"""A picture and two files of a challenge, with their bytes in a store: one file is for participants only."""

import hashlib
import struct
import zlib
from pathlib import Path

from sqlalchemy.orm import Session

from portal.db.tables import Blob, Download, Picture
from portal.domain.ids import new_id
from portal.domain.permissions import Readers
from portal.files.store import Store
from tests.support.factories import NOW, Digits

KIT, HINTS = b"what to begin with", b"what only participants read"
PICTURE, INNER_PICTURE = "images/digits.png", "images/inside.png"


def png(shade: int, *, side: int = 32) -> bytes:
    """Return a square in one shade of grey."""
    rows = b"".join(b"\0" + bytes([shade]) * side for _ in range(side))
    head = struct.pack(">IIBBBBB", side, side, 8, 0, 0, 0, 0)
    parts = ((b"IHDR", head), (b"IDAT", zlib.compress(rows)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
        for name, data in parts
    )


def keep(folder: Path) -> None:
    """Put all of them into a store."""
    store = Store(folder)
    for content in (KIT, HINTS, png(90), png(180)):
        with store.incoming() as incoming:
            incoming.write(content)
            incoming.commit()


def offer(session: Session, digits: Digits) -> None:
    """Let the challenge show and offer them."""
    everybody, inside = Readers.EVERYBODY, Readers.PARTICIPANTS
    for path, content, readers in (
        (PICTURE, png(90), everybody),
        (INNER_PICTURE, png(180), inside),
    ):
        session.add(
            Picture(
                id=new_id(NOW),
                challenge_id=digits.challenge.id,
                path=path,
                blob_sha256=_blob(session, content),
                readers=readers,
            )
        )
    for position, (name, title, content, readers) in enumerate(
        (
            ("kit.zip", "Starting kit", KIT, everybody),
            ("hints.txt", "Hints", HINTS, inside),
        )
    ):
        session.add(
            Download(
                id=new_id(NOW),
                challenge_id=digits.challenge.id,
                name=name,
                title=title,
                position=position,
                readers=readers,
                blob_sha256=_blob(session, content),
                size=len(content),
            )
        )


def _blob(session: Session, content: bytes) -> str:
    digest = hashlib.sha256(content).hexdigest()
    session.merge(Blob(sha256=digest, size=len(content), created_at=NOW))
    session.flush()
    return digest
