"""Run commands on this machine, for a portal that lives on a login node."""

import contextlib
import os
import selectors
import signal
import subprocess
import time
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

from scheduler.errors import AnswerTooLongError, TransportDownError, TransportTimeoutError
from scheduler.transport import DEFAULT_PATH, MAX_OUTPUT_BYTES, Finished

_CHUNK = 65536


class LocalTransport:
    """Start programs as children, each in a process group of its own."""

    def __init__(
        self,
        *,
        path: str = DEFAULT_PATH,
        slurm_conf: Path | None = None,
        max_output: int = MAX_OUTPUT_BYTES,
    ) -> None:
        self._environment = {"PATH": path}
        if slurm_conf is not None:
            self._environment["SLURM_CONF"] = str(slurm_conf)
        self._max_output = max_output

    def run(self, argv: Sequence[str], *, stdin: bytes = b"", timeout: timedelta) -> Finished:
        """Run ``argv``; on a time-out or too much output its whole process group is killed."""
        deadline = time.monotonic() + timeout.total_seconds()
        process = self._start(argv)
        try:
            stdout, stderr = self._exchange(process, stdin, deadline)
            returncode = process.wait(timeout=max(0.0, deadline - time.monotonic()))
        except subprocess.TimeoutExpired as late:
            raise TransportTimeoutError(f"{argv[0]} did not end in time") from late
        finally:
            _end(process)
        return Finished(returncode=returncode, stdout=stdout, stderr=stderr)

    def _start(self, argv: Sequence[str]) -> subprocess.Popen[bytes]:
        try:
            return subprocess.Popen(
                list(argv),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                env=self._environment,
                cwd="/",
                start_new_session=True,
            )
        except OSError as failure:
            raise TransportDownError(f"cannot start {argv[0]}: {failure.strerror}") from failure

    def _exchange(
        self, process: subprocess.Popen[bytes], stdin: bytes, deadline: float
    ) -> tuple[bytes, bytes]:
        """Feed ``stdin`` and collect both outputs until the program closes them.

        ``Popen.communicate`` is not enough: it has no limit of output.
        """
        assert process.stdin is not None  # noqa: S101 - for the type checker: all three are pipes
        assert process.stdout is not None  # noqa: S101
        assert process.stderr is not None  # noqa: S101
        outputs = {process.stdout.fileno(): bytearray(), process.stderr.fileno(): bytearray()}
        pending = memoryview(stdin)
        os.set_blocking(process.stdin.fileno(), False)
        with selectors.DefaultSelector() as selector:
            for descriptor in outputs:
                selector.register(descriptor, selectors.EVENT_READ)
            selector.register(process.stdin, selectors.EVENT_WRITE)
            while selector.get_map():
                remaining = deadline - time.monotonic()
                if remaining <= 0:
                    raise TransportTimeoutError("the command did not end in time")
                for key, _ in selector.select(remaining):
                    if key.fd in outputs:
                        if not (chunk := os.read(key.fd, _CHUNK)):
                            selector.unregister(key.fd)
                        outputs[key.fd] += chunk
                        if sum(map(len, outputs.values())) > self._max_output:
                            raise AnswerTooLongError(
                                f"more than {self._max_output} bytes of output"
                            )
                    else:
                        pending = _feed(key.fd, pending)
                        if not pending:
                            selector.unregister(process.stdin)
                            process.stdin.close()
        out, err = outputs.values()
        return bytes(out), bytes(err)


def _feed(descriptor: int, pending: memoryview) -> memoryview:
    """Write what fits; a program that no longer reads has had enough."""
    try:
        return pending[os.write(descriptor, pending[:_CHUNK]) :] if pending else pending
    except BlockingIOError:
        return pending
    except BrokenPipeError:
        return pending[:0]


def _end(process: subprocess.Popen[bytes]) -> None:
    """Leave no process and no open pipe behind."""
    if process.returncode is None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    for pipe in (process.stdin, process.stdout, process.stderr):
        if pipe is not None:
            with contextlib.suppress(BrokenPipeError):
                pipe.close()
