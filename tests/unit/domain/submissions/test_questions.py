"""What an answer can be, and what is refused; what users write is hostile."""

from datetime import UTC, datetime

import pytest

from portal.domain.submissions.questions import (
    AnswersError,
    Question,
    QuestionType,
    as_field,
    question_from_json,
    read,
)

ASKED = (
    Question(key="method", title="Method", type=QuestionType.TEXT, is_required=True),
    Question(key="gpus", title="GPUs", type=QuestionType.NUMBER),
    Question(
        key="own_data", title="Own data", type=QuestionType.CHOICE, choices=("yes", "no"),
        on_board=True, until=datetime(2027, 2, 15, tzinfo=UTC),
    ),
    Question(key="open", title="Open", type=QuestionType.CHECKBOX),
    Question(key="report", title="Report", type=QuestionType.URL, help="A pre-print."),
)  # fmt: skip
GOOD = {"method": "U-Net"}


def _refused(**written: str) -> str:
    with pytest.raises(AnswersError) as refusal:
        read(ASKED, GOOD | written)
    [message] = refusal.value.errors.values()
    return message


def test_answers_are_kept_as_what_they_are() -> None:
    written = GOOD | {
        "gpus": " 2.50 ", "own_data": "no", "open": "yes",
        "report": "https://arxiv.example/abs/2101.1?v=2#top",
    }  # fmt: skip

    assert read(ASKED, written) == {
        "method": "U-Net",
        "gpus": 2.5,
        "own_data": "no",
        "open": True,
        "report": "https://arxiv.example/abs/2101.1?v=2#top",
    }


def test_what_nobody_wrote_is_no_answer() -> None:
    empty = dict.fromkeys(("gpus", "own_data", "open", "report"), "")

    assert read(ASKED, GOOD | empty) == GOOD


@pytest.mark.parametrize("question", ASKED)
def test_a_question_is_kept_without_a_loss(question: Question) -> None:
    assert question_from_json(question.as_json()) == question


@pytest.mark.parametrize(
    "number", ["nan", "inf", "-inf", "1e999", "1_000", "0x10", "\u0661", "1,5", "--1", "9" * 41]
)
def test_no_number_is_refused(number: str) -> None:
    assert _refused(gpus=number) == "GPUs: write a number such as 12.5."


@pytest.mark.parametrize(
    "address",
    [
        "http://arxiv.example", "javascript:alert(1)", "https://", "https:///x", "//arxiv.example",
        "https://user:word@arxiv.example", "https://a b", 'https://x"onclick=', "data:text/html,x",
        "https://[::1", "https://x:99999999/", "https://\u0430rxiv.example", "ftp://x",
        "https://x/<script>", "https://x/\\y",
    ],
)  # fmt: skip
def test_an_address_that_no_page_should_link_to_is_refused(address: str) -> None:
    assert _refused(report=address).startswith("Report: write an address")


@pytest.mark.parametrize(
    ("key", "value", "says"),
    [
        ("method", "x" * 501, "Method: write at most 500 characters."),
        (
            "method",
            "two\nlines",
            "Method: write one line, without characters that cannot be shown.",
        ),
        ("method", "a\u202eb", "Method: write one line, without characters that cannot be shown."),
        ("method", "", "Method: answer this to submit."),
        ("own_data", "maybe", "Own data: choose one of the answers."),
        ("open", "on", "Open: choose one of the answers."),
        ("nothing", "x", "There is no question 'nothing'."),
    ],
)
def test_what_does_not_fit_is_said_at_its_question(key: str, value: str, says: str) -> None:
    assert _refused(**{key: value}) == says


def test_a_run_on_the_sample_may_leave_out_what_is_required() -> None:
    assert read(ASKED, {}, must_answer=False) == {}


def test_a_required_box_has_to_be_ticked() -> None:
    asked = (Question(key="rules", title="Rules", type=QuestionType.CHECKBOX, is_required=True),)

    with pytest.raises(AnswersError) as refusal:
        read(asked, {"rules": ""})

    assert refusal.value.errors == {"rules": "Rules: tick this to submit."}


@pytest.mark.parametrize(
    ("answer", "field"), [(None, ""), (True, "yes"), (2.5, "2.5"), (1e21, "1e+21"), ("a", "a")]
)
def test_an_answer_fills_its_field_again(answer: str | float | bool | None, field: str) -> None:
    assert as_field(answer) == field
