"""A scorer that a participant's output has turned: what its score file can do. Nothing.

Each attempt goes the whole way: a score job of the pretended cluster leaves the file, the worker
takes it in. Before that a reader without the defence shows what the file is good for.
"""

import json
import math
from pathlib import Path

import pytest
from sqlalchemy import func, select
from starlette.testclient import TestClient

from portal.db.tables import Evaluation, Result, Standing
from portal.domain.evaluations.failures import FailureReason
from portal.files.errors import BadScoreFileError
from portal.files.outputs.scores import ScoreColumn, read_scores
from portal.web.app import create_app
from tests.support import factories
from tests.support.servers.portal import log_in, new_context
from tests.support.worker.pretended_node import good_scores
from tests.support.worker.world import World

PLAIN = '{"accuracy": 0.5, "loss": 1}'


def _naive(text: str) -> dict[str, float]:
    """Read a score file as one would who trusts it."""
    found: dict[str, float] = json.loads(text)
    return found


def _attempt(world: World, text: str) -> Evaluation:
    """Let the score job of a submission leave this file; return what became of it."""

    def score(output: Path) -> int:
        (output / "scores.json").write_text(text)
        return 0

    world.node.score = score
    return world.run_until_final(world.submit())


def _assert_it_gave_nothing(world: World, evaluation: Evaluation) -> None:
    assert evaluation.reason is FailureReason.BAD_SCORES
    with world.database.reading() as session:
        for table in (Result, Standing):
            assert session.scalar(select(func.count()).select_from(table)) == 0
    # The worker has lived through it, and takes in the next one.
    world.node.score = good_scores
    assert world.run_until_final(world.submit()).state == "scored"


@pytest.mark.attack(32)
@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "1e999", "-1e999"])
def test_a_score_that_is_no_finite_number_is_no_score(world: World, number: str) -> None:
    text = f'{{"accuracy": 0.5, "loss": {number}}}'
    assert not math.isfinite(_naive(text)["loss"])

    evaluation = _attempt(world, text)

    assert evaluation.detail in {
        f"The score file has {number}, which is not a score.",
        "The score 'loss' is too large to be a number.",
    }
    _assert_it_gave_nothing(world, evaluation)


@pytest.mark.attack(33)
@pytest.mark.parametrize(
    ("value", "told"),
    [
        pytest.param("2", "The score 'accuracy' is outside its bounds.", id="above"),
        pytest.param("-0.001", "The score 'accuracy' is outside its bounds.", id="negative"),
        pytest.param("9" * 400, "The score 'accuracy' is too large to be a number.", id="huge"),
        pytest.param("true", "The score 'accuracy' is not a number.", id="bool"),
        pytest.param('"0.99"', "The score 'accuracy' is not a number.", id="string"),
        pytest.param("null", "The score 'accuracy' is not a number.", id="null"),
        pytest.param("[1]", "The score 'accuracy' is not a number.", id="list"),
    ],
)
def test_a_value_that_is_not_a_score_within_bounds_is_none(
    world: World, value: str, told: str
) -> None:
    text = f'{{"accuracy": {value}, "loss": 1}}'
    assert "accuracy" in _naive(text)

    evaluation = _attempt(world, text)

    assert evaluation.detail == told
    _assert_it_gave_nothing(world, evaluation)


@pytest.mark.attack(34)
@pytest.mark.parametrize(
    ("text", "told"),
    [
        pytest.param("[" * 60_000, "The score file is not a JSON object.", id="deep"),
        pytest.param(
            '{"a":' * 10_000 + "1" + "}" * 10_000, "The score file is not a JSON object.",
            id="deep-and-whole",
        ),
        pytest.param(
            "[" * 100_000 + "]" * 100_000, "The score file is larger than 64 KiB.",
            id="deeper-than-the-limit",
        ),
    ],
)  # fmt: skip
def test_a_deep_score_file_does_not_end_the_worker(world: World, text: str, told: str) -> None:
    with pytest.raises((RecursionError, ValueError)):
        _naive(text)

    evaluation = _attempt(world, text)

    assert evaluation.detail == told
    _assert_it_gave_nothing(world, evaluation)


