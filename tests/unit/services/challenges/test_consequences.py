"""What a change does to open phases, submissions and boards is said before it is made."""

import copy
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml

from portal.domain.challenges.revisions import BundleFile
from portal.services.challenges.bundles.consequences import Stock, Version, sentences
from site_config.bundle import settings_of
from tests.support.worker.world import write_challenge

NOW = datetime(2026, 12, 1, 12, 0, tzinfo=UTC)
STOCK = Stock(submitted={"dev": 7}, scored={"digits": 5})
Change = Callable[[dict[str, Any], dict[str, str]], Any]
FILES = {"overview.md": "1", "scorer.tar": "1", "base.tar": "1", "terms.md": "1"}


@pytest.fixture
def described(tmp_path: Path) -> dict[str, Any]:
    """Return what a challenge says whose one phase is open, and that has terms."""
    folder = write_challenge(tmp_path / "challenge")
    settings = yaml.safe_load((folder / "challenge.yaml").read_text())
    settings["terms"] = "terms.md"
    settings["teams"] = {"max_size": 4}
    settings["retention"] = {"logs": "90d"}
    settings["leaderboard"]["columns"].append({"key": "kept", "title": "Kept", "private": True})
    settings["leaderboard"]["reveal"] = "2027-01-02T00:00Z"
    return settings


def _version(described: dict[str, Any], files: dict[str, str]) -> Version:
    return Version(
        settings=settings_of(yaml.safe_dump(described)),
        files={path: BundleFile(sha256=digest, size=1) for path, digest in files.items()},
    )


def _said(described: dict[str, Any], change: Change, stock: Stock = STOCK) -> list[str]:
    after, files = copy.deepcopy(described), dict(FILES)
    change(after, files)
    return list(sentences(_version(described, FILES), _version(after, files), stock, NOW))


def _phase(**values: Any) -> Change:
    return lambda d, _: d["phases"][0].update(values)


def _board(**values: Any) -> Change:
    return lambda d, _: d["leaderboard"].update(values)


def _column(number: int, **values: Any) -> Change:
    return lambda d, _: d["leaderboard"]["columns"][number].update(values)


def _task(part: str, **values: Any) -> Change:
    return lambda d, _: d["tasks"]["digits"].setdefault(part, {}).update(values)


