"""Mails of organisers to participants: who gets them, once, and what they do not tell."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import select, update

from portal.db.engine import Database
from portal.db.tables import AuditEntry, Mail, Participation, Person, Phase, Team
from portal.domain.accounts.people import Actor
from portal.domain.challenges.circulars import Recipients
from portal.domain.errors import (
    NotAllowedError,
    NotFoundError,
    ParticipantError,
    QuotaExceededError,
)
from portal.domain.evaluations.failures import FailureReason
from portal.domain.evaluations.states import EvaluationState
from portal.domain.mail.kinds import MailTopic
from portal.domain.permissions import Role
from portal.domain.submissions.disclosure import Failures
from portal.domain.teams.membership_rules import ParticipationState
from portal.services.challenges import circulars
from portal.services.mail import choices
from tests.integration.mail.post_office import URL, DyingMailer, KilledError, PostOffice
from tests.support import factories
from tests.support.factories import DAY, NOW
from tests.support.servers.mail_server import content_of, mail_server
from tests.support.web.site import Site

ROOT = "/challenges/digits/mail"
WORDS = {"title": "A week is left", "text": "Submit *soon*.\n\n=1+1"}


@pytest.fixture
def office(database: Database, tmp_path: Path) -> Iterator[PostOffice]:
    with mail_server(tmp_path) as server:
        yield PostOffice(database, server)


def _send(office: PostOffice, to: Recipients = Recipients.ALL, **more: object) -> str:
    oda = Actor(person_id=office.oda.id)
    words = {"phase": "", **WORDS} | more
    with office.database.reading() as session:
        plain = {name: words[name] for name in ("title", "text", "phase")}
        found = circulars.preview(session, actor=oda, slug="digits", recipients=to, **plain)
    values = {"shown": found.number, "by_mail": True, "now": office.clock()} | words
    with office.database.writing() as session:
        return circulars.send(session, actor=oda, slug="digits", recipients=to, **values)


def _submit(office: PostOffice, person: Person, state: EvaluationState, **more: object) -> None:
    with office.database.writing() as session:
        team = session.scalars(select(Team).where(Team.name == f"Team {person.name}")).one()
        factories.add_submission(
            session,
            office.digits,
            team,
            person,
            state=state,
            **more,  # type: ignore[arg-type]
        )


def _names(office: PostOffice) -> list[str]:
    office.postman.round()
    return sorted(one.partition("@")[0] for one in office.server.recipients)


def test_everybody_who_takes_part_gets_one_mail_with_the_words_only(office: PostOffice) -> None:
    _submit(office, office.ada, EvaluationState.SCORED, accuracy=0.912, filename="secret.zip")
    _send(office)
    _send(office)

    assert _names(office) == ["ada", "eve"]
    text = content_of(office.server.messages[0])
    assert "Submit *soon*.\n\n=1+1" in text
    assert f"{URL}/challenges/digits" in text
    assert "topic=circulars" in text
    everything = office.server.envelopes[0].original_content.decode()
    for hidden in ("0.912", "secret.zip", "eve@" if "ada@" in everything else "ada@"):
        assert hidden not in everything


@pytest.mark.parametrize(
    ("to", "expected"),
    [
        (Recipients.NO_SUBMISSION, ["eve"]),
        (Recipients.FAILED, []),
        (Recipients.SCORED, ["ada"]),
    ],
)
def test_who_gets_it_goes_by_submissions(
    office: PostOffice, to: Recipients, expected: list[str]
) -> None:
    _submit(office, office.ada, EvaluationState.SCORED, accuracy=0.9)
    if not expected:
        with pytest.raises(ParticipantError, match="nobody"):
            _send(office, to)
        return
    _send(office, to)

    assert _names(office) == expected


@pytest.mark.parametrize(
    ("failures", "expected"), [(Failures.SEALED, ["ada", "eve"]), (Failures.TYPED, ["ada"])]
)
def test_who_has_failed_goes_by_what_the_team_is_shown(
    office: PostOffice, failures: Failures, expected: list[str]
) -> None:
    _submit(office, office.ada, EvaluationState.FAILED)
    _submit(office, office.eve, EvaluationState.HELD, reason=FailureReason.EXIT_CODE)
    with office.database.writing() as session:
        session.execute(update(Phase).values(failures=failures))

    _send(office, Recipients.FAILED)

    assert _names(office) == expected


def test_a_phase_narrows_it(office: PostOffice) -> None:
    _submit(office, office.ada, EvaluationState.SCORED, accuracy=0.9)

    with pytest.raises(ParticipantError, match="nobody"):
        _send(office, Recipients.SCORED, phase="final")
    with pytest.raises(ParticipantError, match="one of the phases"):
        _send(office, Recipients.SCORED, phase="nowhere")
    _send(office, Recipients.SCORED, phase="dev")

    assert _names(office) == ["ada"]


def test_requests_are_written_to_and_who_was_put_out_is_not(office: PostOffice) -> None:
    with office.database.writing() as session:
        for person, state in (
            (office.ada, ParticipationState.BANNED), (office.oda, ParticipationState.ASKED),
        ):  # fmt: skip
            session.add(
                Participation(
                    challenge_id=office.digits.challenge.id, person_id=person.id, state=state,
                    asked_at=NOW,
                )
            )  # fmt: skip
    _send(office, Recipients.ASKED)
    _send(office)

    assert _names(office) == ["eve", "oda"]


def test_who_wants_none_or_was_put_out_meanwhile_gets_none(office: PostOffice) -> None:
    _send(office)
    with office.database.writing() as session:
        wants = set(MailTopic) - {MailTopic.CIRCULARS}
        choices.choose(session, actor=Actor(person_id=office.ada.id), wants=wants, now=NOW)
        session.add(
            Participation(
                challenge_id=office.digits.challenge.id, person_id=office.eve.id,
                state=ParticipationState.BANNED, asked_at=NOW,
            )
        )  # fmt: skip

    assert _names(office) == []
    assert office.states() == ["dropped", "dropped"]


def test_a_killed_worker_sends_nobody_another_one(office: PostOffice) -> None:
    _send(office)
    office.postman = office.new_postman(DyingMailer(office.server.mailer(), has_sent=False))
    with pytest.raises(KilledError):
        office.postman.round()
    office.postman = office.new_postman(holder="second")
    office.clock.advance(timedelta(minutes=20))

    assert _names(office) == ["ada", "eve"]


def test_stopping_ends_what_is_still_to_be_sent(office: PostOffice) -> None:
    sent = _send(office)
    for _ in range(2):
        with office.database.writing() as session:
            circulars.stop(
                session, actor=Actor(person_id=office.oda.id), slug="digits", circular_id=sent,
                now=NOW,
            )  # fmt: skip

    assert _names(office) == []
    with office.database.reading() as session:
        entries = session.scalars(select(AuditEntry).order_by(AuditEntry.number)).all()
    assert [(one.action.value, one.detail) for one in entries] == [
        ("circular.sent", {"to": "all", "people": 2}), ("circular.stopped", {}),
    ]  # fmt: skip


def test_there_are_five_in_a_day(office: PostOffice) -> None:
    for n in range(5):
        _send(office, title=f"Number {n}")
    with pytest.raises(QuotaExceededError, match="at most 5 mails"):
        _send(office)
    office.clock.advance(DAY + timedelta(seconds=1))

    _send(office)


def test_others_than_were_shown_are_asked_about_again(office: PostOffice) -> None:
    with pytest.raises(ParticipantError, match="By now it is for 2 people"):
        _send(office, shown=1)
    with pytest.raises(ParticipantError, match="sends no mail"):
        _send(office, by_mail=False)

    assert office.mails() == []


def test_reviewers_and_participants_send_nothing(office: PostOffice) -> None:
    with office.database.writing() as session:
        factories.add_organiser(session, office.digits, office.eve, Role.REVIEWER)
    more = {"phase": "", "shown": 2, "by_mail": True, "now": NOW, **WORDS}
    for person, error in ((office.eve, NotAllowedError), (office.ada, NotFoundError)):
        with office.database.writing() as session, pytest.raises(error):
            circulars.send(
                session, actor=Actor(person_id=person.id), slug="digits",
                recipients=Recipients.ALL, **more,
            )  # fmt: skip


def test_organisers_see_how_many_it_is_for_before_and_how_far_it_is_after(site: Site) -> None:
    site.change(sends_mail=True)
    organiser = site.browser(site.organiser)
    form = {**WORDS, "to": "all", "phase": ""}

    preview = organiser.post(ROOT, data=form)
    with site.context.database.reading() as session:
        before = session.scalars(select(Mail)).all()
    sent = organiser.post(ROOT, data=form | {"do": "send", "shown": "2"})
    page = organiser.get(ROOT).text

    assert preview.status_code == 200
    assert "Send it to 2 people" in preview.text
    assert before == []
    assert (sent.status_code, sent.headers["location"]) == (303, ROOT)
    assert "2 queued" in page
    assert "A week is left" in page
    assert site.browser(site.ada).get(ROOT).status_code == 404


@pytest.mark.parametrize(
    ("field", "value"), [("title", ""), ("text", ""), ("to", "else"), ("phase", "nowhere")]
)
def test_what_is_wrong_is_said_at_its_field(site: Site, field: str, value: str) -> None:
    site.change(sends_mail=True)
    form = {**WORDS, "to": "scored", "phase": "", field: value}

    answers = [
        site.browser(site.organiser).post(ROOT, data=form | more)
        for more in ({}, {"do": "send", "shown": "1"})
    ]

    assert [answer.status_code for answer in answers] == [422, 422]
    assert all(f'id="error-{field}"' in answer.text for answer in answers)