@pytest.mark.attack(34)
def test_a_score_file_of_many_gigabytes_is_not_read(tmp_path: Path) -> None:
    # Sparse: it takes no room, but whoever reads it all gets every byte.
    path = tmp_path / "scores.json"
    with path.open("wb") as stream:
        stream.write(PLAIN.encode())
        stream.truncate(64 * 2**30)
    assert path.stat().st_size == 64 * 2**30

    before = _most_memory()
    with pytest.raises(BadScoreFileError) as refusal:
        read_scores(path, [ScoreColumn(key="accuracy"), ScoreColumn(key="loss")])

    assert refusal.value.message == "The score file is larger than 64 KiB."
    assert _most_memory() - before < 8 * 1024


def _most_memory() -> int:
    """Return the most memory that this process has had, in KiB."""
    status = Path("/proc/self/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0])


@pytest.mark.attack(35)
@pytest.mark.parametrize(
    "text",
    [
        pytest.param('{"accuracy": 0.1, "loss": 1, "accuracy": 0.99}', id="twice"),
        pytest.param('{"accuracy": 0.1, "loss": 1, "\\u0061ccuracy": 0.99}', id="by-escape"),
    ],
)
def test_a_key_that_is_there_twice_is_not_chosen_from(world: World, text: str) -> None:
    assert _naive(text)["accuracy"] == 0.99

    evaluation = _attempt(world, text)

    assert evaluation.detail == "The score file has a key twice."
    _assert_it_gave_nothing(world, evaluation)


ACTIVE = "<script>fetch(1)</script>"
ANSI = "\x1b[2J\x1b]0;owned\x07"


@pytest.mark.attack(36)
def test_what_a_scorer_writes_acts_neither_on_a_page_nor_on_a_terminal(
    world: World, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    key = json.dumps(ACTIVE + ANSI)
    text = f'{{"accuracy": 0.5, "loss": 1, {key}: 1}}'
    assert ACTIVE + ANSI in _naive(text)

    def score(output: Path) -> int:
        (output / "scores.json").write_text(text)
        (output.parent / "stdout.log").write_text(f"scoring {ACTIVE}{ANSI}\n")
        (output.parent / "stdout.log").chmod(0o640)
        return 0

    world.node.score = score
    submission = world.submit()
    evaluation = world.run_until_final(submission)

    page = _as_staff(world, tmp_path).get(f"/submissions/{submission}/sealed")

    assert page.status_code == 200
    assert "scoring &lt;script&gt;fetch" in page.text
    assert "has the undeclared key &#39;&lt;script&gt;" in page.text
    assert ACTIVE not in page.text
    for told in (page.text, evaluation.detail, capsys.readouterr().out):
        assert "\x1b" not in told
        assert "\x07" not in told


@pytest.mark.attack(50)
def test_the_details_that_a_scorer_writes_are_served_nowhere(world: World, tmp_path: Path) -> None:
    """``detailed_results.html`` stays in the run's directory: the portal reads and serves none yet.

    Once it does, it has to be in a sandboxed frame on no origin; this test will fail then.
    """

    def score(output: Path) -> int:
        (output / "detailed_results.html").write_text(ACTIVE)
        return good_scores(output)

    world.node.score = score
    submission = world.submit()
    world.run_until_final(submission)
    [written] = (tmp_path / "storage").rglob("detailed_results.html")
    browser = _as_staff(world, tmp_path)

    places = ("", "/sealed", "/detailed_results.html", "/results", "/details")
    answers = [browser.get(f"/submissions/{submission}{place}") for place in places]

    assert written.read_text() == ACTIVE
    assert [answer.status_code for answer in answers] == [200, 200, 404, 404, 404]
    assert all(ACTIVE not in answer.text for answer in answers)


def _as_staff(world: World, folder: Path) -> TestClient:
    context = new_context(folder / "web", database=world.database)
    with world.database.writing() as session:
        staff = factories.add_person(session, "Site Staff", is_staff=True)
    browser = TestClient(create_app(context), base_url=context.site_url)
    browser.cookies["sealrun"] = log_in(context, staff.id)
    return browser
