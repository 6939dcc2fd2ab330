"""Two transactions at the same moment."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from sqlalchemy.orm import Session

from portal.db.engine import Database

T = TypeVar("T")


def at_once(database: Database, write: Callable[[Session], T]) -> list[T]:
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
        return [one, other.result(timeout=120)]
