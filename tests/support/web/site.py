"""A site in the middle of a challenge, and browsers of the people on it."""

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path

import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from portal.db.engine import Database
from portal.db.tables import Person
from portal.domain.accounts.tokens import Scope
from portal.web.app import create_app
from portal.web.context import WebContext
from tests.support import factories
from tests.support.factories import DAY, Digits
from tests.support.servers.portal import log_in, make_token, new_context
from tests.support.statements import counted
from tests.support.web_role import as_web

SAME_ORIGIN = {"sec-fetch-site": "same-origin"}


@dataclass(kw_only=True)
class Site:
    """The application and who is on it. ``ada`` has submitted, ``eve`` is on another team."""

    context: WebContext
    """As the tests use it: with all rights on the database."""
    served: WebContext
    """As the application has it: with those of the web process."""
    app: Starlette
    digits: Digits
    ada: Person
    eve: Person
    newcomer: Person
    organiser: Person
    staff: Person
    submission_id: str

    def change(self, **values: object) -> None:
        """Change what the application has of the site while it runs."""
        for context in (self.context, self.served):
            for name, value in values.items():
                object.__setattr__(context, name, value)

    def browser(self, person: Person | None = None) -> TestClient:
        """Return a browser, logged in if a person is given."""
        client = TestClient(
            self.app,
            base_url=self.context.site_url,
            headers=SAME_ORIGIN,
            follow_redirects=False,
            raise_server_exceptions=False,
        )
        if person is not None:
            client.cookies["sealrun"] = log_in(self.context, person.id)
        return client

    def token(self, person: Person, *scopes: Scope, lasts: timedelta = DAY) -> str:
        """Make a token of a person's."""
        return make_token(self.context, person.id, *scopes, lasts=lasts)

    def program(self, token: str | None = None) -> TestClient:
        """Return a program, with a token if one is given."""
        return TestClient(
            self.app,
            base_url=self.context.site_url,
            headers={"authorization": f"Bearer {token}"} if token else {},
            follow_redirects=False,
            raise_server_exceptions=False,
        )

    @contextlib.contextmanager
    def counted_queries(self) -> Iterator[list[str]]:
        """Collect the statements that the database is sent."""
        with counted(self.served.database) as statements:
            yield statements


SiteMaker = Callable[..., Site]


@pytest.fixture
def new_site(tmp_path: Path) -> Iterator[SiteMaker]:
    """Return a function that makes the site with other settings."""
    made: list[Database] = []

    def make(**settings: object) -> Site:
        context = new_context(tmp_path, **settings)  # type: ignore[arg-type]
        with context.database.writing() as session:
            digits = factories.add_challenge(session)
            ada, eve, newcomer, organiser = (
                factories.add_person(session, name)
                for name in ("Ada Vlasák", "Eve Other", "Nina New", "Oda Organiser")
            )
            staff = factories.add_person(session, "Site Staff", is_staff=True)
            factories.add_organiser(session, digits, organiser)
            team = factories.add_team(session, digits, "Team Ada", ada)
            factories.add_team(session, digits, "Team Eve", eve)
            submission = factories.add_submission(
                session, digits, team, ada, accuracy=0.912, note="a note of Ada's",
                filename="ada.zip",
            )  # fmt: skip
            factories.add_standing(session, digits, team, submission, 0.912)
        served = replace(context, database=as_web(context.database))
        site = Site(
            context=context,
            served=served,
            app=create_app(served),
            digits=digits,
            ada=ada,
            eve=eve,
            newcomer=newcomer,
            organiser=organiser,
            staff=staff,
            submission_id=submission.id,
        )
        made.extend([context.database, served.database])
        return site

    yield make
    for database in made:
        database.engine.dispose()


@pytest.fixture
def site(new_site: SiteMaker) -> Site:
    return new_site()
