"""Answers that are a file of the store: whole, in ranges, or that nothing has changed (RFC 9110)."""

import os
from pathlib import Path

from starlette.requests import Request
from starlette.responses import FileResponse, Response
from starlette.types import Receive, Scope, Send

from portal.domain.errors import OperatorError
from portal.files.store import Store, StoreError
from portal.services.challenges import files
from portal.web.request_context import PageRequest

BINARY = "application/octet-stream"
REVALIDATED = "private, no-cache"
"""Kept by the browser, and asked about each time: what somebody may no longer read is gone at once."""


class StoredFile(FileResponse):
    """A file that is opened by the store and held as long as it is sent: what its name leads to later does not matter."""

    def __init__(
        self, store: Store, sha256: str, *, media_type: str, name: str | None = None
    ) -> None:
        """Answer with a file; with a ``name``, as one to be saved."""
        super().__init__(
            Path(),
            headers={"etag": f'"{sha256}"', "cache-control": REVALIDATED},
            media_type=media_type,
            filename=name,
        )
        self._store = store
        self._sha256 = sha256

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send it. Raises ``OperatorError`` where the store does not have it."""
        try:
            with self._store.open(self._sha256) as stream:
                self.path = f"/proc/self/fd/{stream.fileno()}"
                self.stat_result = os.fstat(stream.fileno())
                self.set_stat_headers(self.stat_result)
                await super().__call__(scope, receive, send)
        except (FileNotFoundError, StoreError) as problem:
            raise OperatorError(f"a file of a challenge cannot be read: {problem}") from problem


def stored_file(
    request: Request, store: Store, sha256: str, *, media_type: str, name: str | None = None
) -> Response:
    """Return a file, or that what the caller has of it is still the same."""
    if is_known(request.headers.get("if-none-match", ""), f'"{sha256}"'):
        return Response(
            status_code=304, headers={"etag": f'"{sha256}"', "cache-control": REVALIDATED}
        )
    return StoredFile(store, sha256, media_type=media_type, name=name)


def is_known(asked: str, tag: str) -> bool:
    """Whether a caller names what they have by its tag; proxies that compress make it a weak one (RFC 9110, 13.1.2)."""
    return any(one.strip().removeprefix("W/") in {tag, "*"} for one in asked.split(","))


def download(request: PageRequest, slug: str, name: str) -> Response:
    """Return a file that a challenge offers, to be saved, and count that somebody has begun to download it.

    Raises ``NotFoundError`` for whoever may not.
    """
    found = request.read(files.download, actor=request.actor, slug=slug, name=name)
    answer = stored_file(
        request.http, request.context.store, found.sha256, media_type=BINARY, name=found.name
    )
    if found.is_counted and _begins(request.http) and isinstance(answer, StoredFile):
        request.write(files.count, actor=request.actor, slug=slug, name=name)
    return answer


def _begins(request: Request) -> bool:
    """Whether a request is for the beginning of a file: what goes on where another one broke off is the same download."""
    asked = request.headers.get("range", "bytes=0-").replace(" ", "").lower()
    return request.method == "GET" and asked.startswith("bytes=0-")
