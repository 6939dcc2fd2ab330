"""A challenge as pages that need no portal: plain HTML and one style sheet, relative links, no script."""

import csv
import io
import re
from collections.abc import Iterator, Mapping
from html import unescape
from typing import NamedTuple
from urllib.parse import urlsplit

from markupsafe import Markup, escape

from portal.domain.leaderboards import scores
from portal.domain.printable import spreadsheet_text
from portal.services.challenges.archives.facts import ArchivedBoard, ArchiveFacts
from portal.web.rendering import citations
from portal.web.rendering.filters import machine_moment
from portal.web.rendering.markdown import PicturePlace, html_of, without_title
from portal.web.rendering.renderer import Renderer
from portal.web.rendering.static_files import StaticFiles

SHEET = "style.css"
PICTURES = "pictures"
"""The folder that has the pictures of the pages, below it as in the bundle."""
CRATE = "crate/ro-crate-metadata.json"
_HREF = re.compile(r' href="([^"]*)"')


def files_of(
    facts: ArchiveFacts, *, site_name: str, site_url: str, has_crate: bool = True
) -> Iterator[tuple[str, str]]:
    """Yield every file of the archive of a challenge: its name and its text."""
    static = StaticFiles()
    renderer = Renderer(static, {"name": site_name})
    yield from _Archive(facts, renderer, site_name, site_url, has_crate=has_crate).files()
    yield SHEET, static.sheet()


class _Text(NamedTuple):
    """A text of the organisers, and the file that it becomes."""

    file: str
    title: str
    text: str
    folder: str


class _Archive:
    """The pages of a challenge, and where each is."""

    def __init__(
        self,
        facts: ArchiveFacts,
        renderer: Renderer,
        site_name: str,
        site_url: str,
        *,
        has_crate: bool,
    ) -> None:
        self._facts, self._renderer = facts, renderer
        self._site_name, self._site_url = site_name, site_url
        self._has_crate = has_crate
        first, *others = facts.pages or (None,)
        # Numbers: what a page is called is the organisers' and need be no name of a file.
        names = [f"page-{number}.html" for number, _ in enumerate(others, start=2)]
        self._texts = [
            _Text(
                "index.html",
                first.title if first else "Overview",
                first.text if first else "",
                first.folder if first else "",
            ),
            *(
                _Text(name, page.title, page.text, page.folder)
                for name, page in zip(names, others, strict=True)
                if page is not None
            ),
            *(
                [_Text("terms.html", "Terms", facts.terms, facts.terms_folder)]
                if facts.terms.strip()
                else []
            ),
        ]
        self._links = self._addresses(names)

    def _addresses(self, names: list[str]) -> Mapping[str, str]:
        """Return the files of what texts may link to, by their addresses in the portal."""
        root = f"/challenges/{self._facts.frame.slug}"
        found = {root: "index.html", f"{root}/CITATION.cff": "CITATION.cff"}
        found |= {f"{root}/citation.bib": "citation.bib"}
        for page, name in zip(self._facts.pages, ["index.html", *names], strict=False):
            found[f"{root}/pages/{page.slug}"] = name
        if self._facts.terms.strip():
            found[f"{root}/terms"] = "terms.html"
        if self._facts.news:
            found[f"{root}/news"] = "news.html"
            found |= {f"{root}/news/{one.id}": f"news.html#{one.id}" for one in self._facts.news}
        for board in self._facts.boards:
            found[f"{root}/leaderboard?phase={board.facts.slug}"] = _file(board, "html")
            if board.facts.slug == self._facts.main_board:
                found[f"{root}/leaderboard"] = _file(board, "html")
        return found

    def files(self) -> Iterator[tuple[str, str]]:
        """Yield all but the style sheet."""
        for one in self._texts:
            prose = self._prose(one.text, one.title, folder=one.folder)
            is_first = one.file == "index.html"
            yield self._page("page.html", one.file, one.title, prose=prose, is_first=is_first)
        for board in self._facts.boards:
            title = f"Leaderboard of {board.facts.title}"
            table = _file(board, "csv")
            yield self._page("board.html", _file(board, "html"), title, board=board, table=table)
            yield table, _csv(board)
        if self._facts.news:
            items = [(one, self._prose(one.text, one.title, top=3)) for one in self._facts.news]
            yield self._page("news.html", "news.html", "News", items=items)
        if self._facts.dry_run is not None:
            yield self._page("dry_run.html", "dry-run.html", "Dry run", run=self._facts.dry_run)
        yield from self._citations()

    def _citations(self) -> Iterator[tuple[str, str]]:
        work = self._facts.citation
        address = f"{self._site_url}/challenges/{work.slug}"
        for name, write in (("CITATION.cff", citations.cff), ("citation.bib", citations.bibtex)):
            yield name, write(work, publisher=self._site_name, address=address)

    def _page(self, template: str, name: str, title: str, **values: object) -> tuple[str, str]:
        values |= {
            "frame": self._facts.frame,
            "title": title,
            "here": name,
            "menu": self._menu(),
            "taken_at": self._facts.taken_at,
            "crate": CRATE if self._has_crate else "",
        }
        return name, self._renderer.html(f"archive/{template}", values)

    def _menu(self) -> list[tuple[str, str]]:
        menu = [(one.file, one.title) for one in self._texts]
        if self._facts.news:
            menu.append(("news.html", "News"))
        for board in self._facts.boards:
            alone = len(self._facts.boards) == 1
            title = "Leaderboard" if alone else f"Leaderboard: {board.facts.title}"
            menu.append((_file(board, "html"), title))
        if self._facts.dry_run is not None:
            menu.append(("dry-run.html", "Dry run"))
        return menu

    def _prose(self, text: str, title: str, *, top: int = 2, folder: str | None = None) -> Markup:
        place = None if folder is None else PicturePlace(address=PICTURES, folder=folder)
        html = html_of(without_title(text, (title,)), top, place)
        # html_of has cleaned it; of its links only addresses are replaced.
        return Markup(_HREF.sub(self._link, html))  # noqa: S704

    def _link(self, found: re.Match[str]) -> str:
        """Return where a link leads without the portal: to a file, elsewhere, or nowhere."""
        address = urlsplit(unescape(found[1]))
        host = urlsplit(self._site_url).netloc
        if (address.scheme and address.netloc != host) or (not address.path and address.fragment):
            return found[0]
        path = address.path.rstrip("/")
        file = self._links.get(f"{path}?{address.query}") or self._links.get(path)
        if file is None:
            return ""
        fragment = f"#{address.fragment}" if address.fragment and "#" not in file else ""
        return f' href="{escape(file + fragment)}"'


def _file(board: ArchivedBoard, ending: str) -> str:
    return f"board-{board.facts.slug}.{ending}"


def _csv(board: ArchivedBoard) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["rank", "team", *(column.key for column in board.columns), "submitted_at"])
    for row in board.rows:
        writer.writerow(
            [
                row.rank or "",
                spreadsheet_text(row.team),
                *(
                    scores.written(row.scores[column.key], column.precision)
                    if column.key in row.scores
                    else ""
                    for column in board.columns
                ),
                machine_moment(row.achieved_at),
            ]
        )
    return text.getvalue()
