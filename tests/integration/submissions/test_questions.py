"""The form of a submission, on the page and in the API: asked, checked, changed until it closes, and shown."""

import json
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from portal.db.tables import AuditEntry, Challenge, Phase, Submission
from portal.domain.accounts.tokens import Scope
from portal.domain.audit import Action
from portal.domain.challenges.life import ChallengeState
from portal.domain.submissions.questions import Question, QuestionType
from portal.services.submissions.questions import answers
from portal.web.local_paths import API
from tests.support.factories import DAY, NOW
from tests.support.web.site import Site

ROOT = "/challenges/digits"
SUBMIT = f"{ROOT}/submit"
FORM = {"phase": "dev", "kind": "results"}
FILE = {"file": ("predictions.csv", b"id,digit\n")}
HOSTILE = "=1+1 <script>alert(1)</script>"
ASKED = (
    Question(key="method", title="Method <1>", type=QuestionType.TEXT, is_required=True),
    Question(
        key="own_data", title="Own data", type=QuestionType.CHOICE, choices=("yes", "no"),
        on_board=True,
    ),
    Question(key="report", title="Report", type=QuestionType.URL, until=NOW + 100 * DAY),
    Question(key="gpus", title="GPUs", type=QuestionType.NUMBER, until=NOW - DAY),
    Question(key="open", title="Open", type=QuestionType.CHECKBOX),
)  # fmt: skip
ANSWERS = {
    "answer-method": HOSTILE, "answer-own_data": "no",
    "answer-report": "https://arxiv.example/1", "answer-gpus": "2",
}  # fmt: skip
KEPT = {"method": HOSTILE, "own_data": "no", "report": "https://arxiv.example/1", "gpus": 2.0}


@pytest.fixture
def asking(site: Site) -> Site:
    """Give the site, whose challenge asks something."""
    with site.context.database.writing() as session:
        challenge = session.get_one(Challenge, site.digits.challenge.id)
        challenge.questions = [one.as_json() for one in ASKED]
    return site


def _of_eve(site: Site) -> list[Submission]:
    with site.context.database.reading() as session:
        rows = session.scalars(select(Submission).order_by(Submission.id)).all()
    return [row for row in rows if row.person_id == site.eve.id]


def _submitted(site: Site) -> str:
    made = site.browser(site.eve).post(SUBMIT, data=FORM | ANSWERS, files=FILE)
    assert made.status_code == 303
    return made.headers["location"]


def test_the_form_asks_and_what_is_answered_is_kept_and_shown(asking: Site) -> None:
    form = asking.browser(asking.eve).get(SUBMIT).text

    address = _submitted(asking)
    page = asking.browser(asking.eve).get(address).text
    listed = asking.browser(asking.organiser).get(f"{ROOT}/submissions").text

    assert 'name="answer-method"' in form
    assert "Method &lt;1&gt;" in form
    assert [row.answers for row in _of_eve(asking)] == [KEPT]
    for text in (page, listed):
        assert "<script>alert" not in text
        assert "=1+1 &lt;script&gt;alert(1)&lt;/script&gt;" in text
    assert '<a href="https://arxiv.example/1" rel="nofollow noopener noreferrer">' in page
    assert asking.browser(asking.ada).get(address).status_code == 404


def test_what_is_wrong_stands_at_its_field_and_nothing_is_kept(asking: Site) -> None:
    wrong = {"answer-method": "", "answer-report": "http://x", "answer-gpus": "nan"}

    refused = asking.browser(asking.eve).post(SUBMIT, data=FORM | ANSWERS | wrong, files=FILE)

    assert refused.status_code == 422
    for field in ("method", "report", "gpus"):
        assert f'href="#field-answer-{field}"' in refused.text
        assert f'id="error-answer-{field}"' in refused.text
    assert 'value="http://x"' in refused.text
    assert _of_eve(asking) == []
    root = asking.context.store.incoming_directory.parent
    assert [path for path in root.rglob("*") if path.is_file()] == []


def test_programs_answer_in_json(asking: Site) -> None:
    program = asking.program(asking.token(asking.eve, Scope.SUBMIT, Scope.READ))
    given = {"method": "U-Net", "own_data": "yes", "gpus": 2, "open": True, "report": None}

    made = program.post(
        f"{API}{ROOT}/submissions", data=FORM | {"answers": json.dumps(given)}, files=FILE
    )
    shown = program.get(made.headers["location"]).json()
    asked = program.get(f"{API}{ROOT}").json()["questions"]

    assert shown["answers"] == {"method": "U-Net", "own_data": "yes", "gpus": 2.0, "open": True}
    assert [(one["key"], one["type"], one["required"]) for one in asked] == [
        ("method", "text", True), ("own_data", "choice", False), ("report", "url", False),
        ("gpus", "number", False), ("open", "checkbox", False),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        ("{", "incomplete"),
        ("[]", "incomplete"),
        ('{"method": ["U-Net"]}', "incomplete"),
        ('{"method": "U-Net", "gpus": NaN}', "incomplete"),
        ('{"method": "U-Net", "gpus": 1e999}', "answers"),
        ('{"method": "U-Net", "nothing": 1}', "answers"),
        ("{}", "answers"),
        ("[" * 7000, "incomplete"),
    ],
)
def test_answers_that_are_none_are_refused(asking: Site, given: str, reason: str) -> None:
    program = asking.program(asking.token(asking.eve, Scope.SUBMIT))

    answer = program.post(f"{API}{ROOT}/submissions", data=FORM | {"answers": given}, files=FILE)

    assert (answer.status_code, answer.json()["error"]["reason"]) == (422, reason)
    assert _of_eve(asking) == []