ANEW = "All boards are put together anew from the 5 results that there are."
SCORED_OTHERWISE = (
    "Task digits is scored in another way from now on. The 5 results that there are stay as they"
    " are and stand beside the new ones."
)
SAID: dict[str, tuple[Change, list[str]]] = {
    "nothing": (lambda _d, _f: None, []),
    "title": (lambda d, _: d.update(title="Numbers"), []),
    "page": (lambda _, f: f.update({"overview.md": "2"}), []),
    "ends now": (_phase(end="2026-12-01T00:00Z"), ["Phase dev is open and becomes over at once."]),
    "not yet": (
        _phase(start="2026-12-05T00:00Z"), ["Phase dev is open and becomes still to come at once."],
    ),
    "longer": (
        _phase(end="2027-03-01T12:30+01:00"),
        ["Phase dev now runs from 2026-11-01 00:00 UTC to 2027-03-01 11:30 UTC."],
    ),
    "limits": (
        _phase(limits={"per_day": 1}),
        ["Phase dev has 7 submissions, which count against its new limits."],
    ),
    "failures apart": (
        _phase(limits={"per_day": 3, "failed_per_day": 2}),
        [
            "Phase dev has 7 submissions, which count against its new limits.",
            "What has failed in phase dev by its team's own doing counts apart from the others from now on.",
        ],
    ),
    "after another": (
        _phase(after={"phase": "warm-up"}),
        [
            "Phase dev takes submissions only of teams with what it asks for from now on. What is there stays.",
        ],
    ),
    "asks": (
        lambda d, _: d.update(questions=[{"key": "method", "title": "Method"}]),
        ["Submissions that there are have no answer to question method."],
    ),
    "late": (_phase(late="unranked"), []),
    "kinds": (
        _phase(kinds=["code", "results"]),
        ["Phase dev takes no submissions of kind image from now on; those that are there stay."],
    ),
    "kinds of some": (
        _phase(kinds=["results"]),
        ["Phase dev takes no submissions of kind image or code from now on; those that are there stay."],
    ),
    "narrower board": (_phase(leaderboard="organisers"), []),
    "scorer": (
        lambda _, f: f.update({"scorer.tar": "2"}),
        [SCORED_OTHERWISE],
    ),
    "truth": (
        _task("truth", data="digits-other"),
        [SCORED_OTHERWISE],
    ),
    "base": (
        lambda _, f: f.update({"base.tar": "2"}),
        ["Submissions to task digits run in another way from now on. What has run is not run again."],
    ),
    "rule": (_board(rule="last"), [ANEW]),
    "precision": (_column(0, precision=1), [ANEW]),
    "new column": (
        lambda d, _: d["leaderboard"]["columns"].append({"key": "f1", "title": "F1"}),
        [ANEW, "Results that there are have no score for f1."],
    ),
    "new column ranks": (
        lambda d, _: d["leaderboard"].update(columns=[{"key": "f1", "title": "F1", "primary": True}]),
        [ANEW, "Results that there are have no score for f1.",
         "That column ranks: whoever has only such results stands on no board."],
    ),
    "private column shown": (
        _column(2, private=False),
        [ANEW, "What was private is shown at once: kept. That cannot be taken back."],
    ),
    "reveal in the past": (
        _board(reveal="2026-11-30T00:00Z"),
        ["Private columns are revealed at once. That cannot be taken back."],
    ),
    "has to be let in": (
        lambda d, _: d.update(join={"policy": "approve"}),
        ["Whoever takes part already has to be let in before they submit again."],
    ),
    "smaller teams": (
        lambda d, _: d.update(teams={"max_size": 2}),
        ["Teams of more than 2 stay as they are, and admit nobody."],
    ),
    "teams are fixed": (
        lambda d, _: d["teams"].update(freeze="2026-11-30T00:00Z"),
        ["Nobody joins, leaves or merges teams from now on."],
    ),
    "deleted earlier": (
        lambda d, _: d.update(retention={"logs": "30d", "outputs": "30d"}),
        ["The outputs of submissions may be deleted earlier than was said so far.",
         "The logs of submissions may be deleted earlier than was said so far."],
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", SAID)
def test_what_a_change_does_is_said(described: dict[str, Any], case: str) -> None:
    change, said = SAID[case]

    assert _said(described, change) == said


def test_terms_have_to_be_accepted_again_where_people_are_let_in(described: dict[str, Any]) -> None:
    described["join"] = {"policy": "approve"}

    assert _said(described, lambda _, f: f.update({"terms.md": "2"})) == [
        "Everybody has to accept the changed terms before they submit again."
    ]


def test_a_board_for_more_people_and_reasons_for_teams_are_said(described: dict[str, Any]) -> None:
    described["phases"][0] |= {"leaderboard": "organisers", "failures": "sealed"}

    assert _said(described, _phase(leaderboard="public", failures="typed")) == [
        "The board of phase dev is shown to more people, with all that is on it.",
        "Teams see the reasons of failures in phase dev, also of those that there were.",
    ]


@pytest.mark.parametrize("case", ["scorer", "base", "rule", "limits"])
def test_where_nobody_has_submitted_nothing_happens_to_anybody(
    described: dict[str, Any], case: str
) -> None:
    assert _said(described, SAID[case][0], Stock()) == []


def test_one_thing_is_one(described: dict[str, Any]) -> None:
    stock = Stock(submitted={"dev": 1}, scored={"digits": 1})

    assert _said(described, _phase(limits={"per_day": 1}), stock) == [
        "Phase dev has 1 submission, which count against its new limits."
    ]


def _with_boards(described: dict[str, Any]) -> dict[str, Any]:
    del described["leaderboard"]
    described["columns"] = [
        {"key": "accuracy"},
        {"key": "kept", "private": True, "reveal": "2027-01-02T00:00Z"},
        {"key": "twice", "compute": {"weighted": {"kept": 2}}},
    ]
    rank = {"by": "accuracy"}
    described["boards"] = [
        {"id": "main", "phases": ["dev"], "rank": {**rank}, "audience": "participants"},
        {"id": "later", "phases": ["dev"], "rank": {**rank}, "counts": "chosen", "picks": 3,
         "reveal": "2027-01-02T00:00Z", "anonymous": "2027-01-02T00:00Z"},
        {"id": "cold", "phases": ["dev"], "rank": {**rank}, "freeze": "2026-11-30T00:00Z"},
    ]  # fmt: skip
    return described


def _of_board(number: int, **values: Any) -> Change:
    return lambda d, _: d["boards"][number].update(values)


REVEALED = "Private columns are revealed at once. That cannot be taken back."
BOARDS: dict[str, tuple[Change, list[str]]] = {
    "title": (_of_board(0, title="Main"), []),
    "rank": (_of_board(0, rank={"mean_rank": ["accuracy", "kept"]}), [ANEW]),
    "counts": (_of_board(0, counts="last"), [ANEW]),
    "computed column": (
        lambda d, _: d["columns"].append({"key": "third", "compute": {"sum": ["accuracy"]}}), [ANEW],
    ),
    "renamed column": (
        lambda d, _: (
            d["columns"].append({"key": "same", "from": "accuracy"}),
            d["columns"][0].update({"from": "other"}),
        ),
        [ANEW, "Results that there are have no score for accuracy.",
         "That column ranks: whoever has only such results stands on no board."],
    ),
    "wider": (
        _of_board(0, audience="everybody"),
        ["Board main is shown to more people, with all that is on it."],
    ),
    "narrower": (_of_board(0, audience="own"), []),
    "reveal": (
        _of_board(1, reveal="2026-11-30T00:00Z"),
        ["Board later is revealed at once. That cannot be taken back."],
    ),
    "names": (
        lambda d, _: d["boards"][1].pop("anonymous"),
        ["Board later shows the names of its teams at once. That cannot be taken back."],
    ),
    "fewer picks": (
        _of_board(1, picks=1),
        [ANEW, "Teams that have chosen more than 1 submissions for board later keep them."],
    ),
    "another freeze": (
        _of_board(2, freeze="2026-12-24T00:00Z"),
        [ANEW, "Board cold is shown as of another time than so far."],
    ),
    "gone": (
        lambda d, _: d["boards"].pop(1),
        [ANEW, "Board later goes, and with it what teams have chosen for it."],
    ),
    "column revealed": (
        lambda d, _: d["columns"][1].update(reveal="2026-11-30T00:00Z"), [ANEW, REVEALED],
    ),
    "column shown": (
        lambda d, _: (d["columns"][1].pop("private"), d["columns"][1].pop("reveal")),
        [ANEW, "What was private is shown at once: kept, twice. That cannot be taken back."],
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", BOARDS)
def test_what_a_changed_board_does_is_said(described: dict[str, Any], case: str) -> None:
    change, said = BOARDS[case]

    assert _said(_with_boards(described), change) == said


def test_boards_in_place_of_the_short_form_rank_anew(described: dict[str, Any]) -> None:
    said = _said(described, lambda d, _: _with_boards(d))

    assert said[0] == ANEW
