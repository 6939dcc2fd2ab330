"""Participants ask, organisers answer: who reads what, how often one may ask, and which mails go out."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import select

from portal.db.engine import Database
from portal.db.tables import AuditEntry, Challenge, Participation, Question
from portal.domain.accounts.people import Actor
from portal.domain.accounts.tokens import Scope
from portal.domain.challenges.questions import Asking, QuestionState
from portal.domain.errors import NotFoundError, ParticipantError, QuotaExceededError
from portal.domain.permissions import Role
from portal.domain.teams.membership_rules import ParticipationState
from portal.services.accounts import deletion, export
from portal.services.challenges import questions
from tests.integration.mail.post_office import URL, PostOffice
from tests.support import factories
from tests.support.factories import NOW
from tests.support.servers.mail_server import content_of, mail_server
from tests.support.web.site import Site

ROOT = "/challenges/digits/q-and-a"
API = "/api/v1/challenges/digits/q-and-a"
QUESTION = {"title": "Are images rotated?", "text": "We see **some** <b>that are</b>."}


@pytest.fixture
def office(database: Database, tmp_path: Path) -> Iterator[PostOffice]:
    with mail_server(tmp_path) as server:
        made = PostOffice(database, server)
        with database.writing() as session:
            challenge = session.get_one(Challenge, made.digits.challenge.id)
            challenge.q_and_a = Asking.PARTICIPANTS
        yield made


@pytest.fixture
def asking(site: Site) -> Site:
    _set(site, Asking.PARTICIPANTS)
    return site


def _set(site: Site, value: Asking) -> None:
    with site.context.database.writing() as session:
        session.get_one(Challenge, site.digits.challenge.id).q_and_a = value


def _ask(office: PostOffice, person: object, **more: object) -> str:
    values = QUESTION | {"by_mail": True} | more
    with office.database.writing() as session:
        return questions.ask(
            session, actor=Actor(person_id=person.id), slug="digits", now=office.clock(), **values
        )


def _answer(office: PostOffice, question_id: str, answer: str = "No.", **more: object) -> None:
    values = {"is_public": True, "by_mail": True} | more
    with office.database.writing() as session:
        questions.answer(
            session, actor=Actor(person_id=office.oda.id), slug="digits",
            question_id=question_id, answer=answer, now=office.clock(), **values,
        )  # fmt: skip


def _asked(site: Site, who: object, **more: str) -> str:
    answer = site.browser(who).post(ROOT, data=QUESTION | more)
    assert answer.status_code == 303, answer.text
    return str(answer.headers["location"])


def _answered(site: Site, address: str, audience: str = "public", **more: str) -> None:
    data = QUESTION | {"answer": "Those of the *sample* are.", "for": audience} | more
    answer = site.browser(site.organiser).post(f"{address}/answer", data=data)
    assert answer.status_code == 303, answer.text


def test_a_public_answer_is_read_by_participants_without_a_name(asking: Site) -> None:
    address = _asked(asking, asking.ada)
    _answered(asking, address)

    listed = asking.browser(asking.eve).get(ROOT).text
    one = asking.browser(asking.eve).get(address).text

    for page in (listed, one):
        assert "Those of the <em>sample</em> are." in page
        assert "&lt;b&gt;that are&lt;/b&gt;" in page
        assert "Ada" not in page
        assert asking.ada.id not in page
    assert "Oda Organiser" in one
    assert "Ada Vlasák" in asking.browser(asking.organiser).get(f"{ROOT}?state=all").text


@pytest.mark.parametrize(
    ("setting", "visitor", "newcomer", "participant"),
    [
        (Asking.NOBODY, 404, 404, 404),
        (Asking.PARTICIPANTS, 404, 404, 200),
        (Asking.EVERYBODY, 200, 200, 200),
    ],
)
def test_the_setting_says_who_reads_answers(
    asking: Site, setting: Asking, visitor: int, newcomer: int, participant: int
) -> None:
    address = _asked(asking, asking.ada)
    _answered(asking, address)
    _set(asking, setting)

    answers = [
        tuple(asking.browser(who).get(path).status_code for path in (ROOT, address))
        for who in (None, asking.newcomer, asking.eve)
    ]

    assert answers == [(visitor,) * 2, (newcomer,) * 2, (participant,) * 2]
    tab = f'href="{ROOT}"'
    assert (tab in asking.browser().get("/challenges/digits").text) == (visitor == 200)
    assert (tab in asking.browser(asking.eve).get("/challenges/digits").text) == (
        participant == 200
    )


@pytest.mark.parametrize("what", ["waiting", "private", "closed", "hidden"])
def test_what_was_not_answered_publicly_is_for_who_asked_and_organisers(
    asking: Site, what: str
) -> None:
    _set(asking, Asking.EVERYBODY)
    address = _asked(asking, asking.ada)
    organiser = asking.browser(asking.organiser)
    if what == "private":
        _answered(asking, address, "private")
    if what == "hidden":
        _answered(asking, address)
    if what in {"closed", "hidden"}:
        organiser.post(f"{address}/end", data={"to": what, "note": "Said on the page of rules"})

    others = [asking.browser(who) for who in (None, asking.eve)]
    own = asking.browser(asking.ada).get(address)

    assert [one.get(address).status_code for one in others] == [404, 404]
    assert all("rotated" not in one.get(ROOT).text for one in others)
    assert own.status_code == 200
    assert ("sample" in own.text) == (what == "private")
    assert ("Said on the page of rules" in own.text) == (what in {"closed", "hidden"})
    assert "Are images rotated?" in organiser.get(f"{ROOT}?state={what}").text
    assert f"{ROOT}/" in asking.browser(asking.ada).get(ROOT).text


def test_what_was_hidden_comes_back_for_who_asked_only(asking: Site) -> None:
    address = _asked(asking, asking.ada)
    _answered(asking, address)
    organiser = asking.browser(asking.organiser)
    organiser.post(f"{address}/end", data={"to": "hidden", "note": "A hint at labels"})

    organiser.post(f"{address}/reopen")
    organiser.post(f"{address}/reopen")

    assert asking.browser(asking.eve).get(address).status_code == 404
    assert "sample" in asking.browser(asking.ada).get(address).text
    assert "A hint at labels" not in asking.browser(asking.ada).get(address).text


def test_organisers_take_out_of_a_question_what_others_should_not_read(asking: Site) -> None:
    address = _asked(asking, asking.ada, text="Team Ada gets 0.912. Is that good?")
    _answered(asking, address, text="Is that good?")

    page = asking.browser(asking.eve).get(address).text

    assert "0.912" not in page
    assert "Is that good?" in page


def test_the_list_of_organisers_says_how_many_wait(asking: Site) -> None:
    organiser = asking.browser(asking.organiser)
    _asked(asking, asking.ada)
    address = _asked(asking, asking.eve, title="Another")

    two = organiser.get("/challenges/digits/participants").text
    _answered(asking, address)
    waiting = organiser.get(ROOT).text

    assert ">Questions (2)</a>" in two
    assert ">Questions (1)</a>" in waiting
    assert "Are images rotated?" in waiting
    assert "Another" not in waiting
    assert "Questions (" not in asking.browser(asking.ada).get(ROOT).text


def test_answers_are_found_by_words(asking: Site) -> None:
    _answered(asking, _asked(asking, asking.ada))
    eve = asking.browser(asking.eve)

    assert "rotated" in eve.get(f"{ROOT}?q=SAMPLE").text
    assert "Are images rotated?" not in eve.get(f"{ROOT}?q=gpu").text
    assert eve.get(f"{ROOT}?state=waiting").status_code == 404
    assert eve.get(f"{ROOT}?page=2").status_code == 404
    assert asking.browser(asking.organiser).get(f"{ROOT}?state=else").status_code == 404


@pytest.mark.parametrize("number", [1, 3])
def test_the_list_takes_a_fixed_number_of_queries(asking: Site, number: int) -> None:
    with asking.context.database.writing() as session:
        for n in range(number):
            factories.add_question(
                session, asking.digits, asking.ada, f"Question {n}",
                state=QuestionState.ANSWERED, answer="So.", answered_by=asking.organiser,
            )  # fmt: skip
    eve, organiser = asking.browser(asking.eve), asking.browser(asking.organiser)

    with asking.counted_queries() as by_eve:
        eve.get(ROOT)
    with asking.counted_queries() as by_organiser:
        organiser.get(f"{ROOT}?state=all")

    assert (len(by_eve), len(by_organiser)) == (7, 6)


@pytest.mark.parametrize("who", ["newcomer", "organiser"])
def test_only_who_takes_part_asks(asking: Site, who: str) -> None:
    browser = asking.browser(getattr(asking, who))

    assert browser.get(f"{ROOT}/ask").status_code == 404
    assert browser.post(ROOT, data=QUESTION).status_code == 403


@pytest.mark.parametrize("state", [ParticipationState.BANNED, ParticipationState.REMOVED])
def test_who_was_put_out_asks_nothing_and_reads_only_their_own(
    asking: Site, state: ParticipationState
) -> None:
    own, other = _asked(asking, asking.ada), _asked(asking, asking.eve, title="Another")
    _answered(asking, other)
    with asking.context.database.writing() as session:
        session.add(
            Participation(
                challenge_id=asking.digits.challenge.id, person_id=asking.ada.id, state=state,
                asked_at=NOW,
            )
        )  # fmt: skip
    ada = asking.browser(asking.ada)

    assert ada.post(ROOT, data=QUESTION | {"title": "More"}).status_code == 403
    assert (ada.get(own).status_code, ada.get(other).status_code) == (200, 404)
    assert "Another" not in ada.get(ROOT).text


def test_reviewers_read_and_answer_nothing(asking: Site) -> None:
    address = _asked(asking, asking.ada)
    with asking.context.database.writing() as session:
        factories.add_organiser(session, asking.digits, asking.newcomer, Role.REVIEWER)
    reviewer = asking.browser(asking.newcomer)

    page = reviewer.get(address)

    assert page.status_code == 200
    assert "/answer" not in page.text
    assert (
        reviewer.post(f"{address}/answer", data={"answer": "x", "for": "public"}).status_code == 404
    )


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("title", ""),
        ("title", "x" * 121),
        ("text", " "),
        ("text", "é" * 9000),
    ],
)
def test_a_question_that_cannot_be_shown_is_refused_at_its_field(
    asking: Site, field: str, value: str
) -> None:
    answer = asking.browser(asking.ada).post(ROOT, data=QUESTION | {field: value})

    assert answer.status_code == 422
    assert f'id="error-{field}"' in answer.text


def test_an_answer_needs_a_text_and_who_reads_it(asking: Site) -> None:
    address = _asked(asking, asking.ada)
    organiser = asking.browser(asking.organiser)

    for data, field in (
        (QUESTION | {"answer": "", "for": "public"}, "answer"),
        (QUESTION | {"answer": "No.", "for": "all"}, "for"),
    ):
        answer = organiser.post(f"{address}/answer", data=data)
        assert answer.status_code == 422
        assert f'id="error-{field}"' in answer.text
    for data in ({"to": "answered", "note": "x"}, {"to": "", "note": "x"}, {"to": "closed"}):
        assert organiser.post(f"{address}/end", data=data).status_code == 422


def test_programs_list_ask_and_answer(asking: Site) -> None:
    ada = asking.program(asking.token(asking.ada, Scope.READ, Scope.SUBMIT))
    eve = asking.program(asking.token(asking.eve, Scope.READ))
    organiser = asking.program(asking.token(asking.organiser, Scope.READ, Scope.ORGANISE))

    made = ada.post(API, json=QUESTION)
    again = ada.post(API, json=QUESTION)
    waiting = organiser.get(API).json()
    answered = organiser.post(
        f"{API}/{made.json()['id']}/answer", json={"answer": "No.", "public": True}
    )
    read = eve.get(API).json()

    assert made.status_code == 201
    assert made.headers["location"].endswith(ROOT)
    assert again.json() == made.json()
    assert [one["asked_by"] for one in waiting["items"]] == ["Ada Vlasák"]
    assert answered.json()["state"] == "answered"
    assert [(one["answer"], one["asked_by"], one["is_own"]) for one in read["items"]] == [
        ("No.", "", False)
    ]


def test_a_person_asks_so_often_and_has_so_many_waiting(office: PostOffice) -> None:
    made = [_ask(office, office.ada, title=f"Question {n}") for n in range(5)]
    with pytest.raises(QuotaExceededError, match="wait for an answer"):
        _ask(office, office.ada)
    _ask(office, office.eve)
    for one in made:
        _answer(office, one)
    for n in range(5):
        _answer(office, _ask(office, office.ada, title=f"More {n}"))
    with pytest.raises(QuotaExceededError, match="in 24 hours"):
        _ask(office, office.ada)
    office.clock.advance(timedelta(days=1, seconds=1))

    assert _ask(office, office.ada)


def test_who_asked_gets_one_mail_without_question_and_answer(office: PostOffice) -> None:
    question = _ask(office, office.ada)
    _answer(office, question, "The secret answer is 42.", is_public=False)
    _answer(office, question, "The secret answer is 43.", is_public=False)
    office.postman.round()

    [message] = office.server.messages
    text = content_of(message)
    assert office.server.recipients == ["ada@nordholm.example"]
    assert f"{URL}/challenges/digits/q-and-a/{question}" in text
    assert "topic=answers" in text
    everything = office.server.envelopes[0].original_content.decode()
    assert "secret" not in everything
    assert "rotated" not in everything


def test_an_answer_that_was_hidden_before_the_mail_is_not_sent(office: PostOffice) -> None:
    question = _ask(office, office.ada)
    _answer(office, question)
    with office.database.writing() as session:
        questions.end(
            session, actor=Actor(person_id=office.oda.id), slug="digits", question_id=question,
            state=QuestionState.HIDDEN, note="A mistake", now=NOW,
        )  # fmt: skip

    assert office.postman.round() == 0


def test_a_hundred_questions_are_two_mails_to_an_organiser_at_most(office: PostOffice) -> None:
    with office.database.writing() as session:
        people = [factories.add_person(session, f"Person {n}") for n in range(20)]
        factories.add_team(session, office.digits, "Many", *people)
        factories.add_organiser(session, office.digits, office.eve, Role.REVIEWER)
    for person in people[:10]:
        for n in range(5):
            _ask(office, person, title=f"Question {n}")
    at_once = office.postman.round()
    office.clock.advance(timedelta(minutes=15))
    first = office.postman.round()
    for person in people[10:]:
        for n in range(5):
            _ask(office, person, title=f"Question {n}")
    soon = office.postman.round()
    office.clock.advance(timedelta(hours=4))
    second = office.postman.round()

    assert (at_once, first, soon, second) == (0, 1, 0, 1)
    assert office.server.recipients == ["oda@nordholm.example"] * 2
    texts = [content_of(one) for one in office.server.messages]
    assert "50 questions wait for an answer" in texts[0]
    assert "100 questions wait for an answer" in texts[1]
    assert "Question 1" not in texts[1]


def test_organisers_get_no_mail_once_all_is_answered(office: PostOffice) -> None:
    _answer(office, _ask(office, office.ada), by_mail=False)
    office.clock.advance(timedelta(minutes=15))

    assert office.postman.round() == 0
    assert office.states() == ["dropped"]


def test_nothing_is_asked_where_the_challenge_has_none(office: PostOffice) -> None:
    with office.database.writing() as session:
        session.get_one(Challenge, office.digits.challenge.id).q_and_a = Asking.NOBODY

    with pytest.raises(NotFoundError):
        _ask(office, office.ada)


def test_deleting_ones_data_takes_what_only_organisers_read(office: PostOffice) -> None:
    private, public = _ask(office, office.ada), _ask(office, office.ada, title="Another")
    _answer(office, public)
    with office.database.writing() as session:
        deletion.delete_me(
            session, actor=Actor(person_id=office.ada.id), typed="Ada", now=office.clock()
        )

    with office.database.reading() as session:
        rows = {row.id: (row.title, row.answer) for row in session.scalars(select(Question))}
    assert rows == {private: (deletion.DELETED, ""), public: ("Another", "No.")}


def test_the_export_of_an_organiser_has_no_question_of_others(office: PostOffice) -> None:
    _answer(office, _ask(office, office.ada))

    with office.database.writing() as session:
        mine = export.export(session, actor=Actor(person_id=office.ada.id), now=NOW)
        theirs = export.export(session, actor=Actor(person_id=office.oda.id), now=NOW)

    assert mine["questions"][0]["title"] == QUESTION["title"]
    assert "title" not in theirs["questions"][0]
    assert "words" not in theirs["questions"][0]


def test_the_audit_log_has_no_words_of_it(office: PostOffice) -> None:
    _answer(office, _ask(office, office.ada))

    with office.database.reading() as session:
        entries = session.scalars(select(AuditEntry).order_by(AuditEntry.number)).all()
    assert [(one.action.value, one.detail) for one in entries] == [
        ("question.asked", {}), ("question.answered", {"public": True}),
    ]  # fmt: skip


def test_an_organiser_answers_only_their_own_challenge(office: PostOffice) -> None:
    question = _ask(office, office.ada)

    with office.database.writing() as session, pytest.raises(NotFoundError):
        questions.answer(
            session, actor=Actor(person_id=office.eve.id), slug="digits", question_id=question,
            answer="x", is_public=True, now=NOW,
        )  # fmt: skip
    with office.database.writing() as session, pytest.raises(ParticipantError):
        questions.end(
            session, actor=Actor(person_id=office.oda.id), slug="digits", question_id=question,
            state=QuestionState.PRIVATE, note="x", now=NOW,
        )  # fmt: skip
