"""Each mail is sent once, whatever fails; and none to whoever does not want it."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import select, text

from portal.db.engine import Database
from portal.db.tables import Announcement, Challenge, Mail, MailChoice, Participation
from portal.domain.accounts.people import Actor
from portal.domain.attention.decisions import Choice
from portal.domain.mail.kinds import CLAIM_LASTS, GIVE_UP_AFTER, MailTopic
from portal.domain.permissions import Role
from portal.domain.teams.membership_rules import ParticipationState
from portal.services.accounts import deletion
from portal.services.attention import decisions
from portal.services.attention.troubles import Step
from portal.services.challenges import announcements
from portal.services.mail import choices
from portal.services.teams import joining
from tests.integration.mail.post_office import URL, DyingMailer, KilledError, PostOffice
from tests.support import factories
from tests.support.factories import NOW
from tests.support.servers.mail_server import SENDER, content_of, mail_server
from tests.support.servers.portal import free_port

ADA, EVE = "ada@nordholm.example", "eve@nordholm.example"
SCORE = "0.912"


@pytest.fixture
def office(database: Database, tmp_path: Path) -> Iterator[PostOffice]:
    with mail_server(tmp_path) as server:
        yield PostOffice(database, server)


def test_whoever_takes_part_gets_an_announcement_once(office: PostOffice) -> None:
    with office.database.writing() as session:
        submission = factories.add_submission(
            session, office.digits, factories.add_team(session, office.digits, "x"), office.ada,
            accuracy=float(SCORE), filename="secret-file.zip",
        )  # fmt: skip
        assert submission.id
    announcement = office.announce()

    sent = [office.postman.round(), office.postman.round()]

    assert sent == [2, 0]
    assert sorted(office.server.recipients) == [ADA, EVE]
    message = office.server.messages[0]
    assert message["From"] == f"Nordholm <{SENDER}>"
    assert message["To"] == office.server.recipients[0]
    assert message["Subject"] == "[Read the digits] More data"
    assert message["Auto-Submitted"] == "auto-generated"
    body = content_of(message)
    assert "It has *300* images more.\n\nGrüße!" in body
    assert f"{URL}/challenges/digits/news/{announcement}" in body
    everything = office.server.envelopes[0].original_content.decode()
    assert SCORE not in everything
    assert "secret-file" not in everything
    assert office.states() == ["sent", "sent"]
    assert len({one["Message-ID"] for one in office.server.messages}) == 2


def test_nothing_is_queued_where_the_site_sends_no_mail(office: PostOffice) -> None:
    office.announce(by_mail=False)

    assert office.mails() == []


def test_announcing_the_same_again_queues_nothing_again(office: PostOffice) -> None:
    office.announce()
    office.announce()

    assert len(office.mails()) == 2


def test_the_head_ends_mails_by_one_click(office: PostOffice) -> None:
    office.announce()
    office.postman.round()

    message = office.server.messages[0]
    [mail] = [one for one in office.mails() if one.person_id == office.ada.id]
    with office.database.reading() as session:
        token = session.get_one(MailChoice, mail.person_id).token
    [first] = [one for one in office.server.messages if one["To"] == ADA]
    link = f"{URL}/mail/unsubscribe?token={token}&topic=announcements"
    assert first["List-Unsubscribe"] == f"<{link}>"
    assert link in content_of(first)
    assert message["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert len(token) == 43


def test_a_kill_between_sending_and_recording_sends_once_more_with_the_same_id(
    office: PostOffice,
) -> None:
    office.change_person(office.eve, blocked_at=NOW)
    office.announce()
    dying = office.new_postman(DyingMailer(office.server.mailer()), "killed")
    with pytest.raises(KilledError):
        dying.round()

    office.clock.advance(CLAIM_LASTS - timedelta(seconds=1))
    early = office.postman.round()
    office.clock.advance(timedelta(seconds=1))
    late = office.postman.round()
    office.clock.advance(timedelta(days=1))

    assert (early, late, office.postman.round()) == (0, 1, 0)
    first, second = office.server.messages
    assert first["Message-ID"] == second["Message-ID"]
    assert first.as_bytes() == second.as_bytes()
    assert office.states() == ["sent"]


def test_a_kill_before_sending_loses_nothing(office: PostOffice) -> None:
    office.announce()
    dying = office.new_postman(DyingMailer(office.server.mailer(), has_sent=False), "killed")
    with pytest.raises(KilledError):
        dying.round()

    office.clock.advance(CLAIM_LASTS)

    assert office.postman.round() == 2
    assert sorted(office.server.recipients) == [ADA, EVE]


def test_two_workers_send_nothing_twice(office: PostOffice) -> None:
    office.announce()
    other = office.new_postman(holder="second")

    assert (office.postman.round(), other.round()) == (2, 0)
    office.announce("Another")
    assert other.round() == 0
    office.postman.give_back()
    assert other.round() == 2


def test_what_is_put_off_is_tried_again_later(office: PostOffice) -> None:
    office.announce()
    office.server.to_recipients.append("450 4.2.1 greylisted")

    rounds = [office.postman.round(), office.postman.round()]
    office.clock.advance(timedelta(minutes=5))
    rounds.append(office.postman.round())

    assert rounds == [1, 0, 1]
    assert office.states() == ["sent", "sent"]
    assert sorted(mail.tries for mail in office.mails()) == [1, 2]
    assert office.troubles() == []


def test_what_is_put_off_for_days_is_given_up(office: PostOffice) -> None:
    office.change_person(office.eve, blocked_at=NOW)
    office.announce()
    office.server.to_messages.extend(["451 busy"] * 1000)
    while office.clock() < NOW + GIVE_UP_AFTER + timedelta(hours=5):
        office.postman.round()
        office.clock.advance(timedelta(hours=12))

    [mail] = office.mails()
    assert (mail.state, mail.problem) == ("failed", "451 busy")
    [trouble] = office.troubles()
    assert "1 mail was given up, the last for: 451 busy" in trouble.problem


def test_what_is_refused_is_given_up_at_once_and_staff_can_let_it_be_tried_again(
    office: PostOffice,
) -> None:
    office.announce()
    office.server.to_recipients.extend(["550 5.1.1 no such user"] * 2)

    assert office.postman.round() == 0
    assert office.states() == ["failed", "failed"]
    staff = Actor(person_id=office.oda.id, is_staff=True)
    with office.database.writing() as session:
        [shown] = decisions.of_site(session, actor=staff)
        assert shown.step == Step.MAIL
        assert "2 mails were given up" in shown.problem
        assert "@" not in shown.problem
        decisions.decide(
            session, actor=staff, wanted=shown.id, choice=Choice.RETRY, alike=False, now=NOW
        )
        [wish] = decisions.waiting(session)
        decisions.carry_out(session, wish, now=NOW)
        assert decisions.of_site(session, actor=staff) == []

    assert office.postman.round() == 2
    assert office.states() == ["sent", "sent"]


def test_a_dead_server_costs_no_mail_a_try_and_staff_see_it(office: PostOffice) -> None:
    office.announce()
    dead = office.new_postman(_dead(office))
    for _ in range(5):
        dead.round()
        office.clock.advance(timedelta(minutes=10))

    assert office.states() == ["queued", "queued"]
    assert [mail.tries for mail in office.mails()] == [0, 0]
    [trouble] = office.troubles()
    assert trouble.next_at is None
    assert "ConnectionRefusedError" in trouble.problem

    office.clock.advance(timedelta(minutes=10))
    assert office.postman.round() == 2
    assert office.troubles() == []


def _dead(office: PostOffice):
    mailer = office.server.mailer()
    return type(mailer)(
        host=mailer.host, port=free_port(), security=mailer.security, sender=mailer.sender,
        hello=mailer.hello,
    )  # fmt: skip


def test_a_dead_server_is_asked_ever_more_seldom(office: PostOffice) -> None:
    office.announce()
    dead = office.new_postman(_dead(office))
    asked = []
    for minute in range(30):
        before = [trouble.tries for trouble in office.troubles()]
        dead.round()
        if [trouble.tries for trouble in office.troubles()] != before:
            asked.append(minute)
        office.clock.advance(timedelta(minutes=1))

    assert asked == [0, 1, 3, 13, 23]


def test_no_minute_has_more_than_the_site_allows(office: PostOffice) -> None:
    office.announce("First")
    office.announce("Second")
    office.per_minute = 3
    slow = office.new_postman()

    assert [slow.round(), slow.round()] == [3, 0]
    office.clock.advance(timedelta(minutes=1))
    assert slow.round() == 1


@pytest.mark.parametrize("refused_when", ["before", "between"])
def test_whoever_wants_none_gets_none_also_if_it_is_queued(
    office: PostOffice, refused_when: str
) -> None:
    def refuse() -> None:
        with office.database.writing() as session:
            choices.choose(
                session, actor=Actor(person_id=office.ada.id), now=NOW,
                wants={MailTopic.JOIN_DECISIONS},
            )  # fmt: skip

    if refused_when == "before":
        refuse()
    office.announce()
    if refused_when == "between":
        refuse()
    office.postman.round()

    assert office.server.recipients == [EVE]
    assert sorted(office.states()) == ["dropped", "sent"]


def test_a_blocked_person_gets_nothing(office: PostOffice) -> None:
    office.announce()
    office.change_person(office.ada, blocked_at=NOW)
    office.postman.round()
    office.announce("Another")

    assert office.server.recipients == [EVE]
    assert sorted(mail.person_id for mail in office.mails()).count(office.ada.id) == 1


def test_a_deleted_person_gets_nothing_and_their_choice_is_gone(office: PostOffice) -> None:
    office.announce()
    with office.database.writing() as session:
        choices.choice_of(session, office.ada.id, now=NOW)
    with office.database.writing() as session:
        deletion.delete_me(session, actor=Actor(person_id=office.ada.id), typed="Ada", now=NOW)
    office.postman.round()

    assert office.server.recipients == [EVE]
    with office.database.reading() as session:
        assert session.get(MailChoice, office.ada.id) is None


def test_what_was_taken_down_or_corrected_is_sent_as_it_is(office: PostOffice) -> None:
    wrong, right = office.announce("Wrong", "a slip"), office.announce("Typo", "this one")
    actor = Actor(person_id=office.oda.id)
    with office.database.writing() as session:
        announcements.take_down(session, actor=actor, slug="digits", announcement_id=wrong, now=NOW)
        announcements.correct(
            session, actor=actor, slug="digits", announcement_id=right, title="Typo", text="that one",
            now=NOW,
        )  # fmt: skip
    office.postman.round()

    assert len(office.server.messages) == 2
    assert all("that one\n" in content_of(message) for message in office.server.messages)
    assert sorted(office.states()) == ["dropped", "dropped", "sent", "sent"]


@pytest.mark.parametrize(
    "claims",
    [
        {},
        {"email": ADA, "email_verified": False},
        {"email": ADA, "email_verified": "false"},
        {"email": ADA, "email_verified": None},
        {"email": f"{ADA}\r\nBcc: all@nordholm.example", "email_verified": True},
        {"email": f"{ADA}, eve@evil.example"},
        {"email": [ADA]},
    ],
)
def test_an_address_that_cannot_be_used_gets_nothing(office: PostOffice, claims: dict) -> None:
    office.claim(office.ada, **claims)
    office.announce()
    office.postman.round()

    assert office.server.recipients == [EVE]


INJECTIONS = (
    "Hi\r\nBcc: victim@evil.example",
    "Hi\nX-Evil: yes\n\nAnother body",
    "Hi\r\n.\r\nMAIL FROM:<a@evil.example>",
    "=?utf-8?q?Hi=0D=0ABcc:_victim@evil.example?=",
    "\u2028Bcc: victim@evil.example\x00\x0b\u202e",
    "ü" * 300 + "\r\nBcc: victim@evil.example",
)


@pytest.mark.parametrize("evil", INJECTIONS)
def test_no_title_or_name_adds_to_the_head(
    sqlite_database: Database, tmp_path: Path, evil: str
) -> None:
    """Not as the services would take them: whoever writes the database writes anything."""
    with mail_server(tmp_path) as server:
        office = PostOffice(sqlite_database, server)
        office.announce()
        with office.database.writing() as session:
            session.scalars(select(Announcement)).one().title = evil
            session.get_one(Challenge, office.digits.challenge.id).title = evil
        office.change_person(office.oda, name=evil, display_name=evil[:60])
        office.postman.round()

    assert sorted(server.recipients) == [ADA, EVE]
    for message in server.messages:
        assert {*message.keys()} == {
            "From", "To", "Subject", "Date", "Message-ID", "Auto-Submitted", "List-Unsubscribe",
            "List-Unsubscribe-Post", "Content-Type", "Content-Transfer-Encoding", "MIME-Version",
        }  # fmt: skip
        assert len(message.keys()) == 11
        assert "\n" not in message["Subject"]
    assert all(len(envelope.rcpt_tos) == 1 for envelope in server.envelopes)


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE mails SET tries = 'many'",
        "UPDATE mails SET queued_at = 'never'",
        "UPDATE mails SET kind = 'nothing'",
        "UPDATE mails SET occasion = 'nothing'",
        "UPDATE challenges SET slug = '../../etc'",
        "UPDATE accounts SET claims = '[]'",
        "UPDATE mail_choices SET refused = '7'",
    ],
)
def test_rows_that_hold_anything_keep_no_other_mail_from_being_sent(
    sqlite_database: Database, tmp_path: Path, statement: str
) -> None:
    with mail_server(tmp_path) as server:
        office = PostOffice(sqlite_database, server)
        with office.database.writing() as session:
            choices.choice_of(session, office.ada.id, now=NOW)
            choices.choice_of(session, office.eve.id, now=NOW)
        office.announce()
        with office.database.writing() as session:
            session.execute(text(statement))
        office.postman.round()
        with office.database.writing() as session:
            session.execute(text("UPDATE challenges SET slug = 'digits'"))
            session.execute(text("UPDATE mail_choices SET refused = '[]'"))
        for person in (office.ada, office.eve):
            office.claim(person, email=f"{person.name.lower()}@nordholm.example")
        before = len(server.messages)
        office.announce("Another")

        assert office.postman.round() == 2
        assert before == 0


def _asks(office: PostOffice) -> None:
    with office.database.writing() as session:
        session.add(
            Participation(
                challenge_id=office.digits.challenge.id, person_id=office.ada.id,
                state=ParticipationState.ASKED, note="a private note", asked_at=NOW,
            )
        )  # fmt: skip


def _decide(office: PostOffice, *, admits: bool, by_mail: bool = True) -> None:
    with office.database.writing() as session:
        joining.decide(
            session, actor=Actor(person_id=office.oda.id), slug="digits", person_id=office.ada.id,
            admits=admits, now=office.clock(), by_mail=by_mail,
        )  # fmt: skip


@pytest.mark.parametrize(
    ("admits", "subject", "words"),
    [
        (True, "you can take part", "have let you take part"),
        (False, "your request was declined", "have declined your request"),
    ],
)
def test_a_decision_about_joining_is_sent_to_whom_it_is_about(
    office: PostOffice, admits: bool, subject: str, words: str
) -> None:
    _asks(office)
    _decide(office, admits=admits)
    _decide(office, admits=admits)

    assert office.postman.round() == 1
    [message] = office.server.messages
    assert (message["To"], message["Subject"]) == (ADA, f"[Read the digits] {subject}")
    assert words in content_of(message)
    assert "topic=join_decisions" in message["List-Unsubscribe"]
    assert "private" not in content_of(message)


def test_of_two_decisions_the_one_that_holds_is_sent(office: PostOffice) -> None:
    _asks(office)
    _decide(office, admits=False)
    office.clock.advance(timedelta(minutes=1))
    _decide(office, admits=True)

    assert office.postman.round() == 1
    assert "you can take part" in office.server.messages[0]["Subject"]
    assert sorted(office.states()) == ["dropped", "sent"]


def test_a_decision_queues_nothing_where_the_site_sends_no_mail(office: PostOffice) -> None:
    _asks(office)
    _decide(office, admits=True, by_mail=False)

    assert office.mails() == []


def test_people_who_were_admitted_and_are_in_no_team_get_announcements(office: PostOffice) -> None:
    with office.database.writing() as session:
        grace = office._person(session, "Grace")
        declined = office._person(session, "Dan")
        for person, state in (
            (grace, ParticipationState.ADMITTED), (declined, ParticipationState.DECLINED),
            (office.ada, ParticipationState.ADMITTED),
        ):  # fmt: skip
            session.add(
                Participation(
                    challenge_id=office.digits.challenge.id, person_id=person.id, state=state,
                    asked_at=NOW,
                )
            )  # fmt: skip
        factories.add_organiser(session, office.digits, declined, Role.REVIEWER)
    office.announce()
    office.postman.round()

    assert sorted(office.server.recipients) == [ADA, EVE, "grace@nordholm.example"]


def test_what_was_sent_is_forgotten_and_what_waits_is_not(office: PostOffice) -> None:
    office.announce()
    office.server.to_recipients.extend(["451 later"])
    office.postman.round()
    office.clock.advance(timedelta(days=31))
    office.new_postman()._sweep(office.clock())

    assert office.states() == ["queued"]


def test_a_message_holds_no_bytes_beyond_ascii_and_no_long_lines(office: PostOffice) -> None:
    office.announce("Ünïcode " * 10, "x" * 3000 + "\n.\nFrom me\n" + "ü" * 2000)
    office.postman.round()

    content = office.server.envelopes[0].original_content
    assert content.isascii()
    assert max(map(len, content.split(b"\r\n"))) <= 998
    assert b"\n" not in content.replace(b"\r\n", b"")
    assert "x" * 3000 in content_of(office.server.messages[0])
    with office.database.reading() as session:
        assert session.scalars(select(Mail.problem)).all() == ["", ""]
