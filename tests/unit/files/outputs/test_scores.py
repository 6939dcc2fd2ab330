import json
import math
import os
import socket
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal.files.errors import BadScoreFileError
from portal.files.outputs.scores import SIZE_LIMIT, ScoreColumn, read_scores

COLUMNS = (ScoreColumn(key="f1", minimum=0, maximum=1), ScoreColumn(key="loss"))


@pytest.fixture
def score_file(tmp_path):
    return tmp_path / "scores.json"


def refusal(path):
    with pytest.raises(BadScoreFileError) as caught:
        read_scores(path, COLUMNS)
    return caught.value.reason, caught.value.message


def test_scores_come_in_the_order_of_the_columns(score_file):
    score_file.write_text('{"loss": -2e3, "f1": 1}\n')

    scores = read_scores(score_file, COLUMNS)

    assert list(scores.items()) == [("f1", 1.0), ("loss", -2000.0)]
    assert all(type(score) is float for score in scores.values())


@pytest.mark.parametrize("score", ["0", "1", "0.0", "1.0", "-0.0", "1e-400"])
def test_bounds_are_part_of_the_range(score_file, score):
    score_file.write_text(f'{{"f1": {score}, "loss": 0}}')

    assert read_scores(score_file, COLUMNS)["f1"] in {0.0, 1.0}


OBJECT = ("not_json", "The score file is not a JSON object.")
NUMBER = ("not_a_number", "The score 'f1' is not a number.")
BOUNDS = ("out_of_bounds", "The score 'f1' is outside its bounds.")
LARGE = ("not_finite", "The score 'loss' is too large to be a number.")


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        pytest.param("", OBJECT, id="empty"),
        pytest.param("f1: 1", OBJECT, id="not-json"),
        pytest.param("[1, 2]", OBJECT, id="list"),
        pytest.param("0.5", OBJECT, id="number"),
        pytest.param("null", OBJECT, id="null"),
        pytest.param('{"f1": 1, "loss": 0} {}', OBJECT, id="something-behind"),
        pytest.param('{"f1": 1, "loss": 0', OBJECT, id="cut"),
        pytest.param('{"f1": 01, "loss": 0}', OBJECT, id="leading-zero"),
        pytest.param("{'f1': 1, 'loss': 0}", OBJECT, id="single-quotes"),
        pytest.param("[" * 60_000, OBJECT, id="deep-list"),
        pytest.param('{"f1":' * 10_000, OBJECT, id="deep-object"),
        pytest.param('\ufeff{"f1": 1, "loss": 0}', OBJECT, id="byte-order-mark"),
        pytest.param('{"f1": "1", "loss": 0}', NUMBER, id="string"),
        pytest.param('{"f1": true, "loss": 0}', NUMBER, id="true"),
        pytest.param('{"f1": false, "loss": 0}', NUMBER, id="false"),
        pytest.param('{"f1": null, "loss": 0}', NUMBER, id="null-score"),
        pytest.param('{"f1": [1], "loss": 0}', NUMBER, id="list-score"),
        pytest.param('{"f1": {"f1": 1}, "loss": 0}', NUMBER, id="nested"),
        pytest.param(
            '{"f1": NaN, "loss": 0}',
            ("not_finite", "The score file has NaN, which is not a score."),
            id="nan",
        ),
        pytest.param(
            '{"f1": 0, "loss": Infinity}',
            ("not_finite", "The score file has Infinity, which is not a score."),
            id="infinity",
        ),
        pytest.param(
            '{"f1": 0, "loss": -Infinity}',
            ("not_finite", "The score file has -Infinity, which is not a score."),
            id="minus-infinity",
        ),
        pytest.param('{"f1": 0, "loss": 1e999}', LARGE, id="overflow"),
        pytest.param(f'{{"f1": 0, "loss": {"9" * 5000}}}', LARGE, id="huge-integer"),
        pytest.param('{"f1": 1.0000001, "loss": 0}', BOUNDS, id="above"),
        pytest.param('{"f1": -1e-9, "loss": 0}', BOUNDS, id="below"),
        pytest.param(
            '{"f1": 1}', ("missing_key", "The score file lacks the key 'loss'."), id="missing-key"
        ),
        pytest.param(
            '{"f1": 1, "loss": 0, "x": 1}',
            ("unknown_key", "The score file has the undeclared key 'x'."),
            id="unknown-key",
        ),
        pytest.param(
            '{"f1": 1, "loss": 0, "<b>\\u001b[1m": 1}',
            ("unknown_key", "The score file has the undeclared key '<b>\\x1b[1m'."),
            id="control-character-in-key",
        ),
        pytest.param(
            '{"f1": 1, "loss": 0, "f1": 0}',
            ("duplicate_key", "The score file has a key twice."),
            id="duplicate-key",
        ),
        pytest.param(
            '{"f1": 1, "loss": 0, "\\u00661": 0}',
            ("duplicate_key", "The score file has a key twice."),
            id="duplicate-key-by-escape",
        ),
    ],
)
def test_what_is_not_a_flat_object_of_scores_is_refused(score_file, content, expected):
    score_file.write_text(content, encoding="utf-8")

    assert refusal(score_file) == expected


