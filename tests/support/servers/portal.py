"""The portal served on this machine from a thread, for tests that need a real address."""

import asyncio
import socket
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from random import SystemRandom
from types import MappingProxyType
from typing import Literal

import uvicorn
from starlette.types import ASGIApp

from portal.db.engine import Database
from portal.domain.accounts.gates import Gate
from portal.domain.accounts.people import Actor
from portal.domain.accounts.sessions import SessionLimits
from portal.domain.accounts.tokens import Scope
from portal.domain.evaluations.shares import Share
from portal.files.store import Store
from portal.services.accounts import sessions, tokens
from portal.services.accounts.sessions import SignedIn
from portal.web.context import NO_TERMS, Provider, Rates, SiteTerms, WebContext
from portal.web.middleware.cookies import digest, new_secret
from tests.support import factories
from tests.support.databases import new_sqlite

PORTS = range(10_000, 32_000)

NO_LIMIT = Rates(
    login="10000/minute",
    token="10000/minute",
    token_made="10000/minute",
    invitation="10000/minute",
    invitation_tried="10000/minute",
    upload="10000/minute",
)
"""For tests that ask more often than people do."""


def new_context(
    directory: Path,
    *,
    database: Database | None = None,
    site_url: str = "http://127.0.0.1:8000",
    issuer: str = "http://localhost:9",
    upload_limit: int = 64 * factories.MIB,
    weights_limit: int = 64 * factories.MIB,
    shares: Mapping[str, Share] = MappingProxyType({}),
    now: datetime = factories.NOW,
    providers: tuple[Provider, ...] | None = None,
    gates: tuple[Gate, ...] = (),
    terms: SiteTerms = NO_TERMS,
    rates: Rates = NO_LIMIT,
    session_limits: SessionLimits = SessionLimits(),  # noqa: B008 - it is frozen
    sends_mail: bool = False,
) -> WebContext:
    """Return a site whose clock stands still."""
    return WebContext(
        database=database or new_sqlite(directory),
        store=Store(directory / "blobs"),
        resources=replace(
            factories.resources(upload_limit), weights_limit=weights_limit, shares=shares
        ),
        site_name="Nordholm Computing Centre",
        site_url=site_url,
        support="hpc-support@nordholm.example",
        providers=providers or (_campus(issuer),),
        clock=lambda: now,
        gates=gates,
        terms=terms,
        rates=rates,
        session_limits=session_limits,
        sends_mail=sends_mail,
    )


def _campus(issuer: str) -> Provider:
    return Provider(
        id="campus",
        title="Nordholm University account",
        issuer=issuer,
        client_id="sealrun",
        client_secret="not a secret",
        staff={"eduperson_entitlement": ("urn:example:sealrun-staff",)},
    )


def log_in(context: WebContext, person_id: str) -> str:
    """Write a session for a person and return the secret for its cookie."""
    secret = new_secret()
    with context.database.writing() as session:
        sessions.start(
            session,
            secret_sha256=digest(secret),
            replaces=None,
            signed_in=SignedIn(person_id=person_id),
            data={},
            agent="tests",
            origin="127.0.0.1",
            limits=context.session_limits,
            now=context.clock(),
        )
    return secret


def make_token(context: WebContext, person_id: str, *scopes: Scope, lasts: timedelta) -> str:
    """Make a token for a person and return it."""
    with context.database.writing() as session:
        return tokens.make(
            session,
            actor=Actor(person_id=person_id),
            name="for tests",
            scopes=scopes,
            lasts=lasts,
            now=context.clock(),
        )


def free_port() -> int:
    """Return a port that nobody listens on.

    None of those that connections are given: such a one could be taken by the time that a server wants it,
    even by the connection that waits for the server.
    """
    for port in SystemRandom().sample(PORTS, len(PORTS)):
        with socket.socket() as probe, suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port
    raise AssertionError("no port is free")


@contextmanager
def serving(
    app: ASGIApp, port: int, *, http: type[asyncio.Protocol] | Literal["auto"] = "auto"
) -> Iterator[None]:
    """Serve an application until the end of the block."""
    server = uvicorn.Server(
        uvicorn.Config(
            app, host="127.0.0.1", port=port, log_level="error", lifespan="off", http=http
        )
    )
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    try:
        yield
    finally:
        server.should_exit = True
        thread.join(60)
