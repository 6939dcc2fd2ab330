"""Fixtures that every suite may use: databases of both makes, and the practice site."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import settings

from portal.db.engine import Database, open_database
from tests.support.databases import PostgresServer, new_sqlite, share_compiled_statements
from tests.support.providers.fixtures import (
    glewlwyd,
    hostile,
    jupyterhub,
    oidc_provider,
    oidc_provider_process,
)
from tests.support.required import required

__all__ = ["glewlwyd", "hostile", "jupyterhub", "oidc_provider", "oidc_provider_process"]

# Practice sites take their networks from the three blocks that are reserved for examples.
THIS_MACHINE = (
    "127.0.0.1",
    "::1",
    "localhost",
    "192.0.2.0/24",
    "198.51.100.0/24",
    "203.0.113.0/24",
)
PROVIDERS = {"glewlwyd", "jupyterhub", "oidc_provider", "oidc_provider_process"}
"""The fixtures that start what ``tests.support.providers.prepare`` and Debian install."""
PRACTICE_SITE = Path("/var/lib/sealrun/practice/practice/site.yaml")


# No database of examples: the account that runs the tests need not be able to write here. No
# deadlines: how fast an example is says nothing on a busy machine.
settings.register_profile("sealrun", database=None, deadline=None)
settings.load_profile("sealrun")


def pytest_configure(config: pytest.Config) -> None:
    """Let tests talk to this machine only, to itself and to the practice sites on it; compile statements once."""
    config.option.allow_hosts = config.option.allow_hosts or ",".join(THIS_MACHINE)
    config.option.allow_unix_socket = True
    share_compiled_statements()


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what needs an identity provider or PostgreSQL, before pytest chooses by markers."""
    for item in items:
        names = set(getattr(item, "fixturenames", ()))
        if names & PROVIDERS:
            item.add_marker("providers")
        if "postgres_server" in names:
            item.add_marker("postgres")


@pytest.fixture(scope="session")
def practice_site() -> dict[str, Any]:
    """Return the settings of the practice site that is running."""
    path = Path(os.environ.get("SEALRUN_PRACTICE_SITE", PRACTICE_SITE))
    required(f"the practice site ({path}; 'make practice-up' starts it)", path.exists())
    settings: dict[str, Any] = yaml.safe_load(path.read_text())
    return settings


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[PostgresServer]:
    """Start Debian's PostgreSQL on a private socket."""
    required("Debian's PostgreSQL server", PostgresServer.is_installed())
    with PostgresServer.started() as server:
        yield server


@pytest.fixture
def sqlite_database(tmp_path: Path) -> Iterator[Database]:
    """Return an empty SQLite database with all tables."""
    database = new_sqlite(tmp_path)
    yield database
    database.engine.dispose()


@pytest.fixture(
    params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)],
)
def database(request: pytest.FixtureRequest) -> Iterator[Database]:
    """Return an empty database with all tables, of each make in turn."""
    if request.param == "sqlite":
        yield request.getfixturevalue("sqlite_database")
        return
    server: PostgresServer = request.getfixturevalue("postgres_server")
    with server.lent() as address:
        database = open_database(address)
        yield database
        database.engine.dispose()
