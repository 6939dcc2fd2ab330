"""The web portal as it is installed, in a process of its own, on a database of the benchmark's."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import structlog
import yaml
from starlette.testclient import TestClient

from portal import bootstrap
from portal.db import schema
from portal.domain.accounts.sessions import SessionLimits
from portal.domain.ids import new_id
from portal.services.accounts import sessions
from portal.services.accounts.sessions import SignedIn
from portal.web.app import create_app
from portal.web.middleware.cookies import LoginCookie, digest, new_secret
from tests.support.databases import PostgresServer
from tests.support.statements import counted


def write_settings(
    directory: Path, *, database: str, port: int = 8000, profiles: Sequence[str] = ("build",)
) -> Path:
    """Write a site without a cluster to speak of: pages do not need one."""
    profile = {"cluster": "main", "partition": "build", "cpus": 1, "memory": "1G", "time": "5m"}
    settings = {
        "site": {
            "name": "Benchmark",
            "url": f"http://127.0.0.1:{port}",
            "support": "help@example.org",
        },
        "database": {"url": database},
        "clusters": {"main": {"connect": "local", "storage": str(directory / "storage")}},
        "profiles": {name: dict(profile) for name in profiles},
    }
    file = directory / "site.yaml"
    file.write_text(yaml.safe_dump(settings, sort_keys=False))
    return file


@contextmanager
def database_url(directory: Path, *, postgres: bool) -> Iterator[str]:
    """Give a database without rows, for as long as the block lasts."""
    if not postgres:
        yield f"sqlite:///{directory / 'sealrun.db'}"
        return
    with PostgresServer.started() as server:
        yield server.empty_database()


def open_with_tables(settings: Path) -> bootstrap.Installation:
    """Open the site and make its tables as ``sealrun db upgrade`` does."""
    site = bootstrap.open_site(settings)
    schema.upgrade(site.database)
    return site


def cookie_of(site: bootstrap.Installation, person_id: str) -> str:
    """Log a person in; return the cookie that says so."""
    secret = new_secret()
    with site.database.writing() as session:
        sessions.start(
            session,
            secret_sha256=digest(secret),
            replaces=None,
            signed_in=SignedIn(person_id=person_id),
            data={},
            agent=f"bench {new_id(datetime.now(UTC))}",
            origin="127.0.0.1",
            limits=SessionLimits(),
            now=datetime.now(UTC),
        )
    return f"{LoginCookie(is_secure=False).name}={secret}"


def count_queries(site: bootstrap.Installation, path: str, cookie: str) -> int:
    """Count what one request asks the database, in this process."""
    app = create_app(bootstrap.web_context(site))
    with (
        counted(site.database) as statements,
        structlog.testing.capture_logs(),
        TestClient(app) as client,
    ):
        client.get(path, headers={"Cookie": cookie} if cookie else {}).raise_for_status()
    return sum(not statement.startswith("BEGIN") for statement in statements)
