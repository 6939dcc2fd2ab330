"""Owners invite somebody by e-mail: the link is in the mail only, works once, and gives the role to who accepts."""

import hashlib
import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import select

from portal.db.engine import Database
from portal.db.tables import AuditEntry, Organiser, Person, RoleInvitation, RoleInvitationLink
from portal.domain.accounts.people import Actor
from portal.domain.audit import Action
from portal.domain.errors import (
    NotAllowedError,
    NotFoundError,
    ParticipantError,
    QuotaExceededError,
)
from portal.domain.permissions import Role
from portal.services.challenges import role_invitations, roles
from tests.integration.mail.post_office import URL, DyingMailer, KilledError, PostOffice
from tests.support import factories
from tests.support.factories import DAY, NOW
from tests.support.servers.mail_server import content_of, mail_server
from tests.support.web.site import Site

GUEST = "new.colleague@elsewhere.example"
ROOT = "/challenges/digits/roles"
LINK = re.compile(r"/role-invitation\?code=([\w-]{43})")


@pytest.fixture
def office(database: Database, tmp_path: Path) -> Iterator[PostOffice]:
    with mail_server(tmp_path) as server:
        yield PostOffice(database, server)


def _invite(office: PostOffice, by: Person | None = None, **more: object) -> str:
    values = {"address": GUEST, "role": Role.ORGANISER, "by_mail": True} | more
    with office.database.writing() as session:
        return role_invitations.invite(
            session, actor=Actor(person_id=(by or office.oda).id), slug="digits",
            now=office.clock(), **values,
        )  # fmt: skip


def _sent(office: PostOffice) -> list[str]:
    office.postman.round()
    return [LINK.search(content_of(one))[1] for one in office.server.messages]


def _accept(office: PostOffice, who: Person, secret: str) -> str:
    with office.database.writing() as session:
        return role_invitations.accept(
            session, actor=Actor(person_id=who.id), secret=secret, now=office.clock()
        )


def _role(office: PostOffice, who: Person) -> Role | None:
    with office.database.reading() as session:
        row = session.get(Organiser, (office.digits.challenge.id, who.id))
        return row.role if row else None


def test_the_mail_has_a_link_and_the_database_only_its_digest(office: PostOffice) -> None:
    invitation = _invite(office)
    [secret] = _sent(office)

    [message] = office.server.messages
    text = content_of(message)
    assert office.server.recipients == [GUEST]
    assert message["List-Unsubscribe"] is None
    assert message["Subject"] == "[Read the digits] an invitation to work for this challenge"
    assert f"{URL}/role-invitation?code={secret}" in text
    assert "Oda invites you to work for the challenge Read the digits at Nordholm" in text
    with office.database.reading() as session:
        [link] = session.scalars(select(RoleInvitationLink))
        assert link.secret_sha256 == hashlib.sha256(secret.encode()).hexdigest()
        assert link.invitation_id == invitation


def test_whoever_accepts_has_the_role_and_the_link_works_once(office: PostOffice) -> None:
    _invite(office)
    [secret] = _sent(office)

    assert _accept(office, office.ada, secret) == "digits"

    assert _role(office, office.ada) is Role.ORGANISER
    with pytest.raises(ParticipantError, match="does not work"):
        _accept(office, office.eve, secret)
    assert _role(office, office.eve) is None
    with office.database.reading() as session:
        [row] = role_invitations.invited(
            session, actor=Actor(person_id=office.oda.id), slug="digits", now=office.clock()
        )
        entry = session.scalars(select(AuditEntry).order_by(AuditEntry.number.desc())).first()
    assert (row.accepted_by, row.accepted_login.issuer) == ("Ada", "https://login.example.org")
    assert (entry.action, entry.actor_id) == (Action.ROLE_ACCEPTED, office.ada.id)
    assert GUEST not in str(entry.detail)


def test_a_mail_whose_worker_was_killed_comes_again_and_both_links_work(office: PostOffice) -> None:
    _invite(office)
    office.postman = office.new_postman(DyingMailer(office.server.mailer()))
    with pytest.raises(KilledError):
        office.postman.round()
    office.postman = office.new_postman(holder="second")
    office.clock.advance(timedelta(minutes=20))

    first, second = _sent(office)

    assert first != second
    assert len({one["Message-ID"] for one in office.server.messages}) == 1
    _accept(office, office.ada, first)
    with pytest.raises(ParticipantError, match="does not work"):
        _accept(office, office.eve, second)


@pytest.mark.parametrize("end", ["expired", "withdrawn", "blocked", "no owner"])
def test_an_invitation_that_has_ended_opens_nothing_and_is_not_sent(
    office: PostOffice, end: str
) -> None:
    sent = _invite(office)
    [secret] = _sent(office)
    unsent = _invite(office, address="another@elsewhere.example")
    with office.database.writing() as session:
        factories.add_organiser(session, office.digits, office.eve)
        oda = Actor(person_id=office.oda.id)
        if end == "withdrawn":
            for one in (sent, sent, unsent):
                role_invitations.withdraw(
                    session, actor=oda, slug="digits", invitation_id=one, now=NOW
                )
        elif end == "blocked":
            session.get_one(Person, office.oda.id).blocked_at = NOW
        elif end == "no owner":
            roles.take(session, actor=oda, slug="digits", person_id=office.oda.id, now=NOW)
    if end == "expired":
        office.clock.advance(timedelta(days=14))

    assert office.postman.round() == 0
    with pytest.raises(ParticipantError, match="does not work"):
        _accept(office, office.ada, secret)


