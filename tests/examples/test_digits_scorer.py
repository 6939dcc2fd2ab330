"""The scorer: right scores for good predictions, one line and exit code 65 for everything else."""

import json
import os
from fractions import Fraction

import pytest

TRUTH = {"test-0001": 7, "test-0002": 7, "test-0003": 1, "test-0004": 0}
HEADER = "id,digit,confidence\n"
GOOD = HEADER + "test-0001,7,1\ntest-0002,1,0.5\ntest-0003,1,0.75\ntest-0004,0,0\n"


@pytest.fixture(autouse=True)
def truth(scoring):
    rows = "".join(f"{name},{digit}\n" for name, digit in TRUTH.items())
    scoring.truth.write_text(f"id,digit\n{rows}")


def test_scores_follow_from_their_definitions(scoring):
    scoring.predictions.write_text(GOOD)

    done = scoring.run()

    # F1: 7 is right once, shown twice, named once: 2/3. 1 is shown once, named twice: 2/3. 0: 1.
    f1 = (Fraction(2, 3) + Fraction(2, 3) + 1) / 10
    brier = (Fraction(0) + Fraction(1, 4) + Fraction(1, 16) + 1) / 4
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert json.loads((scoring.output / "scores.json").read_text()) == {
        "accuracy": 0.75,
        "macro_f1": round(float(f1), 6),
        "brier": round(float(brier), 6),
    }


def test_organisers_get_the_recall_and_a_page_of_counts(scoring):
    scoring.predictions.write_text(GOOD)

    scoring.run()

    private = json.loads((scoring.output / "private.json").read_text())
    page = (scoring.output / "detailed_results.html").read_text()
    assert private == {"recall": {"0": 1.0, "1": 1.0, "7": 0.5}}
    assert page.count("<td>") == 100
    assert "<script" not in page


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(GOOD.replace("\n", "\r\n"), id="windows line ends"),
        pytest.param(GOOD.rstrip("\n"), id="no last line end"),
        pytest.param("\ufeff" + GOOD, id="byte order mark"),
        pytest.param(
            HEADER + "".join(sorted(GOOD.splitlines(keepends=True)[1:], reverse=True)),
            id="other order",
        ),
        pytest.param(GOOD.replace(",1\n", ",1.000\n"), id="trailing zeros"),
    ],
)
def test_harmless_differences_do_not_matter(scoring, text):
    scoring.predictions.write_text(GOOD)
    scoring.run()
    plain = (scoring.output / "scores.json").read_text()

    scoring.predictions.write_bytes(text.encode())
    done = scoring.run()

    assert (done.returncode, (scoring.output / "scores.json").read_text()) == (0, plain)


