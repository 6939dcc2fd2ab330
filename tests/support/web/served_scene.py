"""A scene, served: its pages, and cookies of the people on it."""

import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext

from portal.db.engine import open_database
from portal.web.app import create_app
from tests.support import factories, offered_files
from tests.support.databases import new_sqlite
from tests.support.scenes.site import MAIL_LINK, SITE_TERMS, Scene, add_scene
from tests.support.scenes.teams import INVITATION, ROLE_INVITATION
from tests.support.servers import identity_provider, portal
from tests.support.servers.identity_provider import IdentityProvider

ORGANISER = "ingrid"
"""What the provider calls the organiser."""


@dataclass(frozen=True, kw_only=True)
class Site:
    """A served site: its address, what is on it, and cookies of the people on it."""

    url: str
    database_url: str
    scene: Scene
    cookies: Mapping[str, str]


@dataclass(frozen=True, kw_only=True)
class Template:
    """The database of a site in the middle of a challenge, to be copied."""

    file: Path
    scene: Scene


def template(directory: Path) -> Template:
    """Make the database once; to copy it takes no time."""
    database = new_sqlite(directory)
    with database.writing() as session:
        scene = add_scene(session)
    # The last connection moves what is in the write-ahead log into the file, so that it is all of it.
    database.engine.dispose()
    return Template(file=directory / "sealrun.db", scene=scene)


@contextmanager
def site(directory: Path, template: Template, issuer: str = "http://localhost:9") -> Iterator[Site]:
    """Serve a copy of a site in the middle of a challenge until the end of the block."""
    port, scene = portal.free_port(), template.scene
    url = f"http://127.0.0.1:{port}"
    file = shutil.copyfile(template.file, directory / "sealrun.db")
    database = open_database(f"sqlite:///{file}")
    offered_files.keep(directory / "blobs")
    context = portal.new_context(
        directory, database=database, site_url=url, issuer=issuer, terms=SITE_TERMS, sends_mail=True
    )
    with database.writing() as session:
        factories.add_account(session, scene.organiser, ORGANISER, issuer=issuer)
    cookies = {
        "ada": portal.log_in(context, scene.ada.id),
        "staff": portal.log_in(context, scene.staff.id),
        "new": portal.log_in(context, scene.newcomer.id),
    }
    with portal.serving(create_app(context), port):
        yield Site(
            url=url,
            database_url=str(database.engine.url),
            scene=scene,
            cookies=cookies,
        )
    database.engine.dispose()