def test_an_invitation_takes_no_role_away(office: PostOffice) -> None:
    _invite(office, role=Role.REVIEWER)
    [secret] = _sent(office)

    with pytest.raises(ParticipantError, match="already, or one that may do more"):
        _accept(office, office.oda, secret)

    assert _role(office, office.oda) is Role.OWNER
    _accept(office, office.ada, secret)


def test_inviting_again_sends_nothing_again(office: PostOffice) -> None:
    assert _invite(office) == _invite(office, address=GUEST.upper())
    with pytest.raises(ParticipantError, match="another role"):
        _invite(office, role=Role.OWNER)

    assert len(_sent(office)) == 1


def test_there_is_a_bound_of_open_invitations_and_of_mails_in_a_day(office: PostOffice) -> None:
    made = [_invite(office, address=f"n{n}@x.example") for n in range(20)]
    with pytest.raises(QuotaExceededError, match="open invitations"):
        _invite(office)
    with office.database.writing() as session:
        role_invitations.withdraw(
            session, actor=Actor(person_id=office.oda.id), slug="digits", invitation_id=made[0],
            now=NOW,
        )  # fmt: skip
    with pytest.raises(QuotaExceededError, match="in 24 hours"):
        _invite(office)
    office.clock.advance(timedelta(days=2))

    _invite(office)


@pytest.mark.parametrize(
    "address", ["", "nobody", "a@b", "a@x.example, b@x.example", "a@x.example\nBcc: b@x.example"]
)
def test_only_one_plain_address_is_invited(office: PostOffice, address: str) -> None:
    with pytest.raises(ParticipantError, match="one plain e-mail address"):
        _invite(office, address=address)


def test_only_owners_invite(office: PostOffice) -> None:
    with office.database.writing() as session:
        factories.add_organiser(session, office.digits, office.eve, Role.ORGANISER)

    with pytest.raises(NotAllowedError):
        _invite(office, office.eve)
    with pytest.raises(NotFoundError):
        _invite(office, office.ada)
    with pytest.raises(ParticipantError, match="sends no mail"):
        _invite(office, by_mail=False)


def test_addresses_are_forgotten_some_time_after_the_end(office: PostOffice) -> None:
    _invite(office)
    [secret] = _sent(office)
    _accept(office, office.ada, secret)

    with office.database.writing() as session:
        kept = role_invitations.forget_addresses(session, before=office.clock())
        gone = role_invitations.forget_addresses(session, before=office.clock() + DAY)

    with office.database.reading() as session:
        assert session.scalars(select(RoleInvitation.address)).all() == [""]
    assert (kept, gone) == (0, 1)


def test_owners_invite_on_the_page_and_see_who_accepted(site: Site) -> None:
    site.change(sends_mail=True)
    owner, ada = site.browser(site.organiser), site.browser(site.ada)
    with site.context.database.writing() as session:
        account = factories.add_account(session, site.ada, "ada")
        account.claims = {"name": "Ada", "email": "ada.private@nordholm.example"}

    wrong = owner.post(f"{ROOT}/invitations", data={"address": "x", "as": "reviewer"})
    none = owner.post(f"{ROOT}/invitations", data={"address": GUEST, "as": "else"})
    made = owner.post(f"{ROOT}/invitations", data={"address": GUEST, "as": "reviewer"})
    with site.context.database.writing() as session:
        secret = role_invitations.new_link(session, session.scalars(select(RoleInvitation)).one())
    opened = ada.get(f"/role-invitation?code={secret}")
    with site.context.database.reading() as session:
        before = session.scalars(select(Organiser.person_id)).all()
    accepted = ada.post("/role-invitation", data={"code": secret})
    again = ada.get(f"/role-invitation?code={secret}")
    page = owner.get(ROOT).text

    assert (wrong.status_code, none.status_code, made.status_code) == (422, 422, 303)
    assert "Write one plain e-mail address." in wrong.text
    assert "Oda Organiser invites you" in opened.text
    assert before == [site.organiser.id]
    assert GUEST not in opened.text
    assert accepted.headers["location"] == ROOT
    assert again.status_code == 404
    assert "Accepted by Ada Vlas" in page
    assert "Nordholm University account" in page or "https://login.example.org" in page
    assert "ada.private" not in page
    assert GUEST in page
    assert GUEST not in ada.get(ROOT).text


def test_a_visitor_logs_in_first_and_a_wrong_code_says_one_thing(site: Site) -> None:
    visitor = site.browser().get("/role-invitation?code=abc")
    answers = [
        site.browser(site.eve).get("/role-invitation", params={"code": code})
        for code in ("", "abc", "x" * 5000, "\0", "é")
    ]

    assert visitor.status_code == 303
    assert visitor.headers["location"].startswith("/login?next=")
    assert {answer.status_code for answer in answers} == {404}
    assert all("This invitation does not work" in answer.text for answer in answers)
