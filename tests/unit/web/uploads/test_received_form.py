"""An upload that does not end leaves nothing behind, and memory stays small."""

import asyncio
import hashlib
import threading
import tracemalloc
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from portal.files.store import Incoming, StorageFullError, Store, TooLargeError
from portal.web.uploads.multipart import MalformedFormError
from portal.web.uploads.received_form import WRITE_AT_ONCE, ReceivedForm, plain_filename, receive

TYPE = "multipart/form-data; boundary=x"
HEAD = b'--x\r\nContent-Disposition: form-data; name="file"; filename="a.zip"\r\n\r\n'
END = b"\r\n--x--\r\n"
MIB = 1024 * 1024


class Gone(Exception):  # noqa: N818 - what happened
    """The sender went away."""


async def _pieces(*pieces: bytes | Exception) -> AsyncIterator[bytes]:
    for piece in pieces:
        if isinstance(piece, Exception):
            raise piece
        yield piece


def _receive(store: Store, *pieces: bytes | Exception, limit: int = MIB) -> ReceivedForm:
    return asyncio.run(receive(_pieces(*pieces), TYPE, store=store, limit=limit))


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path)


def _incoming(store: Store) -> list[Path]:
    return list(store.incoming_directory.iterdir())


def test_a_whole_file_waits_until_it_is_kept(store: Store) -> None:
    form = _receive(store, HEAD, b"abc", END)

    assert form.has_file
    assert len(_incoming(store)) == 1
    stored = asyncio.run(form.keep())
    with store.open(stored.sha256) as stream:
        assert stream.read() == b"abc"
    assert _incoming(store) == []


def test_a_file_that_is_dropped_is_gone(store: Store) -> None:
    form = _receive(store, HEAD, b"abc", END)

    asyncio.run(form.drop())

    assert _incoming(store) == []


@pytest.mark.parametrize(
    ("ending", "error"),
    [
        pytest.param([b"abc", Gone()], Gone, id="sender-gone"),
        pytest.param([b"abc"], MalformedFormError, id="broken-off"),
        pytest.param([b"x" * (MIB + 1), END], TooLargeError, id="too-large"),
        pytest.param([b"abc" + END[:-4] + HEAD[3:] + END], MalformedFormError, id="nonsense"),
    ],
)
def test_an_upload_that_fails_leaves_nothing(
    store: Store, ending: list[bytes | Exception], error: type[Exception]
) -> None:
    with pytest.raises(error):
        _receive(store, HEAD, *ending)

    assert _incoming(store) == []


def test_a_cancelled_upload_leaves_nothing(store: Store) -> None:
    async def endless() -> AsyncIterator[bytes]:
        yield HEAD
        while True:
            yield b"x" * 1000
            await asyncio.sleep(0.001)

    async def cancel() -> None:
        task = asyncio.create_task(receive(endless(), TYPE, store=store, limit=64 * MIB))
        await asyncio.sleep(0.05)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(cancel())

    assert _incoming(store) == []


def test_what_comes_is_received_while_what_came_is_written(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    has_come = threading.Event()
    write = Incoming.write

    def write_when_more_has_come(self: Incoming, *pieces: bytes | memoryview) -> None:
        assert has_come.wait(120)
        write(self, *pieces)

    async def body() -> AsyncIterator[bytes]:
        yield HEAD + b"a" * WRITE_AT_ONCE
        yield b"b"
        has_come.set()
        yield END

    monkeypatch.setattr(Incoming, "write", write_when_more_has_come)
    form = asyncio.run(receive(body(), TYPE, store=store, limit=64 * MIB))

    assert form.sha256 == hashlib.sha256(b"a" * WRITE_AT_ONCE + b"b").hexdigest()
    asyncio.run(form.drop())


@pytest.mark.parametrize("ending", [[END], [b"abc", b"def", Gone()]], ids=["whole", "gone"])
def test_a_disk_that_is_full_while_more_comes_leaves_nothing(
    store: Store, monkeypatch: pytest.MonkeyPatch, ending: list[bytes | Exception]
) -> None:
    def fail(self: Incoming, *_: bytes | memoryview) -> None:
        self.abort()
        raise StorageFullError("no room")

    monkeypatch.setattr(Incoming, "write", fail)
    with pytest.raises((StorageFullError, Gone)):
        _receive(store, HEAD + b"x" * WRITE_AT_ONCE, *ending, limit=64 * MIB)

    assert _incoming(store) == []


def test_a_sender_who_leaves_while_a_piece_is_written_leaves_nothing(
    store: Store, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    is_writing, has_left = threading.Event(), threading.Event()
    write, abort = Incoming.write, Incoming.abort

    def write_late(self: Incoming, *pieces: bytes | memoryview) -> None:
        is_writing.set()
        assert has_left.wait(120)
        write(self, *pieces)

    def abort_first(self: Incoming) -> None:
        abort(self)
        has_left.set()

    async def body() -> AsyncIterator[bytes]:
        yield HEAD + b"x" * WRITE_AT_ONCE
        await asyncio.to_thread(is_writing.wait, 20)
        raise Gone

    monkeypatch.setattr(Incoming, "write", write_late)
    monkeypatch.setattr(Incoming, "abort", abort_first)
    with pytest.raises(Gone):
        asyncio.run(receive(body(), TYPE, store=store, limit=64 * MIB))

    assert _incoming(store) == []
    assert caplog.messages == []


def test_memory_does_not_grow_with_the_file(store: Store) -> None:
    async def large() -> AsyncIterator[bytes]:
        yield HEAD
        for _ in range(64 * 16):
            yield b"x" * 65_536
        yield END

    tracemalloc.start()
    form = asyncio.run(receive(large(), TYPE, store=store, limit=100 * MIB))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    size = form.size
    asyncio.run(form.drop())

    assert size == 64 * MIB
    # What is written and what is gathered, and as much again for what else this process does meanwhile.
    assert peak < 16 * MIB


@pytest.mark.parametrize(
    ("raw", "plain"),
    [
        ("a.zip", "a.zip"),
        ("../../etc/passwd", "passwd"),
        ("C:\\Users\\ada\\a b.zip", "a b.zip"),
        ("a\x00\r\n\u202eb.zip", "ab.zip"),
        ("ünïcode 数字.tar.gz", "ünïcode 数字.tar.gz"),
        ("n" * 300, "n" * 255),
        ("/", ""),
    ],
)
def test_a_file_name_is_only_a_name(raw: str, plain: str) -> None:
    assert plain_filename(raw) == plain
