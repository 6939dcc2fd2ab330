"""A participant as the portal sees one: a browser's requests over HTTP, nothing else."""

import re
from dataclasses import dataclass
from html.parser import HTMLParser
from pathlib import Path

import httpx2

TIMEOUT = httpx2.Timeout(60)


class DemoError(Exception):
    """The portal did not answer as it should."""


@dataclass(frozen=True, slots=True)
class Seen:
    """What the page of a submission says."""

    state: str
    """In the page's own word."""
    is_settled: bool
    told: str
    """The title of the notice to the team; empty without one."""
    scores: dict[str, float]
    """By the titles of the columns, rounded as shown."""


class Participant:
    """Somebody with an account at the demo's provider."""

    def __init__(self, portal: str, account: str) -> None:
        self.account = account
        self._browser = httpx2.Client(base_url=portal, follow_redirects=True, timeout=TIMEOUT)
        self._portal = portal

    def close(self) -> None:
        """Close the browser's connections."""
        self._browser.close()

    def log_in(self) -> None:
        """Go through the provider's page as a browser would."""
        page = self._browser.get("/login/demo")
        answer = self._browser.post(str(page.url), data={"sub": self.account})
        if answer.status_code != httpx2.codes.OK or not str(answer.url).startswith(self._portal):
            raise DemoError(f"{self.account} could not log in: {answer.status_code} {answer.url}")

    def submit(
        self, challenge: str, phase: str, kind: str, file: Path, *, smoke: bool = False
    ) -> str:
        """Submit a file with the form, or try it on the sample; return the address of the submission."""
        with file.open("rb") as stream:
            answer = self._browser.post(
                f"/challenges/{challenge}/submit",
                data={
                    "phase": phase,
                    "kind": kind,
                    "note": file.name,
                    "smoke": "yes" if smoke else "",
                },
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

    def statement(self, submission: str) -> bytes:
        """Fetch what the team may show of the signed record of a result."""
        answer = self._browser.get(f"{submission}/statement")
        answer.raise_for_status()
        return answer.content

    def leaderboard(self, challenge: str) -> list[list[str]]:
        """Return the rows of the leaderboard, its heading first."""
        answer = self._browser.get(f"/challenges/{challenge}/leaderboard")
        answer.raise_for_status()
        return read_table(answer.text)


class _Reader(HTMLParser):
    """Collects tables, definition lists, headings and the marks for programs."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.tables: list[list[list[str]]] = []
        self.texts: dict[str, list[str]] = {"dt": [], "dd": [], "h3": []}
        self.marks: dict[str, str] = {}
        self._target: list[str] | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.marks |= {key: value or "" for key, value in attrs if key.startswith("data-s")}
        if tag == "table":
            self.tables.append([])
        elif tag == "tr" and self.tables:
            self.tables[-1].append([])
        elif tag in {"td", "th"} and self.tables:
            self._begin(self.tables[-1][-1])
        elif tag in self.texts:
            self._begin(self.texts[tag])

    def handle_endtag(self, tag: str) -> None:
        if tag in {"td", "th", *self.texts}:
            self._target = None

    def handle_data(self, data: str) -> None:
        if self._target is not None:
            self._target[-1] = " ".join(f"{self._target[-1]} {data}".split())

    def _begin(self, target: list[str]) -> None:
        target.append("")
        self._target = target


def _read(page: str) -> _Reader:
    reader = _Reader()
    reader.feed(page)
    return reader


def read_submission(page: str) -> Seen:
    """Read the page of a submission."""
    reader = _read(
        page.partition('<div class="progress"')[1] + page.partition('<div class="progress"')[2]
    )
    scores = {}
    for title, value in zip(reader.texts["dt"], reader.texts["dd"], strict=False):
        if re.fullmatch(r"-?[0-9.]+", value):
            scores[title] = float(value)
    return Seen(
        state=reader.marks.get("data-summary", "unknown"),
        is_settled=reader.marks.get("data-settled") == "true",
        told=next(iter(reader.texts["h3"]), ""),
        scores=scores,
    )


def read_table(page: str) -> list[list[str]]:
    """Return the first table of a page as text; none where there is no table yet."""
    return next(iter(_read(page).tables), [])
