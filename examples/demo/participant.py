"""A participant as the portal sees one: a browser's requests over HTTP, nothing else."""

import re
from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path

import httpx2

TIMEOUT = httpx2.Timeout(60)


class DemoError(Exception):
    """The portal did not answer as it should."""


@dataclass(slots=True)
class Seen:
    """What the page of a submission says."""

    state: str
    """The evaluation's state."""
    reason: str
    """The code of the failure; empty without one."""
    title: str
    """What the team is told."""
    scores: dict[str, str] = field(default_factory=dict)


class Participant:
    """Somebody with an account at the demo's provider."""

    def __init__(self, portal: str, account: str) -> None:
        self.account = account
        self._browser = httpx2.Client(base_url=portal, follow_redirects=True, timeout=TIMEOUT)
        self._portal = portal

    def log_in(self) -> None:
        """Go through the provider's page as a browser would."""
        page = self._browser.get("/login/demo")
        answer = self._browser.post(str(page.url), data={"sub": self.account})
        if answer.status_code != httpx2.codes.OK or not str(answer.url).startswith(self._portal):
            raise DemoError(f"{self.account} could not log in: {answer.status_code} {answer.url}")

    def submit(self, challenge: str, phase: str, kind: str, file: Path) -> str:
        """Hand a file in with the form; return the address of the submission."""
        with file.open("rb") as stream:
            answer = self._browser.post(
                f"/challenges/{challenge}/submit",
                data={"phase": phase, "kind": kind, "note": file.name},
                files={"file": (file.name, stream)},
                headers={"Origin": self._portal},
            )
        address = answer.url.path
        if answer.status_code != httpx2.codes.OK or not re.match(r"^/submissions/", address):
            raise DemoError(f"{file.name} was not taken: {answer.status_code} {address}")
        return address

    def look(self, submission: str) -> Seen:
        """Read the page of a submission."""
        answer = self._browser.get(submission)
        answer.raise_for_status()
        return read_submission(answer.text)

    def leaderboard(self, challenge: str) -> list[list[str]]:
        """Return the rows of the leaderboard, its heading first."""
        answer = self._browser.get(f"/challenges/{challenge}/leaderboard")
        answer.raise_for_status()
        return read_table(answer.text)


class _Reader(HTMLParser):
    """Collects the cells of tables and the elements that carry data for programs."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.tables: list[list[list[str]]] = []
        self.marked: list[dict[str, str]] = []
        self._in_cell = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = {key: value or "" for key, value in attrs}
        if any(key.startswith("data-") for key in values):
            self.marked.append(values)
        if tag == "table":
            self.tables.append([])
        elif tag == "tr" and self.tables:
            self.tables[-1].append([])
        elif tag in {"td", "th"} and self.tables and self.tables[-1]:
            self.tables[-1][-1].append("")
            self._in_cell = True

    def handle_endtag(self, tag: str) -> None:
        if tag in {"td", "th"}:
            self._in_cell = False

    def handle_data(self, data: str) -> None:
        if self._in_cell:
            cells = self.tables[-1][-1]
            cells[-1] = " ".join(f"{cells[-1]} {data}".split())


def _read(page: str) -> _Reader:
    reader = _Reader()
    reader.feed(page)
    return reader


def read_table(page: str) -> list[list[str]]:
    """Return the first table of a page as text."""
    return _read(page).tables[0]
