"""Own style sheet, scripts and pictures, under addresses that change with their content."""

import hashlib
from dataclasses import dataclass
from importlib.resources import files

from starlette.requests import Request
from starlette.responses import Response

from portal.domain.errors import NotFoundError

FOR_EVER = "public, max-age=31536000, immutable"
DIGITS = 12

SHEET = "sealrun.css"
"""The one style sheet of all pages."""
SHEETS = (
    "names", "page", "text", "head_and_foot", "buttons", "states", "challenges", "tables",
    "leaderboards", "forms", "submissions", "accounts", "site", "narrow", "media",
)  # fmt: skip
"""What it is put together from, in this order: of two rules that say as much, the later one counts."""

TYPES = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}


@dataclass(frozen=True, slots=True)
class StaticFile:
    """A file that is part of the portal."""

    content: bytes
    media_type: str


class StaticFiles:
    """All static files, read once at the start: they are few and small. The style sheets become one."""

    def __init__(self) -> None:
        self._by_address: dict[str, StaticFile] = {}
        self._addresses: dict[str, str] = {}
        folder = files("portal") / "static"
        sheets = (folder / "css" / f"{name}.css" for name in SHEETS)
        self._add(SHEET, b"\n".join(sheet.read_bytes() for sheet in sheets))
        for entry in folder.iterdir():
            if entry.is_file():
                self._add(entry.name, entry.read_bytes())

    def url(self, name: str) -> str:
        """Return the address of a file; raise ``KeyError`` for a name that does not exist."""
        return f"/static/{self._addresses[name]}"

    def sheet(self) -> str:
        """Return the text of the style sheet."""
        return self._by_address[self._addresses[SHEET]].content.decode("utf-8")

    def respond(self, request: Request) -> Response:
        """Answer with a file that may be kept for ever: when it changes, so does its address."""
        found = self._by_address.get(request.path_params["name"])
        if found is None:
            raise NotFoundError
        return Response(
            found.content, media_type=found.media_type, headers={"cache-control": FOR_EVER}
        )

    def _add(self, name: str, content: bytes) -> None:
        stem, _, ending = name.rpartition(".")
        digest = hashlib.sha256(content).hexdigest()[:DIGITS]
        address = f"{stem}.{digest}.{ending}"
        self._addresses[name] = address
        self._by_address[address] = StaticFile(content, TYPES[f".{ending}"])
