"""What an editor says of a challenge.yaml with our schema."""

from typing import Any

import jsonschema
import pytest
import yaml

from site_config.authoring.json_schema import challenge_schema
from tests.unit.site_config.good_files import CHALLENGE


@pytest.fixture(scope="module")
def validator() -> jsonschema.Draft202012Validator:
    schema = challenge_schema()
    jsonschema.Draft202012Validator.check_schema(schema)
    return jsonschema.Draft202012Validator(schema)


def _good() -> dict[str, Any]:
    good: dict[str, Any] = yaml.safe_load(CHALLENGE)
    return good


def test_a_good_challenge_has_no_error(validator: jsonschema.Draft202012Validator) -> None:
    assert list(validator.iter_errors(_good())) == []


def test_what_is_written_in_two_ways_is_taken_in_both(
    validator: jsonschema.Draft202012Validator,
) -> None:
    good = _good()
    good["schema"] = "1"
    good["tasks"]["cells"]["outputs"]["max"] = 500
    good["join"] = {"policy": "claims", "claims": {"acr": "mfa", "affiliation": ["a", "b"]}}
    good["phases"][0]["time_step"] = "1h30m"
    good["phases"][0]["start"] = "2026-12-01T00:00:00+01:00"

    assert list(validator.iter_errors(good)) == []


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("schema",), "2"),
        (("slug",), "Not A Slug"),
        (("unknown",), "key"),
        (("phases", 0, "start"), "2026-12-01"),
        (("phases", 0, "time_step"), 300),
        (("phases", 0, "time_step"), "5 minutes"),
        (("phases", 0, "kinds"), ["program"]),
        (("phases", 0, "limits"), {"per_month": 3}),
        (("tasks", "cells", "outputs", "max"), "500 MB"),
        (("tasks", "cells", "outputs", "required"), ["/absolute"]),
        (("leaderboard", "columns", 0, "key"), "F1"),
        (("leaderboard", "rule"), "first"),
    ],
)
def test_a_mistake_has_its_place(
    validator: jsonschema.Draft202012Validator, path: tuple[str | int, ...], value: object
) -> None:
    wrong = _good()
    here: Any = wrong
    for part in path[:-1]:
        here = here[part]
    here[path[-1]] = value

    places = [tuple(error.absolute_path) for error in validator.iter_errors(wrong)]

    assert places
    assert all(place[: len(path)] == path[: len(place)] for place in places)


def test_defaults_are_written_as_they_would_stand_in_the_file() -> None:
    phase = challenge_schema()["$defs"]["Phase"]["properties"]

    assert phase["time_step"]["default"] == "5m"
    assert phase["leaderboard"]["default"] == "public"
