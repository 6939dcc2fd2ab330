"""Sending through the site's mail server: with time-outs, and with TLS that is verified."""

import smtplib
import ssl
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Protocol

TIMEOUT_SECONDS = 20.0
MAX_ANSWER_CHARS = 300
_PERMANENT = 500


class Security(StrEnum):
    """How a connection is protected."""

    STARTTLS = "starttls"
    TLS = "tls"
    PLAIN = "plain"


class MailError(Exception):
    """A mail was not sent."""


class MailRefusedError(MailError):
    """The server refuses this mail, whatever is tried."""


class MailPutOffError(MailError):
    """The server does not take this mail now."""


class ServerError(MailError, OSError):
    """The server cannot be used now, whichever mail it is for: as a fault of the outside it may pass."""


class Connection(Protocol):
    """An open way to the server."""

    def send(self, to: str, message: bytes) -> None:
        """Return when the server has accepted a message; raise one of the errors above."""


class Mailer(Protocol):
    """What sends mails."""

    @property
    def sender(self) -> str:
        """The address that mails come from."""

    @contextmanager
    def connect(self) -> Iterator[Connection]:
        """Give a connection; raise ``ServerError``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SmtpMailer:
    """A server that speaks SMTP."""

    host: str
    port: int
    security: Security
    sender: str
    hello: str
    """What this machine calls itself: nobody is asked for its name, which could take long."""
    user: str = ""
    password: str = field(default="", repr=False)
    ca_file: Path | None = None
    timeout: float = TIMEOUT_SECONDS

    @contextmanager
    def connect(self) -> Iterator["SmtpConnection"]:
        """Give a connection, logged in where there is a user."""
        try:
            client = self._open()
        except (OSError, smtplib.SMTPException) as problem:
            raise ServerError(said(problem)) from problem
        try:
            yield SmtpConnection(client, self.sender)
        finally:
            with suppress(OSError, smtplib.SMTPException):
                client.quit()
            client.close()

    def _open(self) -> smtplib.SMTP:
        tls = ssl.create_default_context(cafile=str(self.ca_file) if self.ca_file else None)
        client: smtplib.SMTP
        if self.security is Security.TLS:
            client = smtplib.SMTP_SSL(
                self.host, self.port, self.hello, timeout=self.timeout, context=tls
            )
        else:
            client = smtplib.SMTP(self.host, self.port, self.hello, timeout=self.timeout)
        try:
            if self.security is Security.STARTTLS:
                # Raises where the server does not offer it: nothing is sent in the clear then.
                client.starttls(context=tls)
            if self.user:
                client.login(self.user, self.password)
        except BaseException:
            client.close()
            raise
        return client


class SmtpConnection:
    """See ``Connection``."""

    def __init__(self, client: smtplib.SMTP, sender: str) -> None:
        self._client, self._sender = client, sender

    def send(self, to: str, message: bytes) -> None:
        """Send one message to one address."""
        try:
            self._client.sendmail(self._sender, [to], message)
        except smtplib.SMTPRecipientsRefused as refusal:
            code, answer = refusal.recipients[to]
            raise _refused(code, answer, to) from refusal
        except smtplib.SMTPDataError as refusal:
            raise _refused(refusal.smtp_code, refusal.smtp_error, to) from refusal
        except (OSError, smtplib.SMTPException) as problem:
            raise ServerError(said(problem)) from problem


def said(problem: Exception) -> str:
    """Return what went wrong, in few words."""
    if isinstance(problem, smtplib.SMTPResponseException):
        return f"{problem.smtp_code} {_text(problem.smtp_error)}"
    return f"{type(problem).__name__}: {problem}"[:MAX_ANSWER_CHARS]


def _refused(code: int, answer: bytes | str, to: str) -> MailError:
    words = f"{code} {_text(answer).replace(to, '(the address)')}"
    return MailRefusedError(words) if code >= _PERMANENT else MailPutOffError(words)


def _text(answer: bytes | str) -> str:
    text = answer.decode("utf-8", "replace") if isinstance(answer, bytes) else answer
    return "".join(char if char.isprintable() else " " for char in text)[:MAX_ANSWER_CHARS]
