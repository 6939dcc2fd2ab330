"""The world at one moment, kept aside: what a worker leaves that is killed then."""

import shutil
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Table, insert, select

from portal.db.engine import Database
from portal.db.tables import Base
from scheduler.memory import MemoryJob
from tests.support.worker.world import World

TABLES = Base.metadata.sorted_tables

Rows = Mapping[Table, Sequence[Mapping[str, Any]]]


@dataclass(frozen=True, kw_only=True)
class Moment:
    """What is in the database and on the storage, what the cluster has, and what time it is."""

    place: str
    """What the worker was about to do."""
    rows: Rows
    files: Path
    """The copy of the folder that the world is in; it is used up by going back."""
    jobs: list[MemoryJob]
    ran: list[tuple[str, str]]
    now: datetime


@dataclass
class Album:
    """Keeps the world as it is before each effect of a worker, who does not notice."""

    world: World
    folder: Path
    """Of the world."""
    effects: tuple[str, ...]
    """What the names of the places begin with."""
    until: Callable[[World], bool] = lambda _: False
    """Is asked at each place whether what comes from there on is of no interest any more."""
    moments: list[Moment] = field(default_factory=list)
    is_full: bool = False

    def __call__(self, place: str) -> None:
        """Be told of a place that the worker has come to."""
        if self.is_full or not place.startswith(self.effects):
            return
        self.moments.append(self._moment(place))
        self.is_full = self.until(self.world)

    def firsts(self) -> list[Moment]:
        """Return those at which the worker came to a place for the first time."""
        return list({moment.place: moment for moment in reversed(self.moments)}.values())[::-1]

    def others(self) -> list[Moment]:
        """Return those at which the worker had been at that place before, for something else."""
        firsts = {id(moment) for moment in self.firsts()}
        return [moment for moment in self.moments if id(moment) not in firsts]

    def go_back(self, moment: Moment) -> None:
        """Make the world what it was at that moment; this can be done once."""
        world = self.world
        shutil.rmtree(self.folder)
        moment.files.rename(self.folder)
        _put_back(world.database, moment.rows)
        world.scheduler.jobs[:] = moment.jobs
        world.node.ran[:] = moment.ran
        world.clock.now = moment.now

    def _moment(self, place: str) -> Moment:
        world = self.world
        aside = Path(tempfile.mkdtemp(prefix="moment-", dir=self.folder.parent), "world")
        return Moment(
            place=place,
            rows=_rows_of(world.database),
            files=Path(shutil.copytree(self.folder, aside, symlinks=True)),
            jobs=[replace(job) for job in world.scheduler.jobs],
            ran=list(world.node.ran),
            now=world.clock(),
        )


def _rows_of(database: Database) -> Rows:
    """Return what has been committed."""
    with database.engine.connect() as connection:
        found = {
            table: sorted(connection.execute(select(table)).mappings(), key=_depth(table))
            for table in TABLES
        }
    return {table: rows for table, rows in found.items() if rows}


def _depth(table: Table) -> Callable[[Mapping[str, Any]], int]:
    """Return what puts rows that others of the same table are made from before these."""
    names = [key.parent.name for key in table.foreign_keys if key.column.table is table]
    return lambda row: sum(row[name] is not None for name in names)


def _put_back(database: Database, rows: Rows) -> None:
    with database.engine.begin() as connection:
        for table in reversed(TABLES):
            connection.execute(table.delete())
        for table, those in rows.items():
            connection.execute(insert(table), [dict(row) for row in those])
