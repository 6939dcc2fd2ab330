"""Takes a form with one file: the file goes to the store while it arrives, in constant memory.

A thread writes what was gathered while more is received, and nothing is copied on the way.
"""

import asyncio
import unicodedata
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from starlette.concurrency import run_in_threadpool

from portal.files.store import Incoming, Store, Stored
from portal.web.uploads.multipart import (
    FormReader,
    MalformedFormError,
    PartBegins,
    PartData,
    PartEnds,
)

MAX_FIELD_BYTES = 8 * 1024
MAX_FILENAME_BYTES = 255
WRITE_AT_ONCE = 2 * 1024 * 1024
"""How much is gathered before a thread writes it: a thread for every few KiB would cost more.

Of one upload, at most twice as much and a piece is in memory.
"""
MAX_WRITERS = 8
"""Uploads of which a process writes at the same time; the others wait, and what they receive with them."""

# Threads of their own: on a slow disk neither pages nor look-ups of names wait behind uploads.
_writers = ThreadPoolExecutor(MAX_WRITERS, thread_name_prefix="uploads")


@dataclass(slots=True, kw_only=True)
class ReceivedForm:
    """The fields of a form, and its file as long as nobody has decided what becomes of it."""

    fields: dict[str, str] = field(default_factory=dict)
    filename: str = ""
    incoming: Incoming | None = None

    @property
    def has_file(self) -> bool:
        """Whether a file came, with something in it."""
        return self.incoming is not None and self.incoming.size > 0

    @property
    def size(self) -> int:
        """Bytes of the file; 0 without one."""
        return 0 if self.incoming is None else self.incoming.size

    @property
    def sha256(self) -> str:
        """Digest of the file; empty without one."""
        return "" if self.incoming is None else self.incoming.sha256

    async def keep(self) -> Stored:
        """Put the file under its final name in the store."""
        if self.incoming is None:
            raise MalformedFormError("The form has no file.")
        return await run_in_threadpool(self.incoming.commit)

    def written(self) -> Path:
        """Return where the file can be read before anybody has decided what becomes of it."""
        if self.incoming is None:
            raise MalformedFormError("The form has no file.")
        return self.incoming.written()

    async def drop(self) -> None:
        """Leave nothing of the file behind; without effect once it is kept."""
        if self.incoming is not None:
            await run_in_threadpool(self.incoming.abort)


async def receive(
    body: AsyncIterator[bytes],
    content_type: str,
    *,
    store: Store,
    limit: int,
    form: ReceivedForm | None = None,
) -> ReceivedForm:
    """Read a form to its end; into ``form``, where its caller wants what came of it in any case.

    Raises ``MalformedFormError`` or the store's ``TooLargeError``; then, and whenever the sender goes away, nothing
    of the file is kept. Otherwise the caller has to ``keep`` or ``drop`` it.
    """
    receiver = _Receiver(FormReader(content_type), store, limit, form or ReceivedForm())
    try:
        async for chunk in body:
            await receiver.take(chunk)
        await receiver.finish()
    except BaseException:
        # Also when the task is cancelled because the sender has gone: aborting is quick, and a
        # cancelled task may not wait for a thread.
        with suppress(OSError):
            receiver.abort()
        raise
    return receiver.form


class _Receiver:
    def __init__(self, reader: FormReader, store: Store, limit: int, form: ReceivedForm) -> None:
        self.form = form
        self._reader = reader
        self._store = store
        self._limit = limit
        self._part: PartBegins | None = None
        self._is_file = False
        self._gathered: list[bytes | memoryview] = []
        self._size = 0
        self._writing: asyncio.Future[None] | None = None

    async def take(self, chunk: bytes) -> None:
        for event in self._reader.feed(chunk):
            match event:
                case PartBegins():
                    await self._begin(event)
                case PartData():
                    await self._gather(event.data)
                case PartEnds():
                    await self._end()

    async def finish(self) -> None:
        self._reader.close()
        await self._written()

    def abort(self) -> None:
        if self.form.incoming is not None:
            self.form.incoming.abort()

    async def _begin(self, part: PartBegins) -> None:
        self._part = part
        self._is_file = part.filename is not None
        if self._is_file:
            # A browser sends the part with an empty name if no file was chosen.
            if self.form.incoming is not None:
                raise MalformedFormError("The form has more than one file.")
            self.form.filename = plain_filename(part.filename or "")
            self.form.incoming = await run_in_threadpool(self._store.incoming, self._limit)
        elif part.name in self.form.fields:
            raise MalformedFormError("The form names a field twice.")

    async def _gather(self, data: bytes | memoryview) -> None:
        self._gathered.append(data)
        self._size += len(data)
        if not self._is_file and self._size > MAX_FIELD_BYTES:
            raise MalformedFormError("A field of the form is too long.")
        if self._is_file and self._size >= WRITE_AT_ONCE:
            await self._write()

    async def _end(self) -> None:
        if self._is_file:
            await self._write()
        elif self._part is not None:
            content = b"".join(self._gathered)
            self.form.fields[self._part.name] = content.decode("utf-8", "replace")
        self._gathered, self._size = [], 0
        self._part = None

    async def _write(self) -> None:
        """Begin to write what was gathered, once what was gathered before is written."""
        await self._written()
        gathered, self._gathered, self._size = self._gathered, [], 0
        if gathered and self.form.incoming is not None:
            # Begins at once; a task of the thread pool's would begin when this one waits.
            loop = asyncio.get_running_loop()
            self._writing = loop.run_in_executor(_writers, self.form.incoming.write, *gathered)
            self._writing.add_done_callback(_noted)

    async def _written(self) -> None:
        """Wait for what is being written; raise what went wrong with it."""
        if self._writing is not None:
            await self._writing
            self._writing = None


def _noted(writing: asyncio.Future[None]) -> None:
    """Look at how writing ended: after an abort nobody else does, and asyncio would report that."""
    if not writing.cancelled():
        writing.exception()


def plain_filename(raw: str) -> str:
    """Return the last part of a file's name without anything that could redraw the page."""
    last = raw.replace("\\", "/").rpartition("/")[2]
    kept = (c for c in last if unicodedata.category(c)[0] != "C" and c not in "\u2028\u2029")
    return "".join(kept).strip()[:MAX_FILENAME_BYTES]
