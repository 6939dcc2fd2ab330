"""The heads of the audit log, kept in files that the worker's account alone can write.

The web process writes to the database, so whoever takes it over could cut off the end of the log, or
write all of it anew. ``heads.jsonl`` has a line for every head that the worker has seen and is only
ever appended to: the log must still have all of them. ``state.json`` says for the staff's page what
the worker found when it looked last.

An operator who restores an older database accepts its log: a line says so, and heads before it are
no longer asked for.
"""

import fcntl
import json
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from portal.domain.audit import Head
from portal.files import atomic
from portal.files.seals import PublicKey, Sealer

PAYLOAD_TYPE = "application/vnd.sealrun.audit-head+json"
MAX_LINE_BYTES = 1024


class HeadsError(ValueError):
    """The file of heads is not as the worker wrote it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LogState:
    """What the worker found when it looked at the log last."""

    at: datetime
    head: Head
    """The newest that is recorded."""
    problem: str | None


class AuditHeads:
    """The heads of one site's log, in a directory of their own."""

    def __init__(
        self, root: Path, *, sealer: Sealer | None = None, keys: Sequence[PublicKey] = ()
    ) -> None:
        self._root = root
        self._file = root / "heads.jsonl"
        self._state = root / "state.json"
        self._sealer = sealer
        self._keys = tuple(keys)

    @contextmanager
    def locked(self) -> Iterator[bool]:
        """Hold the heads for writing; give False where another process holds them."""
        self._root.mkdir(mode=0o750, exist_ok=True)
        self._root.chmod(0o750)
        descriptor = os.open(self._file, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
        try:
            os.fchmod(descriptor, 0o600)
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                yield False
            else:
                yield True
        finally:
            os.close(descriptor)

    def recorded(self) -> Iterator[Head]:
        """Yield the heads that the log must have, in its order; nothing where none was recorded.

        Raises ``HeadsError`` for a line that the worker cannot have written.
        """
        heads: list[Head] = []
        wrong, was_signed = "", False
        for line in self._lines():
            is_signed = "sig" in line
            problem = self._problem(line, was_signed=was_signed)
            was_signed = is_signed
            if line.get("accepted") is True and not problem:
                heads, wrong = [_head(line)], ""
                continue
            if not problem and heads and line["number"] <= heads[-1].number:
                problem = "the recorded heads are not in order"
            if problem:
                wrong = wrong or problem
            else:
                heads.append(_head(line))
        if wrong:
            raise HeadsError(wrong)
        yield from heads

    def _problem(self, line: dict[str, Any], *, was_signed: bool) -> str:
        try:
            _head(line)
        except HeadsError as error:
            return str(error)
        if was_signed and "sig" not in line:
            return "a recorded head has lost its signature"
        if "sig" in line and self._keys and not self._holds(line):
            return "a recorded head is signed by no key of the site"
        return ""

    def last(self) -> Head | None:
        """Return the newest head."""
        lines = self._tail().split(b"\n")
        return _head(_parsed(lines[-2])) if len(lines) > 1 else None

    def append(self, head: Head, *, at: datetime, accepted: bool = False) -> None:
        """Record a head, once and for all; only while ``locked``. ``accepted``: those before it are void."""
        line: dict[str, Any] = {
            "at": at.astimezone(UTC).isoformat(),
            "number": head.number,
            "sha256": head.sha256,
        }
        if accepted:
            line["accepted"] = True
        if self._sealer is not None:
            line["key"] = self._sealer.public.id
            line["sig"] = self._sealer.sign(PAYLOAD_TYPE, _signed_bytes(line))
        with self._file.open("r+b") as stream:
            # What a killed process left of a line goes: it ends without a line break.
            size = stream.seek(0, os.SEEK_END)
            torn = self._tail().rpartition(b"\n")[2]
            stream.truncate(size - len(torn))
            stream.seek(0, os.SEEK_END)
            stream.write(json.dumps(line).encode() + b"\n")
            stream.flush()
            os.fsync(stream.fileno())
        _sync_directory(self._root)

    def note_state(self, state: LogState) -> None:
        """Write down for the staff's page what was found."""
        text = {
            "at": state.at.astimezone(UTC).isoformat(),
            "number": state.head.number,
            "sha256": state.head.sha256,
            "problem": state.problem,
        }
        atomic.write(self._state, json.dumps(text).encode(), mode=0o640)

    def state(self) -> LogState | None:
        """Return what was found last; None where no worker has looked yet, or it cannot be read."""
        try:
            found = json.loads(self._state.read_text(encoding="utf-8"))
            return LogState(
                at=datetime.fromisoformat(found["at"]), head=_head(found), problem=found["problem"]
            )
        except (OSError, ValueError, LookupError, TypeError):
            return None

    def _lines(self) -> Iterator[dict[str, Any]]:
        try:
            stream = self._file.open("rb")
        except FileNotFoundError:
            return
        with stream:
            # The last line can be torn; one that is too long comes in pieces that are no heads.
            while line := stream.readline(MAX_LINE_BYTES):
                if line.endswith(b"\n") or len(line) == MAX_LINE_BYTES:
                    yield _parsed(line)

    def _tail(self) -> bytes:
        """Return the end of the file, which has its last whole line in it."""
        try:
            with self._file.open("rb") as stream:
                size = stream.seek(0, os.SEEK_END)
                stream.seek(max(0, size - 3 * MAX_LINE_BYTES))
                return stream.read()
        except FileNotFoundError:
            return b""

    def _holds(self, line: dict[str, Any]) -> bool:
        signature, signed = line.get("sig"), _signed_bytes(line)
        return isinstance(signature, str) and any(
            key.has_signed(PAYLOAD_TYPE, signed, signature) for key in self._keys
        )


def _signed_bytes(line: dict[str, Any]) -> bytes:
    covered = {name: value for name, value in line.items() if name != "sig"}
    return json.dumps(covered, sort_keys=True, separators=(",", ":")).encode()


def _parsed(line: bytes) -> dict[str, Any]:
    try:
        value = json.loads(line)
    except (ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}


def _head(line: dict[str, Any]) -> Head:
    number, sha256 = line.get("number"), line.get("sha256")
    if type(number) is not int or not isinstance(sha256, str):
        raise HeadsError("a line of the recorded heads is not a head")
    return Head(number=number, sha256=sha256)


def _sync_directory(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
