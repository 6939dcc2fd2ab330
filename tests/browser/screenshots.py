"""Pictures of every page, light and dark, narrow and wide: ``python -m tests.browser.screenshots``.

They are for looking at, not for comparing. ``--readme`` makes the one picture of the README.
"""

import argparse
import tempfile
from pathlib import Path

from playwright.sync_api import Browser

from tests.support.web.chromium import chromium
from tests.support.web.served_scene import Site, pages, site, template

WIDTHS = (360, 1280)
SCHEMES = ("light", "dark")
README = Path(__file__).parents[2] / "docs/images/leaderboard.png"


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
