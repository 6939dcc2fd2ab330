"""Keep the process in which pyslurm runs, ask it one thing at a time, and start it anew when it fails."""

import contextlib
import json
import os
import selectors
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from datetime import timedelta
from itertools import count
from typing import Any

from scheduler.errors import (
    AnswerTooLongError,
    TransportDownError,
    TransportTimeoutError,
    UnexpectedAnswerError,
    UnreachableError,
)
from scheduler.transport import DEFAULT_PATH, MAX_OUTPUT_BYTES

STDERR = 2
_CHUNK = 65536
MAX_SAID_BYTES = 65536
"""How much of what the library prints during one question is kept for its answer."""
COMMAND = (sys.executable, "-P", "-m", "scheduler.pyslurm.process")


class PyslurmChild:
    """A child that speaks JSON lines. Whatever goes wrong in a conversation ends the child.

    May be used from several threads, which then take turns. ``environment`` is added to PATH, and is
    all that the child gets: ``SLURM_CONF``, where slurm.conf is not in its usual place.
    """

    def __init__(
        self,
        *,
        command: Sequence[str] = COMMAND,
        environment: Mapping[str, str] | None = None,
        max_answer: int = MAX_OUTPUT_BYTES,
    ) -> None:
        self._command = list(command)
        self._environment = {"PATH": DEFAULT_PATH, **(environment or {})}
        self._max_answer = max_answer
        self._turn = threading.Lock()
        self._numbers = count(1)
        self._process: subprocess.Popen[bytes] | None = None

    def ask(self, action: str, *, timeout: timedelta, **details: object) -> Any:  # noqa: ANN401 - JSON
        """Return the child's answer to ``action``: a document with ``result`` or ``error``, and ``said``.

        ``said`` is what the library printed meanwhile; it has gone to our standard error as well.
        A child that is not there is started first. Raises ``UnreachableError`` where pyslurm cannot be
        used, and nothing was asked then; ``TransportTimeoutError``, ``TransportDownError``, ``AnswerTooLongError``
        and ``UnexpectedAnswerError`` after which the request may have been carried out. It is never made
        a second time.
        """
        deadline = time.monotonic() + timeout.total_seconds()
        if not self._turn.acquire(timeout=timeout.total_seconds()):
            raise TransportTimeoutError("the process of pyslurm was busy for too long")
        try:
            conversation = self._conversation(deadline)
            number = next(self._numbers)
            return conversation.exchange({"number": number, "action": action, **details})
        except BaseException:
            self._end()
            raise
        finally:
            self._turn.release()

    def close(self) -> None:
        """End the child. The next ``ask`` starts another."""
        with self._turn:
            self._end()

    def _conversation(self, deadline: float) -> "_Conversation":
        if self._process is not None and self._process.poll() is None:
            return _Conversation(self._process, deadline, self._max_answer)
        self._end()
        self._process = self._start()
        conversation = _Conversation(self._process, deadline, self._max_answer)
        hello = conversation.read()
        if "unusable" in hello:
            raise UnreachableError(f"pyslurm cannot be used: {hello['unusable']}")
        if "version" not in hello:
            raise UnexpectedAnswerError(f"the process of pyslurm began with {hello!r:.200}")
        return conversation

    def _start(self) -> subprocess.Popen[bytes]:
        try:
            return subprocess.Popen(
                self._command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                env=self._environment,
                cwd="/",
                start_new_session=True,
            )
        except OSError as failure:
            raise TransportDownError(
                f"cannot start {self._command[0]}: {failure.strerror}"
            ) from failure

    def _end(self) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        if process.poll() is None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        for pipe in (process.stdin, process.stdout, process.stderr):
            if pipe is not None:
                with contextlib.suppress(BrokenPipeError):
                    pipe.close()