def with_confidence(text: str) -> bytes:
    return GOOD.replace("0.75", text).encode()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        pytest.param(b"", "line 1 of predictions.csv must be id,digit,confidence", id="empty"),
        pytest.param(b"\n" * 5, "line 1 of predictions.csv must be id,digit,confidence", id="empty lines"),
        pytest.param(GOOD[len(HEADER) :].encode(), "line 1 of predictions.csv must be id,digit,confidence", id="no header"),
        pytest.param(b"\xef\xbb\xbf" * 2 + GOOD.encode(), "predictions.csv is not plain ASCII text", id="two byte order marks"),
        pytest.param(b"\xff\xfe\x00", "predictions.csv is not plain ASCII text", id="binary"),
        pytest.param(GOOD.replace("test-0003,1", "test-0003,\u0661").encode(), "predictions.csv is not plain ASCII text", id="arabic digit"),
        pytest.param(HEADER.encode(), "predictions.csv answers 0 of 4 images", id="header only"),
        pytest.param(GOOD.encode().replace(b"test-0004,0,0\n", b""), "predictions.csv answers 3 of 4 images", id="one missing"),
        pytest.param(GOOD.encode() + b"test-0001,7,1\n", "line 6 of predictions.csv names an image again", id="one twice"),
        pytest.param(GOOD.encode() + b"test-9999,7,1\n", "line 6 of predictions.csv names an unknown image", id="unknown"),
        pytest.param(GOOD.encode() + b"\n", "line 6", id="blank line"),
        pytest.param(GOOD.encode() + b"test-0001\n", "line 6", id="too few columns"),
        pytest.param(GOOD.encode() + b"test-0001,7,1,1\n", "line 6", id="too many columns"),
        pytest.param(GOOD.replace("test-0003,1,", "test-0003,10,").encode(), "line 4", id="digit 10"),
        pytest.param(GOOD.replace("test-0003,1,", "test-0003,-1,").encode(), "line 4", id="digit -1"),
        pytest.param(GOOD.replace("test-0003,1,", "test-0003,,").encode(), "line 4", id="no digit"),
        pytest.param(with_confidence("nan"), "line 4", id="nan"),
        pytest.param(with_confidence("NaN"), "line 4", id="NaN"),
        pytest.param(with_confidence("inf"), "line 4", id="inf"),
        pytest.param(with_confidence("-0.1"), "line 4", id="negative"),
        pytest.param(with_confidence("1.1"), "line 4", id="above one"),
        pytest.param(with_confidence("1e-1"), "line 4", id="exponent"),
        pytest.param(with_confidence("1_0"), "line 4", id="underscore"),
        pytest.param(with_confidence(" 0.5"), "line 4", id="space"),
        pytest.param(with_confidence("0." + "1" * 400), "line 4", id="endless decimals"),
        pytest.param(with_confidence(""), "line 4", id="no confidence"),
        pytest.param(with_confidence("\x1b[31m0.5"), "line 4", id="terminal escape"),
        pytest.param(with_confidence("0.5\x00"), "line 4", id="zero byte"),
        pytest.param(with_confidence("0.5\x0b"), "line 4", id="vertical tab"),
        pytest.param(with_confidence('"0.5"'), "line 4", id="quoted"),
        pytest.param(b"x" * (1024 * 1024 + 1), "predictions.csv is larger than 1048576 bytes", id="too large"),
        pytest.param(HEADER.encode() + b"\n" * 1_000_000, "line 2", id="a million lines"),
    ],
)  # fmt: skip
def test_predictions_that_break_the_format_are_refused(scoring, content, message):
    scoring.predictions.write_bytes(content)

    done = scoring.run()

    assert (done.returncode, done.stdout) == (65, "")
    assert done.stderr.startswith(message)
    assert done.stderr.endswith("\n")
    assert done.stderr[:-1].isprintable()
    assert list(scoring.output.iterdir()) == []


def test_missing_predictions_are_refused(scoring):
    done = scoring.run()

    assert (done.returncode, done.stderr) == (
        65,
        "predictions.csv is missing or is not a plain file\n",
    )


def test_a_link_to_the_truth_is_not_followed(scoring):
    scoring.predictions.symlink_to(scoring.truth)

    done = scoring.run()

    assert (done.returncode, done.stderr) == (
        65,
        "predictions.csv is missing or is not a plain file\n",
    )


def test_a_fifo_does_not_stop_the_scorer(scoring):
    os.mkfifo(scoring.predictions)

    done = scoring.run()

    assert (done.returncode, done.stderr) == (65, "predictions.csv is not a plain file\n")


def test_a_folder_in_place_of_the_file_is_refused(scoring):
    scoring.predictions.mkdir()

    done = scoring.run()

    assert (done.returncode, done.stderr) == (65, "predictions.csv is not a plain file\n")


def test_a_sparse_file_of_a_terabyte_is_read_only_up_to_the_limit(scoring):
    with scoring.predictions.open("wb") as file:
        file.truncate(1024**4)

    done = scoring.run()

    assert (done.returncode, done.stderr) == (65, "predictions.csv is larger than 1048576 bytes\n")


def test_a_refusal_never_tells_what_the_truth_or_the_file_holds(scoring):
    scoring.truth.write_text("id,digit\ncanary-0001,7\n")
    scoring.predictions.write_text(HEADER + "secret-0001,7,1\n")

    done = scoring.run()

    assert "canary" not in done.stderr
    assert "secret" not in done.stderr


def test_a_fault_in_the_truth_is_told_apart_from_bad_predictions(scoring):
    scoring.truth.unlink()
    scoring.predictions.write_text(GOOD)

    assert scoring.run().returncode == 1
