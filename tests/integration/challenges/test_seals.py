"""Results are signed with the site's key: in full for organisers, and what the team may show."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner

from portal.cli import main
from portal.db.tables import Result
from portal.domain.submissions.limits import SubmissionKind
from portal.files.seals import check, new_key, read_public_key, read_sealer
from tests.support.worker.world import World


@pytest.fixture
def sealing(world: World, tmp_path: Path) -> World:
    new_key(tmp_path / "key")
    world.context = replace(world.context, sealer=read_sealer(tmp_path / "key"))
    return world


def result_of(world: World, submission: str) -> Result:
    evaluation = world.run_until_final(submission)
    with world.database.reading() as session:
        return session.get_one(Result, evaluation.id)


def test_the_whole_record_and_the_scores_are_signed(sealing: World, tmp_path: Path) -> None:
    result = result_of(sealing, sealing.submit())

    checked = check(str(result.envelope).encode(), [read_public_key(tmp_path / "key.pub")])

    record = checked.statement["predicate"]
    names = {one["name"]: one["digest"]["sha256"] for one in checked.statement["subject"]}
    assert {name: value for name, value in record.items() if name != "scores"} == result.seal
    assert record["scores"] == result.scores
    assert names["submission.zip"] == record["submission"]["sha256"]
    assert names["scores.json"] == record["score_file_sha256"]


def test_what_a_team_may_show_tells_nothing_of_how_it_ran(sealing: World, tmp_path: Path) -> None:
    result = result_of(sealing, sealing.submit())

    checked = check(str(result.team_envelope).encode(), [read_public_key(tmp_path / "key.pub")])

    shown = checked.statement["predicate"]
    text = json.dumps(checked.statement)
    assert set(shown) == {
        "schema", "challenge", "phase", "task", "images", "submission", "day", "argv", "versions",
    }  # fmt: skip
    assert shown["day"] == "2026-12-01"
    assert not [
        secret
        for secret in (
            result.seal["score_file_sha256"],
            "0.91239",
            "exit_code",
            "started_at",
            "node",
        )
        if secret in text
    ]


def test_results_that_are_only_scored_are_signed_too(sealing: World, tmp_path: Path) -> None:
    result = result_of(sealing, sealing.submit(SubmissionKind.RESULTS, b"id,digit\n1,7\n"))

    checked = check(str(result.envelope).encode(), [read_public_key(tmp_path / "key.pub")])

    assert checked.statement["predicate"]["predict"] is None


def test_without_a_key_the_record_is_kept_unsigned(world: World) -> None:
    result = result_of(world, world.submit())

    assert (result.envelope, result.team_envelope) == (None, None)
    assert result.seal["schema"] == 2


def test_a_record_is_checked_offline(sealing: World, tmp_path: Path) -> None:
    record = tmp_path / "record.json"
    record.write_text(str(result_of(sealing, sealing.submit()).envelope), encoding="utf-8")
    key = str(tmp_path / "key.pub")

    good = CliRunner().invoke(main, ["verify", str(record), "--key", key])
    record.write_text(record.read_text().replace("payload", "payloaf", 1), encoding="utf-8")
    bad = CliRunner().invoke(main, ["verify", str(record), "--key", key])

    assert good.exit_code == 0, good.output
    assert f"signed by key {read_public_key(tmp_path / 'key.pub').id}" in good.output
    assert '  challenge: "digits"' in good.output
    assert bad.exit_code == 2


def test_a_new_key_is_made_once(tmp_path: Path) -> None:
    first = CliRunner().invoke(main, ["seal", "new-key", str(tmp_path / "site")])
    second = CliRunner().invoke(main, ["seal", "new-key", str(tmp_path / "site")])

    assert first.exit_code == 0
    assert read_public_key(tmp_path / "site.pub").id in first.output
    assert (second.exit_code, "is not replaced" in second.output) == (1, True)