def test_a_file_of_the_largest_size_is_read(score_file):
    score_file.write_text('{"f1": 1, "loss": 0}'.ljust(SIZE_LIMIT))

    assert read_scores(score_file, COLUMNS) == {"f1": 1.0, "loss": 0.0}


def test_a_larger_file_is_refused(score_file):
    score_file.write_text('{"f1": 1, "loss": 0}'.ljust(SIZE_LIMIT + 1))

    assert refusal(score_file) == ("too_large", "The score file is larger than 64 KiB.")


def test_bytes_that_are_not_text_are_refused(score_file):
    score_file.write_bytes(b'{"f1": 1, "loss": 0, "\xff": 0}')

    assert refusal(score_file) == ("not_json", "The score file is not UTF-8 text.")


def test_an_absent_file_is_missing(score_file):
    assert refusal(score_file) == ("missing", "The scorer wrote no score file.")


def link(path):
    target = path.with_name("other.json")
    target.write_text('{"f1": 1, "loss": 0}')
    path.symlink_to(target)


def second_name(path):
    path.write_text('{"f1": 1, "loss": 0}')
    path.with_name("other.json").hardlink_to(path)


def unix_socket(path):
    # The path of a socket is short by nature, so it is bound by its name alone.
    with socket.socket(socket.AF_UNIX) as one:
        here = os.open(path.parent, os.O_RDONLY)
        one.bind(f"/proc/self/fd/{here}/{path.name}")
        os.close(here)


OPEN = ("not_a_file", "The score file cannot be opened.")
PLAIN = ("not_a_file", "The score file is not a plain file with one name.")


@pytest.mark.parametrize(
    ("make", "expected"),
    [
        pytest.param(link, OPEN, id="link"),
        pytest.param(lambda path: path.symlink_to("nowhere"), OPEN, id="dangling-link"),
        pytest.param(lambda path: path.symlink_to(path.name), OPEN, id="link-to-itself"),
        pytest.param(unix_socket, OPEN, id="socket"),
        pytest.param(second_name, PLAIN, id="second-name"),
        pytest.param(os.mkfifo, PLAIN, id="fifo"),
        pytest.param(lambda path: path.mkdir(), PLAIN, id="directory"),
    ],
)
def test_what_is_not_a_plain_file_is_refused(score_file, make, expected):
    make(score_file)

    assert refusal(score_file) == expected


def test_a_device_is_refused():
    # Reading it would never end.
    assert refusal(Path("/dev/zero")) == PLAIN


@given(st.binary(max_size=300))
def test_arbitrary_bytes_raise_nothing_else(tmp_path_factory, content):
    file = tmp_path_factory.mktemp("scores") / "scores.json"
    file.write_bytes(content)

    with suppress(BadScoreFileError):
        read_scores(file, COLUMNS)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner) | st.dictionaries(st.sampled_from(["f1", "loss", "x"]), inner),
)


@given(JSON)
def test_what_is_accepted_is_finite_and_within_bounds(tmp_path_factory, value):
    file = tmp_path_factory.mktemp("scores") / "scores.json"
    file.write_text(json.dumps(value))

    with suppress(BadScoreFileError):
        scores = read_scores(file, COLUMNS)
        assert scores == value
        assert all(map(math.isfinite, scores.values()))
        assert 0 <= scores["f1"] <= 1


@given(f1=st.floats(0, 1), loss=st.floats(allow_nan=False, allow_infinity=False))
def test_every_good_score_is_read_exactly(tmp_path_factory, f1, loss):
    file = tmp_path_factory.mktemp("scores") / "scores.json"
    file.write_text(json.dumps({"f1": f1, "loss": loss}))

    assert read_scores(file, COLUMNS) == {"f1": f1, "loss": loss}
