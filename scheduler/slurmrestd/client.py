"""Talk to slurmrestd: one request, one JSON answer, with a deadline and a limit of size."""

import json
import ssl
import time
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from types import MappingProxyType
from typing import Protocol

import httpx2

from scheduler.errors import (
    AnswerTooLongError,
    TransportDownError,
    TransportTimeoutError,
    UnreachableError,
)
from scheduler.slurmrestd.answer import UNAUTHENTICATED, Answer, read_answer
from scheduler.slurmrestd.token import TokenFile
from scheduler.transport import MAX_OUTPUT_BYTES

NOTHING: Mapping[str, str] = MappingProxyType({})

# slurmctld's word for a token that it does not believe, whatever the status of the answer.
_BAD_TOKEN = "Protocol authentication error"  # noqa: S105 - a sentence


class Client(Protocol):
    """Asks slurmrestd as one user."""

    user: str

    def ask(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, str] = NOTHING,
        body: object = None,
    ) -> Answer:
        """Send one request. Raises ``UnreachableError`` and ``UnexpectedAnswerError``; see ``Transport.run``."""

    def close(self) -> None:
        """Close the connections. No further request can be made."""


class RestClient:
    """Speaks to one slurmrestd as one user. May be used by several threads at once.

    ``url`` is its address, ``http://HOST:PORT``; with ``socket`` it is reached through that Unix
    socket instead, and ``url`` only names it. With ``https://``, the certificates in ``ca_file`` are
    trusted, or else the system's. Nothing is ever sent twice, but for a request that was
    turned away for its token when the file has another one meanwhile.
    """

    def __init__(
        self,
        *,
        user: str,
        token_file: Path,
        url: str = "http://localhost",
        socket: Path | None = None,
        ca_file: Path | None = None,
        timeout: timedelta = timedelta(seconds=60),
        max_bytes: int = MAX_OUTPUT_BYTES,
    ) -> None:
        self.user = user
        self._token = TokenFile(token_file)
        self._timeout = timeout.total_seconds()
        self._max_bytes = max_bytes
        self._http = httpx2.Client(
            base_url=url,
            transport=httpx2.HTTPTransport(uds=str(socket)) if socket else None,
            verify=ssl.create_default_context(cafile=ca_file),
            timeout=self._timeout,
            # Proxies are for the way out of the site.
            trust_env=False,
            follow_redirects=False,
        )

    def ask(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, str] = NOTHING,
        body: object = None,
    ) -> Answer:
        """See ``Client.ask``."""
        token = self._token.read()
        answer = self._exchange(method, path, query, body, token)
        if not _is_turned_away(answer, method):
            return answer
        if (renewed := self._token.read_again()) == token:
            raise UnreachableError(f"slurmrestd does not accept the token: {answer.errors}")
        answer = self._exchange(method, path, query, body, renewed)
        if _is_turned_away(answer, method):
            raise UnreachableError(f"slurmrestd does not accept the renewed token: {answer.errors}")
        return answer

    def close(self) -> None:
        """See ``Client.close``."""
        self._http.close()

    def _exchange(
        self, method: str, path: str, query: Mapping[str, str], body: object, token: str
    ) -> Answer:
        deadline = time.monotonic() + self._timeout
        content = None if body is None else json.dumps(body).encode()
        headers = {"X-SLURM-USER-NAME": self.user, "X-SLURM-USER-TOKEN": token}
        if content is not None:
            headers["Content-Type"] = "application/json"
        try:
            with self._http.stream(
                method, path, params=query or None, content=content, headers=headers
            ) as response:
                return read_answer(response.status_code, self._read(response, deadline))
        except httpx2.TimeoutException as late:
            raise TransportTimeoutError("slurmrestd did not answer in time") from late
        except httpx2.HTTPError as broken:
            # The address may be of use to the operator; the headers are not in the message.
            raise TransportDownError(f"no answer from slurmrestd: {broken}") from broken

    def _read(self, response: httpx2.Response, deadline: float) -> bytes:
        content = bytearray()
        for part in response.iter_bytes():
            content += part
            if len(content) > self._max_bytes:
                raise AnswerTooLongError(f"slurmrestd sends more than {self._max_bytes} bytes")
            if time.monotonic() > deadline:
                raise TransportTimeoutError("slurmrestd's answer did not end in time")
        return bytes(content)


def _is_turned_away(answer: Answer, method: str) -> bool:
    """Tell whether the request was turned away for its token, and may be sent once more.

    slurmrestd's own 401 comes before anything is done. slurmctld's sentence might also be about its
    reply to a request that was carried out, so it does not do for one that must not be repeated.
    """
    if answer.status == UNAUTHENTICATED:
        return True
    return method != "POST" and _BAD_TOKEN in answer.errors
