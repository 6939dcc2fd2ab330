"""A challenge that was added as organisers do, and the portal on top of it: for what happens to bundles on the web."""

import io
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
import yaml
from sqlalchemy import select
from starlette.applications import Starlette
from starlette.testclient import TestClient

from portal import bootstrap
from portal.db.tables import Challenge, ChallengeRevision, Organiser, Person
from portal.domain.accounts.tokens import Scope
from portal.domain.permissions import Role
from portal.web.app import create_app
from portal.web.context import WebContext
from tests.support import factories
from tests.support.factories import DAY
from tests.support.servers.portal import NO_LIMIT, log_in, make_token
from tests.support.web.site import SAME_ORIGIN
from tests.support.web_role import as_web
from tests.support.worker.world import World

ROOT = "/challenges/digits"
SETTINGS = "challenge.yaml"


@dataclass(kw_only=True)
class Organised:
    """The portal with the challenge ``digits``, and who works for it."""

    world: World
    bundle: Path
    """What was added."""
    context: WebContext
    """As the tests use it: with all rights on the database."""
    served: WebContext
    """As the application has it: with those of the web process."""
    app: Starlette
    people: Mapping[str, Person]
    """By ``owner``, ``organiser``, ``reviewer``, ``member`` and ``staff``."""

    def browser(self, who: str) -> TestClient:
        """Return a browser in which somebody is logged in."""
        client = self._client(SAME_ORIGIN)
        client.cookies["sealrun"] = log_in(self.context, self.people[who].id)
        return client

    def visitor(self) -> TestClient:
        """Return a browser in which nobody is logged in."""
        return self._client({})

    def program(self, who: str, *scopes: Scope) -> TestClient:
        """Return a program with a token of somebody's."""
        token = make_token(self.context, self.people[who].id, *scopes, lasts=DAY)
        return self._client({"authorization": f"Bearer {token}"})

    def _client(self, headers: Mapping[str, str]) -> TestClient:
        return TestClient(
            self.app,
            base_url=self.context.site_url,
            headers=headers,
            follow_redirects=False,
            raise_server_exceptions=False,
        )

    def settings(self, **values: Any) -> str:
        """Return challenge.yaml as it was added, with some values of its top changed."""
        described = yaml.safe_load((self.bundle / SETTINGS).read_text())
        return yaml.safe_dump(described | values)

    def described(self) -> dict[str, Any]:
        """Return what challenge.yaml says."""
        return yaml.safe_load((self.bundle / SETTINGS).read_text())

    def zipped(self, files: Mapping[str, bytes | str | None] | None = None, top: str = "") -> bytes:
        """Return the bundle as a zip, with some files changed, added, or with None left out."""
        content: dict[str, bytes | str | None] = {
            str(path.relative_to(self.bundle)): path.read_bytes()
            for path in sorted(self.bundle.rglob("*"))
            if path.is_file()
        }
        packed = io.BytesIO()
        with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, data in (content | dict(files or {})).items():
                if data is not None:
                    archive.writestr(top + name, data)
        return packed.getvalue()

    def revisions(self) -> list[ChallengeRevision]:
        """Return all revisions in their order."""
        with self.context.database.reading() as session:
            found = select(ChallengeRevision).order_by(ChallengeRevision.number)
            return list(session.scalars(found))

    def challenge(self) -> Challenge:
        """Return the challenge as it is."""
        with self.context.database.reading() as session:
            return session.scalars(select(Challenge).where(Challenge.slug == "digits")).one()


@pytest.fixture
def organised(world: World, tmp_path: Path) -> Iterator[Organised]:
    """Give the portal of the world's site, in which people work for its challenge."""
    with world.database.writing() as session:
        challenge = session.scalars(select(Challenge)).one()
        people = {
            who: factories.add_person(session, name, is_staff=who == "staff")
            for who, name in {
                "owner": "Oda Organiser",
                "organiser": "Cleo Co-organiser",
                "reviewer": "Rea Reviewer",
                "member": "Ada Member",
                "staff": "Site Staff",
            }.items()
        }
        for who in ("owner", "organiser", "reviewer"):
            session.add(
                Organiser(challenge_id=challenge.id, person_id=people[who].id, role=Role(who))
            )
    context = replace(bootstrap.web_context(world.site), rates=NO_LIMIT)
    served = replace(context, database=as_web(context.database))
    yield Organised(
        world=world,
        bundle=tmp_path / "challenge",
        context=context,
        served=served,
        app=create_app(served),
        people=people,
    )
    served.database.engine.dispose()
