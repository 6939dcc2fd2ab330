"""Baselines and samples in challenge.yaml: what they may say, and where a mistake stands."""

import jsonschema
import pytest
import yaml

from portal.domain.evaluations.failures import FAILURES, FailureReason
from site_config.authoring.json_schema import challenge_schema
from site_config.bundle import large_files, load_challenge, phase_of
from site_config.errors import SettingsError
from site_config.trials import Bounds, ExpectedOutcome
from tests.unit.site_config.good_files import CHALLENGE

GOOD = """\
baselines:
  - {file: baselines/unet.zip, kind: code, title: U-Net, board: true, expect: {f1: {min: 0.6, max: 0.7}}}
samples:
  - {file: samples/crash.zip, kind: code, phase: dev, expect: exit_code}
leaderboard:
"""


@pytest.fixture
def tried_with(challenge_with):
    """Write a good challenge with baselines and samples, one thing of them replaced."""

    def write(old="", new=""):
        assert old in GOOD
        directory = challenge_with("leaderboard:\n", GOOD.replace(old, new, 1))
        for name in ("baselines/unet.zip", "samples/crash.zip"):
            (directory / name).parent.mkdir()
            (directory / name).write_bytes(b"content")
        return directory

    return write


def test_what_is_tried_is_read(tried_with):
    challenge = load_challenge(tried_with())

    [baseline], [sample] = challenge.baselines, challenge.samples
    assert (baseline.name, baseline.board, baseline.phase) == ("U-Net", True, None)
    assert baseline.expect == {"f1": Bounds(min=0.6, max=0.7)}
    assert (sample.name, sample.expect) == ("crash.zip", ExpectedOutcome.EXIT_CODE)
    assert [phase_of(challenge, one).id for one in (baseline, sample)] == ["dev", "dev"]
    assert [str(path) for path in large_files(challenge)] == [
        "scorer.tar", "base.tar", "baselines/unet.zip", "samples/crash.zip",
    ]  # fmt: skip


def test_what_can_be_expected_is_what_a_submission_can_bring_about():
    of_the_team = {reason for reason, failure in FAILURES.items() if failure.counts}

    assert {*ExpectedOutcome} - {ExpectedOutcome.SCORED} == of_the_team - {FailureReason.NO_RESULT}


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        pytest.param(
            "kind: code, title", "kind: program, title",
            "baselines[0].kind: must be 'image', 'code' or 'results'", id="kind",
        ),
        pytest.param(
            "phase: dev", "phase: final",
            "samples[0].phase: there is no phase 'final'; there are: dev", id="phase",
        ),
        pytest.param(
            "{f1:", "{f2:",
            "baselines[0].expect.f2: there is no column 'f2'; there are: f1, loss", id="column",
        ),
        pytest.param(
            "min: 0.6", "mini: 0.6",
            "baselines[0].expect.f1.mini: is not a setting; did you mean 'min'?", id="bound",
        ),
        pytest.param(
            "min: 0.6", "min: 0.8",
            "baselines[0].expect.f1: 'min' must not be more than 'max'", id="order",
        ),
        pytest.param(
            "{min: 0.6, max: 0.7}", "{}",
            "baselines[0].expect.f1: needs 'min', 'max' or both", id="no-bounds",
        ),
        pytest.param("{f1: {min: 0.6, max: 0.7}}", "{}", "baselines[0].expect: needs 1 or more", id="nothing"),
        pytest.param(
            "file: samples/crash.zip", "file: samples/other.zip",
            "samples[0].file: there is no file 'samples/other.zip' in the challenge (links are not followed)",
            id="file",
        ),
        pytest.param(
            "file: samples/crash.zip", "file: samples",
            "samples[0].file: there is no file 'samples' in the challenge (links are not followed)",
            id="directory",
        ),
        pytest.param(", expect: exit_code", "", "samples[0].expect: is missing", id="no-expectation"),
    ],
)  # fmt: skip
def test_a_mistake_has_its_line(tried_with, old, new, problem):
    directory = tried_with(old, new)

    with pytest.raises(SettingsError) as caught:
        load_challenge(directory)

    text = (directory / "challenge.yaml").read_text().splitlines()
    start = "  - {file: samples" if problem.startswith("samples") else "  - {file: baselines"
    line = next(n for n, row in enumerate(text, 1) if row.startswith(start))
    assert str(caught.value) == f"{directory}/challenge.yaml:{line}: {problem}"


def test_an_unknown_reason_is_answered_with_those_that_there_are(tried_with):
    with pytest.raises(SettingsError) as caught:
        load_challenge(tried_with("expect: exit_code", "expect: crash"))

    assert "samples[0].expect: must be 'scored', 'bad_archive'" in str(caught.value)


def test_a_kind_that_the_phase_does_not_take_is_named(tried_with):
    directory = tried_with()
    settings = directory / "challenge.yaml"
    settings.write_text(
        settings.read_text().replace("kinds: [image, code, results]", "kinds: [results]")
    )

    with pytest.raises(SettingsError) as caught:
        load_challenge(directory)

    assert "baselines[0].kind: no phase takes the kind 'code'" in str(caught.value)
    assert "samples[0].kind: phase 'dev' takes these kinds only: results" in str(caught.value)


@pytest.mark.parametrize(
    ("expect", "is_right"),
    [("scored", True), ("exit_code", True), ({"f1": {"min": 0.5}}, True), ("crash", False), (3, False)],
)  # fmt: skip
def test_editors_know_what_can_be_expected(expect, is_right):
    described = yaml.safe_load(CHALLENGE) | {
        "samples": [{"file": "a.zip", "kind": "code", "expect": expect}]
    }

    errors = list(jsonschema.Draft202012Validator(challenge_schema()).iter_errors(described))

    assert (errors == []) is is_right
