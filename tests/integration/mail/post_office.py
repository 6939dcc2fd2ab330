"""A challenge whose people have addresses, a real mail server, and the worker's sender."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sqlalchemy import select

from portal.db.engine import Database
from portal.db.tables import Account, Mail, Person, Trouble
from portal.domain.accounts.people import Actor
from portal.domain.mail.letters import SiteFacts
from portal.services.attention.troubles import Step
from portal.services.challenges import announcements
from portal.worker.mail.postman import MailSettings, Postman
from portal.worker.mail.smtp import Connection, Mailer
from tests.support import factories
from tests.support.factories import NOW
from tests.support.servers.mail_server import MailServer

URL = "https://challenges.nordholm.example"
TEXT = "It has *300* images more.\n\nGrüße!"


class KilledError(BaseException):
    """Stands for the end of the process at this moment."""


@dataclass
class Clock:
    """Stands still until it is set forward."""

    now: datetime = NOW

    def __call__(self) -> datetime:
        return self.now

    def advance(self, by: timedelta) -> None:
        self.now += by


@dataclass
class DyingMailer:
    """The process is killed while it sends: before the server has the mail, or before that is recorded."""

    mailer: Mailer
    has_sent: bool = True

    @property
    def sender(self) -> str:
        return self.mailer.sender

    @contextmanager
    def connect(self) -> Iterator[Connection]:
        with self.mailer.connect() as connection:
            yield _Dying(connection, self.has_sent)


@dataclass
class _Dying:
    connection: Connection
    has_sent: bool

    def send(self, to: str, message: bytes) -> None:
        if self.has_sent:
            self.connection.send(to, message)
        raise KilledError


@dataclass
class PostOffice:
    """What tests do with it."""

    database: Database
    server: MailServer
    clock: Clock = field(default_factory=Clock)
    per_minute: int = 100

    def __post_init__(self) -> None:
        with self.database.writing() as session:
            self.digits = factories.add_challenge(session)
            self.ada = self._person(session, "Ada")
            self.eve = self._person(session, "Eve")
            self.oda = self._person(session, "Oda")
            factories.add_organiser(session, self.digits, self.oda)
            factories.add_team(session, self.digits, "Team Ada", self.ada)
            factories.add_team(session, self.digits, "Team Eve", self.eve)
        self.postman = self.new_postman()

    @staticmethod
    def _person(session, name: str) -> Person:
        person = factories.add_person(session, name)
        account = factories.add_account(session, person, name.lower())
        address = f"{name.lower()}@nordholm.example"
        account.claims = {"email": address, "email_verified": True}
        return person

    def new_postman(self, mailer: Mailer | None = None, holder: str = "first") -> Postman:
        """Return the sender of another worker."""
        return Postman(
            database=self.database,
            settings=MailSettings(
                mailer=mailer or self.server.mailer(),
                site=SiteFacts(name="Nordholm", url=URL),
                domain="challenges.nordholm.example",
                per_minute=self.per_minute,
                keep=timedelta(days=30),
            ),
            holder=holder,
            clock=self.clock,
        )

    def announce(self, title: str = "More data", text: str = TEXT, *, by_mail: bool = True) -> str:
        with self.database.writing() as session:
            return announcements.announce(
                session, actor=Actor(person_id=self.oda.id), slug="digits", title=title, text=text,
                now=self.clock(), by_mail=by_mail,
            )  # fmt: skip

    def mails(self) -> list[Mail]:
        with self.database.reading() as session:
            return list(session.scalars(select(Mail).order_by(Mail.id)))

    def states(self) -> list[str]:
        return [mail.state.value for mail in self.mails()]

    def troubles(self) -> list[Trouble]:
        with self.database.reading() as session:
            return list(session.scalars(select(Trouble).where(Trouble.step == Step.MAIL)))

    def change_person(self, person: Person, **values: object) -> None:
        with self.database.writing() as session:
            row = session.get_one(Person, person.id)
            for name, value in values.items():
                setattr(row, name, value)

    def claim(self, person: Person, **claims: object) -> None:
        """Let the provider say something else of somebody."""
        with self.database.writing() as session:
            row = session.scalars(select(Account).where(Account.person_id == person.id)).one()
            row.claims = claims
