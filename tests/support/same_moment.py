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
    return one_while_the_other(database, write, write)


def one_while_the_other(
    database: Database, first: Callable[[Session], T], second: Callable[[Session], T]
) -> list[T]:
    """Do one thing in a transaction, and begin another before that is committed."""
    done = threading.Event()

    def act() -> T:
        done.wait()
        with database.writing() as session:
            return second(session)

    with ThreadPoolExecutor(1) as pool:
        with database.writing() as session:
            one = first(session)
            session.flush()
            other = pool.submit(act)
            done.set()
            # Long enough for the other to get as far as it can.
            threading.Event().wait(0.3)
        return [one, other.result(timeout=120)]