class _Conversation:
    """One request and its answer, by a deadline of ``time.monotonic``."""

    def __init__(self, process: subprocess.Popen[bytes], deadline: float, max_answer: int) -> None:
        assert process.stdin is not None  # noqa: S101 - for the type checker: all are pipes
        assert process.stdout is not None  # noqa: S101
        assert process.stderr is not None  # noqa: S101
        self._process = process
        self._stdin, self._stdout = process.stdin.fileno(), process.stdout.fileno()
        self._stderr: int | None = process.stderr.fileno()
        self._said = bytearray()
        self._deadline = deadline
        self._max_answer = max_answer

    def exchange(self, request: Mapping[str, object]) -> dict[str, Any]:
        """Send ``request`` and return its answer."""
        self._listen()
        self._said.clear()
        self._write(json.dumps(request).encode() + b"\n")
        answer = self.read()
        if answer.get("number") != request["number"] or not {"result", "error"} & set(answer):
            raise UnexpectedAnswerError(f"not an answer of the process of pyslurm: {answer!r:.200}")
        # Printed before the answer was, so it is in the pipe by now.
        self._listen()
        return {**answer, "said": self._said.decode(errors="replace")}

    def read(self) -> dict[str, Any]:
        """Return the next line, which is an object and the last thing in the pipe."""
        line = bytearray()
        while not line.endswith(b"\n"):
            self._wait(self._stdout, selectors.EVENT_READ)
            if not (chunk := os.read(self._stdout, _CHUNK)):
                raise TransportDownError(f"the process of pyslurm ended: {self._last_words()}")
            line += chunk
            if len(line) > self._max_answer:
                raise AnswerTooLongError(f"more than {self._max_answer} bytes from pyslurm")
        try:
            answer = json.loads(line)
        except ValueError:
            answer = None
        if not isinstance(answer, dict):
            raise UnexpectedAnswerError(f"the process of pyslurm said {bytes(line[:200])!r}")
        return answer

    def _write(self, data: bytes) -> None:
        os.set_blocking(self._stdin, False)
        pending = memoryview(data)
        while pending:
            self._wait(self._stdin, selectors.EVENT_WRITE)
            try:
                pending = pending[os.write(self._stdin, pending[:_CHUNK]) :]
            except BlockingIOError:
                continue
            except BrokenPipeError as gone:
                raise TransportDownError(
                    f"the process of pyslurm ended: {self._last_words()}"
                ) from gone

    def _wait(self, descriptor: int, event: int) -> None:
        """Return when ``descriptor`` is ready, and hear meanwhile what is printed: a full pipe stops the child."""
        while (left := self._deadline - time.monotonic()) > 0:
            if descriptor in self._ready(left, (descriptor, event)):
                return
        raise TransportTimeoutError("the process of pyslurm did not answer in time")

    def _listen(self) -> None:
        """Hear what has been printed so far; by the deadline, since it may go on for ever."""
        while time.monotonic() < self._deadline and self._ready(0):
            pass

    def _ready(self, timeout: float, *others: tuple[int, int]) -> set[int]:
        """Wait for something to be printed, which is heard, or for one of ``others``; return what came."""
        with selectors.DefaultSelector() as selector:
            for descriptor, event in others:
                selector.register(descriptor, event)
            if self._stderr is not None:
                selector.register(self._stderr, selectors.EVENT_READ)
            ready = {key.fd for key, _ in selector.select(timeout)}
        if self._stderr in ready:
            self._hear(self._stderr)
        return ready

    def _hear(self, stderr: int) -> None:
        """Take some of what was printed and pass it on: what Slurm's library complains of belongs into our log."""
        if not (chunk := os.read(stderr, _CHUNK)):
            self._stderr = None
            return
        self._said = (self._said + chunk)[-MAX_SAID_BYTES:]
        with contextlib.suppress(OSError):
            os.write(STDERR, chunk)

    def _last_words(self) -> str:
        try:
            code = self._process.wait(timeout=1)
        except subprocess.TimeoutExpired:
            return "it closed its output"
        self._listen()
        said = self._said.decode(errors="replace").strip()
        end = f"signal {signal.Signals(-code).name}" if code < 0 else f"exit code {code}"
        return f"{end}: {said[-500:]}" if said else end