def _change(site: Site, address: str, **fields: str) -> Any:
    form = {name: value for name, value in ANSWERS.items() if name != "answer-gpus"}
    return site.browser(site.eve).post(f"{address}/answers", data=form | fields)


def test_a_team_changes_what_is_still_open_and_each_change_is_written_down(asking: Site) -> None:
    address = _submitted(asking)
    form = asking.browser(asking.eve).get(f"{address}/answers").text

    changed = _change(asking, address, **{"answer-report": "https://doi.example/2"})
    again = _change(asking, address, **{"answer-report": "https://doi.example/2"})
    tried = _change(
        asking, address, **{"answer-gpus": "8", "answer-report": "https://doi.example/2"}
    )

    assert 'name="answer-gpus"' not in form
    assert (changed.status_code, again.status_code, tried.status_code) == (303, 303, 303)
    assert _of_eve(asking)[0].answers == KEPT | {"report": "https://doi.example/2"}
    with asking.context.database.reading() as session:
        found = select(AuditEntry.detail).where(AuditEntry.action == Action.ANSWERS_CHANGED)
        assert session.scalars(found).all() == [{"questions": ["report"]}]


def test_after_the_phase_only_what_has_a_later_end_can_be_changed(asking: Site) -> None:
    address = _submitted(asking)
    with asking.context.database.writing() as session:
        session.get_one(Phase, asking.digits.dev.id).ends_at = NOW - timedelta(minutes=1)
    program = asking.program(asking.token(asking.eve, Scope.SUBMIT))
    call = f"{API}{address}/answers"

    late = program.post(call, json={"answers": {"method": "Another"}})
    report = program.post(call, json={"answers": {"report": None}})

    assert (late.status_code, late.json()["error"]["reason"]) == (422, "answers")
    assert "can no longer be changed" in late.json()["error"]["message"]
    assert report.status_code == 200
    assert "report" not in report.json()["answers"]
    assert _of_eve(asking)[0].answers == {k: v for k, v in KEPT.items() if k != "report"}


def test_only_the_team_changes_its_answers(asking: Site) -> None:
    address = _submitted(asking)

    for who in (asking.ada, asking.organiser, asking.staff):
        browser = asking.browser(who)
        assert browser.get(f"{address}/answers").status_code == 404
        assert browser.post(f"{address}/answers", data=ANSWERS).status_code == 404


def test_an_archive_rests(asking: Site) -> None:
    address = _submitted(asking)
    with asking.context.database.writing() as session:
        session.get_one(Challenge, asking.digits.challenge.id).state = ChallengeState.ARCHIVED

    assert _change(asking, address, **{"answer-own_data": "yes"}).status_code == 403
    assert _of_eve(asking)[0].answers == KEPT


def test_only_answers_for_the_board_are_given_to_it(asking: Site) -> None:
    _submitted(asking)
    [row] = _of_eve(asking)

    with asking.context.database.reading() as session:
        found = answers.on_boards(session, ASKED, [row.id])

    assert {key: [one.text for one in facts] for key, facts in found.items()} == {row.id: ["no"]}


def test_the_board_shows_what_is_for_it_and_what_is_changed_at_once(asking: Site) -> None:
    made = _submitted(asking)
    with asking.context.database.writing() as session:
        row = session.scalars(select(Submission).where(Submission.id == asking.submission_id)).one()
        row.answers = KEPT | {"method": "SECRET"}
    board, visitor = f"{ROOT}/leaderboard", asking.browser()
    before = visitor.get(board).text
    program = asking.program(asking.token(asking.ada, Scope.SUBMIT))

    changed = program.post(
        f"{API}/submissions/{asking.submission_id}/answers",
        json={"answers": {"own_data": "yes", "method": "SECRET"}},
    )

    assert changed.status_code == 200
    assert '<th scope="col">Own data</th>' in before
    assert '<td class="note">no</td>' in before
    assert '<td class="note">yes</td>' in visitor.get(board).text
    for text in (before, visitor.get(board).text):
        assert "SECRET" not in text
        assert "arxiv.example" not in text
    assert made not in before


def test_the_words_of_a_person_go_with_their_data(asking: Site) -> None:
    _submitted(asking)

    with asking.context.database.writing() as session:
        answers.erase_words(session, asking.eve.id)

    assert _of_eve(asking)[0].answers == {"own_data": "no", "gpus": 2.0}
