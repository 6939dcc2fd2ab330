"""Pictures of every page, light and dark, narrow and wide: ``python -m tests.browser.screenshots``.

They are for looking at, not for comparing. ``--readme`` makes the one picture of the README.
"""

import argparse
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from playwright.sync_api import Browser

from portal.db.engine import open_database
from portal.web.app import create_app
from tests import factories
from tests.browser.chromium import chromium
from tests.scene_of_teams import INVITATION
from tests.scenes import SITE_TERMS, Scene, add_scene
from tests.served import free_port, log_in, new_context, new_database, serving

WIDTHS = (360, 1280)
SCHEMES = ("light", "dark")
ORGANISER = "ingrid"
"""What the identity provider calls the owner of the challenge."""
README = Path(__file__).parents[2] / "docs/images/leaderboard.png"


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
    database = new_database(directory)
    with database.writing() as session:
        scene = add_scene(session)
    # The last connection moves what is in the write-ahead log into the file, so that it is all of it.
    database.engine.dispose()
    return Template(file=directory / "sealrun.db", scene=scene)


@contextmanager
def site(directory: Path, template: Template, issuer: str = "http://localhost:9") -> Iterator[Site]:
    """Serve a copy of a site in the middle of a challenge until the end of the block."""
    port, scene = free_port(), template.scene
    url = f"http://127.0.0.1:{port}"
    file = shutil.copyfile(template.file, directory / "sealrun.db")
    database = open_database(f"sqlite:///{file}")
    context = new_context(
        directory, database=database, site_url=url, issuer=issuer, terms=SITE_TERMS
    )
    with database.writing() as session:
        factories.add_account(session, scene.organiser, ORGANISER, issuer=issuer)
    cookies = {
        "ada": log_in(context, scene.ada.id),
        "staff": log_in(context, scene.staff.id),
        "new": log_in(context, scene.newcomer.id),
    }
    with serving(create_app(context), port):
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
        "participants": ("staff", f"{root}/participants"),
        "submissions": ("ada", f"{root}/submissions"),
        "submissions-staff": ("staff", f"{root}/submissions"),
        "account": ("ada", "/account"),
        "account-tokens": ("ada", "/account/tokens"),
        "account-delete": ("ada", "/account/delete"),
        "cancel": ("ada", f"/submissions/{scene.submissions['running'].id}/cancel"),
        "cancel-free": ("ada", f"/submissions/{scene.submissions['queued'].id}/cancel"),
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


def take(browser: Browser, served: Site, folder: Path, wanted: str) -> None:
    """Take all pictures whose name holds ``wanted``."""
    folder.mkdir(parents=True, exist_ok=True)
    for scheme in SCHEMES:
        for width in WIDTHS:
            for name, (who, path) in pages(served.scene).items():
                if wanted in name:
                    file = folder / f"{name}-{scheme}-{width}.png"
                    _picture(browser, served, who, path, file, scheme, width)


def _picture(
    browser: Browser,
    served: Site,
    who: str | None,
    path: str,
    file: Path,
    scheme: str,
    width: int,
    height: int | None = None,
) -> None:
    context = browser.new_context(
        viewport={"width": width, "height": height or 800},
        color_scheme="dark" if scheme == "dark" else "light",
        reduced_motion="reduce",
    )
    if who is not None:
        cookie = {"name": "sealrun", "value": served.cookies[who], "url": served.url}
        context.add_cookies([cookie])  # type: ignore[list-item]
    page = context.new_page()
    page.goto(served.url + path)
    page.screenshot(path=file, full_page=height is None)
    context.close()


def main() -> None:
    """Take the pictures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", type=Path, default=Path(tempfile.gettempdir()) / "sealrun")
    parser.add_argument("--only", default="", help="part of the names of the pages to take")
    parser.add_argument("--readme", action="store_true", help=f"write {README.name} only")
    options = parser.parse_args()
    with (
        tempfile.TemporaryDirectory() as directory,
        tempfile.TemporaryDirectory() as drafts,
        site(Path(directory), template(Path(drafts))) as served,
        chromium() as browser,
    ):
        if options.readme:
            path = "/challenges/digits/leaderboard"
            README.parent.mkdir(parents=True, exist_ok=True)
            _picture(browser, served, "ada", path, README, "light", 1280, height=1200)
        else:
            take(browser, served, options.folder, options.only)


if __name__ == "__main__":
    main()
