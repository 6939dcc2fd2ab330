"""Sends the mails of the queue beside the passes, in a thread of its own: a server that hangs holds up nothing else."""

import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import structlog

from portal.db.engine import Database
from portal.domain.mail.letters import Letter, SiteFacts
from portal.services.attention import troubles
from portal.services.attention.troubles import Step
from portal.services.evaluations import leases
from portal.services.mail import delivery
from portal.worker.mail.mime import mime_of
from portal.worker.mail.smtp import (
    Connection,
    Mailer,
    MailPutOffError,
    MailRefusedError,
    ServerError,
)

log = structlog.get_logger("sealrun.worker")

LOOK_SECONDS = 5.0
LEASE = "mail"
LEASE_LASTS = timedelta(minutes=5)
SWEEP_EVERY = timedelta(hours=1)
A_MINUTE = timedelta(minutes=1)
SERVER = "mail server"
"""What the list of what needs a person calls it."""
PAUSES = (
    timedelta(seconds=30),
    timedelta(minutes=2),
    timedelta(minutes=10),
)
"""After a failure of the server as a whole; the last goes on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MailSettings:
    """How the site sends mail."""

    mailer: Mailer
    site: SiteFacts
    domain: str
    """What the names of messages end with."""
    per_minute: int
    keep: timedelta
    """How long it is known what was sent."""


@dataclass(slots=True)
class Postman:
    """What one worker remembers between two rounds."""

    database: Database
    settings: MailSettings
    holder: str
    clock: Callable[[], datetime]
    _tried_at: deque[datetime] = field(default_factory=deque)
    _failures: int = 0
    _again_at: datetime | None = None
    _sweeps_at: datetime | None = None

    def round(self, stop: threading.Event | None = None) -> int:
        """Send what is due, as much as the rate allows; return how many mails a server has accepted."""
        now = self.clock()
        self._sweep(now)
        if self._again_at and now < self._again_at:
            return 0
        with self.database.reading() as session:
            waiting = delivery.due(session, at_most=self._room(now), now=now)
        if not waiting:
            return 0
        sent = 0
        try:
            sent = self._send_all(list(waiting), stop)
        except ServerError as problem:
            self._server_failed(problem)
        return sent

    def _send_all(self, waiting: list[str], stop: threading.Event | None) -> int:
        """Send over one connection; it is opened for the first that is wanted at all."""
        claimed = (one for mail in waiting if (one := self._claim(mail, stop)) is not None)
        one = next(claimed, None)
        if one is None:
            return 0
        sent = 0
        try:
            with self.settings.mailer.connect() as connection:
                self._server_works()
                while one is not None:
                    sent += self._send(connection, *one)
                    one = next(claimed, None)
        except ServerError as problem:
            # Of the others nothing has been claimed yet.
            if one is not None:
                self._hand_back(one[0], problem)
            raise
        return sent

    def _claim(self, mail_id: str, stop: threading.Event | None) -> tuple[Letter, bytes] | None:
        if (stop is not None and stop.is_set()) or not self._is_mine():
            return None
        now = self.clock()
        try:
            with self.database.writing() as session:
                letter = delivery.claim(session, mail_id, site=self.settings.site, now=now)
                return (letter, self._mime(letter)) if letter else None
        except troubles.PASSING:
            raise
        except Exception as error:
            # Whatever stands in its rows, it is about this mail and keeps no other from being sent.
            log.exception("mail_unusable", mail=mail_id)
            with self.database.writing() as session:
                delivery.give_up(session, mail_id, type(error).__name__, now=now)
            return None

    def _send(self, connection: Connection, letter: Letter, message: bytes) -> int:
        self._tried_at.append(self.clock())
        try:
            connection.send(letter.to, message)
        except MailRefusedError as problem:
            log.warning("mail_refused", mail=letter.id, problem=str(problem))
            self._write(delivery.give_up, letter.id, str(problem))
            return 0
        except MailPutOffError as problem:
            log.info("mail_put_off", mail=letter.id, problem=str(problem))
            self._write(delivery.put_off, letter.id, str(problem))
            return 0
        with self.database.writing() as session:
            delivery.record_sent(session, letter.id, now=self.clock())
        return 1

    def _mime(self, letter: Letter) -> bytes:
        return mime_of(
            letter,
            sender=self.settings.mailer.sender,
            sender_name=self.settings.site.name,
            domain=self.settings.domain,
        )

    def _write(self, command: Callable[..., None], mail_id: str, problem: str) -> None:
        with self.database.writing() as session:
            command(session, mail_id, problem, now=self.clock())

    def _hand_back(self, letter: Letter, problem: ServerError) -> None:
        with self.database.writing() as session:
            delivery.hand_back(
                session, letter.id, str(problem), pause=self._pause(), now=self.clock()
            )

    def _room(self, now: datetime) -> int:
        """Return how many mails may be sent now: in no minute more than the site says."""
        while self._tried_at and self._tried_at[0] <= now - A_MINUTE:
            self._tried_at.popleft()
        return max(0, self.settings.per_minute - len(self._tried_at))

    def _is_mine(self) -> bool:
        """Whether this worker is the one that sends: of several, one does."""
        with self.database.writing() as session:
            return leases.take_lease(
                session, name=LEASE, holder=self.holder, lasts=LEASE_LASTS, now=self.clock()
            )

    def _pause(self) -> timedelta:
        return PAUSES[min(self._failures, len(PAUSES) - 1)]

    def _server_failed(self, problem: ServerError) -> None:
        now = self.clock()
        log.warning("mail_server_failed", problem=str(problem))
        self._again_at = now + self._pause()
        self._failures += 1
        with self.database.writing() as session:
            troubles.note(session, Step.MAIL, SERVER, "", problem, now=now)

    def _server_works(self) -> None:
        self._failures, self._again_at = 0, None
        with self.database.reading() as session:
            failed = troubles.find(session, Step.MAIL, SERVER) is not None
        if failed:
            with self.database.writing() as session:
                troubles.over(session, Step.MAIL, SERVER)

    def _sweep(self, now: datetime) -> None:
        if (self._sweeps_at is not None and now < self._sweeps_at) or not self._is_mine():
            return
        with self.database.writing() as session:
            delivery.sweep(session, before=now - self.settings.keep)
        self._sweeps_at = now + SWEEP_EVERY

    def give_back(self) -> None:
        """Let another worker send at once."""
        with self.database.writing() as session:
            leases.give_back_lease(session, name=LEASE, holder=self.holder, now=self.clock())


def send_until(postman: Postman, stop: threading.Event) -> None:
    """Send until ``stop`` is set; what goes wrong with a round is logged, and the next one tries again."""
    while not stop.is_set():
        try:
            postman.round(stop)
        except Exception:
            log.exception("mail_round_failed")
        stop.wait(LOOK_SECONDS)
    try:
        postman.give_back()
    except Exception:
        log.exception("mail_round_failed")
