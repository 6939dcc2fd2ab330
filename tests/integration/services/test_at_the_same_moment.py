"""Two processes that write the same thing at the same moment: one row, and no error for either."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import TypeVar

from sqlalchemy import select
from sqlalchemy.orm import Session

from portal.db.engine import Database
from portal.db.tables import Blob, Image
from portal.domain.jobs import ImageKind
from portal.services import images, leases

NOW = datetime(2026, 12, 1, tzinfo=UTC)
SHA256 = "a" * 64
T = TypeVar("T")


def _keep(session: Session) -> str:
    images.keep_blob(session, sha256=SHA256, size=3, now=NOW)
    return SHA256


def _image(session: Session) -> str:
    return images.image_of(session, kind=ImageKind.CODE, source_sha256=SHA256, now=NOW).id


def _lease(session: Session) -> bool:
    lasts = timedelta(seconds=20)
    holder = threading.current_thread().name
    return leases.take_lease(session, name="main", holder=holder, lasts=lasts, now=NOW)


def _at_once(database: Database, write: Callable[[Session], T]) -> list[T]:
    """Write in one transaction while another that wrote the same is still open."""
    written = threading.Event()

    def second() -> T:
        written.wait()
        with database.writing() as session:
            return write(session)

    with ThreadPoolExecutor(1) as pool:
        with database.writing() as session:
            one = write(session)
            other = pool.submit(second)
            written.set()
            # Long enough for the other to get as far as it can.
            threading.Event().wait(0.3)
        return [one, other.result(timeout=20)]


def test_the_same_bytes_are_noted_once(database: Database) -> None:
    assert _at_once(database, _keep) == [SHA256, SHA256]

    with database.reading() as session:
        assert list(session.scalars(select(Blob.sha256))) == [SHA256]


def test_the_same_recipe_is_one_image(database: Database) -> None:
    with database.writing() as session:
        _keep(session)

    one, other = _at_once(database, _image)

    with database.reading() as session:
        assert list(session.scalars(select(Image.id))) == [one]
    assert other == one


def test_one_of_two_new_workers_gets_the_lease(database: Database) -> None:
    assert _at_once(database, _lease) == [True, False]
