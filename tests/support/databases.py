"""Debian's PostgreSQL, started for the tests on a socket of its own and nowhere else."""

import os
import secrets
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import create_engine, text

from portal.db import schema
from portal.db.engine import open_database

TEMPLATE = "sealrun_template"


@dataclass(frozen=True)
class PostgresServer:
    """A running server; every test gets a database of its own, copied from a template."""

    directory: Path

    @staticmethod
    def is_installed() -> bool:
        """Whether Debian's server programs are here."""
        return _programs() is not None

    @classmethod
    @contextmanager
    def started(cls) -> Iterator["PostgresServer"]:
        """Run a server until the end of the block; its files go with it."""
        programs = _programs()
        assert programs is not None
        # Not below pytest's own folder: that is closed to the account that the server runs as.
        directory = Path(tempfile.mkdtemp(prefix="sealrun-pg-", dir="/var/tmp"))
        try:
            if os.geteuid() == 0:
                shutil.chown(directory, "postgres", "postgres")
            _run([programs / "initdb", "-D", directory / "data", "-U", "sealrun", "-A", "trust"])
            settings = f"-c listen_addresses='' -c unix_socket_directories={directory} -c fsync=off"
            control = [programs / "pg_ctl", "-D", directory / "data", "-w"]
            _run([*control, "-l", directory / "log", "-o", settings, "start"])
            try:
                server = cls(directory)
                server._make_template()
                yield server
            finally:
                _run([*control, "-m", "immediate", "stop"])
        finally:
            shutil.rmtree(directory, ignore_errors=True)

    def url(self, name: str) -> str:
        """Return the address of a database."""
        return f"postgresql+psycopg://sealrun@/{name}?host={self.directory}"

    def new_database(self) -> str:
        """Make a database with all tables and return its address."""
        name = f"t_{secrets.token_hex(6)}"
        self._execute(f"CREATE DATABASE {name} TEMPLATE {TEMPLATE}")
        return self.url(name)

    def empty_database(self) -> str:
        """Make a database without tables and return its address."""
        name = f"t_{secrets.token_hex(6)}"
        self._execute(f"CREATE DATABASE {name}")
        return self.url(name)

    def _make_template(self) -> None:
        self._execute(f"CREATE DATABASE {TEMPLATE}")
        database = open_database(self.url(TEMPLATE))
        schema.upgrade(database)
        database.engine.dispose()

    def _execute(self, statement: str) -> None:
        engine = create_engine(self.url("postgres"), isolation_level="AUTOCOMMIT")
        with engine.connect() as connection:
            connection.execute(text(statement))
        engine.dispose()


def _programs() -> Path | None:
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    return found[-1].parent if found else None


def _run(argv: list[str | Path]) -> None:
    """Run as the account ``postgres`` where we are root: the server refuses to run as root."""
    prefix: list[str | Path] = []
    if os.geteuid() == 0:
        prefix = ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"]
    subprocess.run(
        [*prefix, *argv], check=True, cwd="/", stdout=subprocess.DEVNULL, stdin=subprocess.DEVNULL
    )