def pages(scene: Scene) -> Mapping[str, tuple[str | None, str]]:
    """Name every page: who looks at it, and its address."""
    root = "/challenges/digits"
    return {
        "home": (None, "/"),
        "login": (None, "/login"),
        "login-failed": (None, "/login/campus/callback?state=of-another-window"),
        "logged-out": (None, "/logged-out"),
        "error": (None, "/nowhere"),
        "overview": (None, root),
        "evaluation": (None, f"{root}/pages/evaluation"),
        "terms": (None, f"{root}/terms"),
        "leaderboard-visitor": (None, f"{root}/leaderboard"),
        "leaderboard-empty": (None, f"{root}/leaderboard?phase=warm-up"),
        "leaderboard": ("ada", f"{root}/leaderboard"),
        "leaderboard-sorted": (None, f"{root}/leaderboard?sort=brier"),
        "leaderboard-shake-up": (None, "/challenges/old-maps/leaderboard?board=hidden"),
        "leaderboard-mean-rank": (None, "/challenges/old-maps/leaderboard?board=mean"),
        "leaderboard-staff": ("staff", f"{root}/leaderboard"),
        "submit": ("ada", f"{root}/submit"),
        "submit-closed": ("ada", "/challenges/cell-count/submit"),
        "join": ("ada", "/challenges/river-levels/join"),
        "join-overview": ("ada", "/challenges/river-levels"),
        "join-asked": ("staff", "/challenges/river-levels/join"),
        "team": ("ada", f"{root}/team"),
        "team-none": ("staff", f"{root}/team"),
        "team-invitation": ("staff", f"/invitation?code={INVITATION}"),
        "team-invitation-own": ("ada", f"/invitation?code={INVITATION}"),
        "team-invitation-none": ("ada", "/invitation?code=nothing"),
        "admissions": ("staff", f"{root}/admissions"),
        "tries": ("staff", f"{root}/tries"),
        "participants": ("staff", f"{root}/participants"),
        "people": ("staff", f"{root}/participants/people"),
        "people-nobody": ("staff", f"{root}/participants/people?q=nobody&state=banned"),
        "person": ("staff", f"{root}/participants/{scene.ada.id}"),
        "submissions": ("ada", f"{root}/submissions"),
        "submissions-staff": ("staff", f"{root}/submissions"),
        "account": ("ada", "/account"),
        "account-tokens": ("ada", "/account/tokens"),
        "account-mail": ("ada", "/account/mail"),
        "unsubscribe": (None, f"/mail/unsubscribe?token={MAIL_LINK}&topic=announcements"),
        "account-delete": ("ada", "/account/delete"),
        "cancel": ("ada", f"/submissions/{scene.submissions['running'].id}/cancel"),
        "cancel-free": ("ada", f"/submissions/{scene.submissions['queued'].id}/cancel"),
        "marks": ("staff", f"/submissions/{scene.submissions['scored'].id}/marks"),
        "answers": ("ada", f"/submissions/{scene.submissions['scored'].id}/answers"),
        "withdraw": ("ada", f"/submissions/{scene.submissions['scored'].id}/withdraw"),
        "marks-made": ("staff", f"/submissions/{scene.submissions['results'].id}/marks"),
        "withdraw-back": ("ada", f"/submissions/{scene.submissions['results'].id}/withdraw"),
        "welcome": ("new", "/welcome?next=/account"),
        "site-terms": (None, "/terms"),
        "patterns": ("staff", "/-/patterns"),
        "home-staff": ("staff", "/"),
        **{
            f"submission-{name}": ("ada", f"/submissions/{submission.id}")
            for name, submission in scene.submissions.items()
        },
        "submission-staff": ("staff", f"/submissions/{scene.submissions['failed'].id}"),
        "submission-scored-staff": ("staff", f"/submissions/{scene.submissions['scored'].id}"),
        "sealed": ("staff", f"/submissions/{scene.submissions['failed'].id}/sealed"),
        "release-log": (
            "staff",
            f"/submissions/{scene.submissions['failed'].id}/logs/{scene.logged}/release",
        ),
        "roles": ("staff", f"{root}/roles"),
        "questions": ("ada", f"{root}/q-and-a"),
        "questions-visitor": (None, f"{root}/q-and-a"),
        "questions-staff": ("staff", f"{root}/q-and-a"),
        "questions-staff-all": ("staff", f"{root}/q-and-a?state=all"),
        "question": ("ada", f"{root}/q-and-a/{scene.questions['answered']}"),
        "question-hidden": ("ada", f"{root}/q-and-a/{scene.questions['hidden']}"),
        "question-staff": ("staff", f"{root}/q-and-a/{scene.questions['waiting']}"),
        "question-staff-hidden": ("staff", f"{root}/q-and-a/{scene.questions['hidden']}"),
        "ask": ("ada", f"{root}/q-and-a/ask"),
        "mail": ("staff", f"{root}/mail"),
        "log": ("staff", f"{root}/log"),
        "log-nothing": ("staff", f"{root}/log?who=nobody&from=2026-11-01"),
        "role-invitation": ("staff", f"/role-invitation?code={ROLE_INVITATION}"),
        "role-invitation-none": ("ada", "/role-invitation?code=nothing"),
        "dry-run": ("staff", f"{root}/dry-run"),
        "state": ("staff", f"{root}/state"),
        "files": (None, f"{root}/files"),
        "files-staff": ("staff", f"{root}/files"),
        "news": (None, f"{root}/news"),
        "news-staff": ("staff", f"{root}/news"),
        "news-one": (None, f"{root}/news/{scene.announcement}"),
        "news-write": ("staff", f"{root}/news/write"),
        "news-correct": ("staff", f"{root}/news/{scene.announcement}/correct"),
        "revisions": ("staff", f"{root}/revisions"),
        "revision": ("staff", f"{root}/revisions/2"),
        "revision-proposed": ("staff", f"{root}/revisions/3"),
        "revision-to-approve": ("staff", f"{root}/revisions/4"),
        "revision-dropped": ("staff", f"{root}/revisions/5"),
        "new-challenge": ("staff", "/new-challenge"),
        "change": ("staff", f"{root}/change"),
        "change-phases": ("staff", f"{root}/change/phases"),
        "change-text": ("staff", f"{root}/change/text?path=challenge.yaml"),
        "attention": ("staff", f"{root}/attention"),
        "leaks": ("staff", f"{root}/leaks"),
        "resources": ("staff", f"{root}/resources"),
        "staff-resources": ("staff", "/staff/resources"),
        "weights": ("ada", f"{root}/weights"),
        "retention": ("staff", f"{root}/retention"),
        "staff-retention": ("staff", "/staff/retention"),
        "staff": ("staff", "/staff"),
        "staff-people": ("staff", "/staff/people"),
        "staff-people-found": ("staff", "/staff/people?q=ada"),
        "staff-person": ("staff", f"/staff/people/{scene.ada.id}"),
        "staff-site": ("staff", "/staff/site"),
        "staff-audit": ("staff", "/staff/audit"),
        "staff-audit-nothing": ("staff", "/staff/audit?who=nobody&from=2026-11-01"),
    }


@pytest.fixture(scope="session")
def login_provider() -> Iterator[IdentityProvider]:
    with identity_provider.running() as running:
        yield running


@pytest.fixture(scope="session")
def scene_template(tmp_path_factory: pytest.TempPathFactory) -> Template:
    return template(tmp_path_factory.mktemp("template"))


@pytest.fixture(scope="module")
def served(
    tmp_path_factory: pytest.TempPathFactory,
    scene_template: Template,
    login_provider: IdentityProvider,
) -> Iterator[Site]:
    with site(tmp_path_factory.mktemp("site"), scene_template, login_provider.issuer) as running:
        yield running


def log_in(context: BrowserContext, served: Site, who: str | None) -> None:
    """Give a browser the cookie of somebody who is logged in."""
    if who is not None:
        context.add_cookies([{"name": "sealrun", "value": served.cookies[who], "url": served.url}])
