"""Exports as RO-Crate: complete, without private data, readable by the specification's own library."""

import csv
import json
import zipfile
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from rocrate.rocrate import ROCrate

from portal.domain.challenges.crates import Board, CrateFacts, CrateResult, Place
from portal.files.crates import PROFILE, Publisher, write_crate
from tests.support.factories import SEAL_RECORD

NOW = datetime(2026, 11, 27, 3, 0, tzinfo=UTC)
UPLOAD = "a" * 64
IMAGE, SCORER = (SEAL_RECORD["images"][name] for name in ("submission", "scorer"))
ROOT = SEAL_RECORD["data"]["input"]["merkle_root"]
PUBLISHER = Publisher(name="HPC", url="https://portal.example", keys={"k1": "PEM\n"})


RESULT = CrateResult(
    evaluation="e1",
    submission="s1",
    team_id="t1",
    team="=Team Ada",
    phase="dev",
    task="cells",
    kind="code",
    filename="../../my code.zip",
    upload_sha256=UPLOAD,
    upload_size=7,
    is_kept=True,
    submitted_at=NOW,
    scored_at=NOW,
    scores={"accuracy": 0.98254},
    record=SEAL_RECORD,
    envelope='{"payload": "..."}',
    rerun_of=None,
)
FACTS = CrateFacts(
    slug="cells",
    title="Count cells",
    terms="Be *fair*.",
    pages={"overview": "# Cells"},
    columns=({"key": "accuracy", "title": "Accuracy"},),
    boards=(
        Board(
            phase="dev",
            title="Development",
            starts_at=NOW,
            ends_at=NOW,
            places=(
                Place(
                    rank=1,
                    team="=Team Ada",
                    submission="s1",
                    scores={"accuracy": 0.98},
                    achieved_at=NOW,
                ),
                Place(
                    rank=None,
                    team="Organisers",
                    submission="s2",
                    scores={"accuracy": 0.5},
                    achieved_at=NOW,
                ),
            ),
        ),
    ),
    results=(RESULT,),
)


def files_of(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


def test_a_challenge_is_written_with_all_evidence(tmp_path: Path) -> None:
    write_crate(tmp_path / "crate", FACTS, PUBLISHER, now=NOW)

    assert files_of(tmp_path / "crate") == {
        "ro-crate-metadata.json",
        "columns.json",
        "keys/k1.pem",
        "leaderboards/dev.csv",
        "pages/overview.md",
        "results/e1/record.json",
        "results/e1/scores.json",
        "results/e1/seal.json",
        "terms.md",
    }
    assert json.loads((tmp_path / "crate/results/e1/scores.json").read_text()) == {
        "accuracy": 0.98254
    }
    assert json.loads((tmp_path / "crate/results/e1/record.json").read_text()) == SEAL_RECORD
    assert [path.name for path in tmp_path.iterdir()] == ["crate"]


def test_the_specifications_own_library_reads_what_was_run(tmp_path: Path) -> None:
    write_crate(tmp_path / "crate", FACTS, PUBLISHER, now=NOW)

    crate = ROCrate(tmp_path / "crate")

    actions = {one.id: one for one in crate.get_by_type("CreateAction")}
    predict, score = actions["#predict-e1"], actions["#score-e1"]
    assert crate.root_dataset["conformsTo"].id == PROFILE
    assert {one.id for one in crate.root_dataset["mentions"]} == set(actions)
    assert predict["agent"]["name"] == "=Team Ada"
    assert predict["instrument"]["identifier"] == f"sha256:{IMAGE}"
    assert predict["instrument"]["isBasedOn"]["sha256"] == UPLOAD
    [data] = predict["object"]
    assert data["identifier"] == f"merkle:{ROOT}"
    assert (predict["startTime"], predict["endTime"]) == (
        "2026-11-26T10:00:00+00:00", "2026-11-26T10:05:00+00:00",
    )  # fmt: skip
    assert score["instrument"]["identifier"] == f"sha256:{SCORER}"
    assert {one.id for one in score["result"]} == {
        f"results/e1/{name}.json" for name in ("scores", "record", "seal")
    }
    assert "Slurm job 18 in profile gpu" in score["location"]["description"]
    assert crate.publisher["name"] == "HPC"


def test_every_reference_leads_to_something_in_the_crate(tmp_path: Path) -> None:
    write_crate(tmp_path / "crate", FACTS, PUBLISHER, now=NOW)
    graph = json.loads((tmp_path / "crate/ro-crate-metadata.json").read_text())["@graph"]
    known = {entity["@id"] for entity in graph}

    def references(value: object) -> set[str]:
        if isinstance(value, list):
            return set().union(*map(references, value)) if value else set()
        return {value["@id"]} if isinstance(value, dict) and "@id" in value else set()

    named = set().union(*(references(value) for entity in graph for value in entity.values()))
    elsewhere = {
        one for one in named - known if one.startswith(("http://schema.org/", "https://w3id.org/"))
    }
    parts = {one["@id"] for entity in graph if entity["@id"] == "./" for one in entity["hasPart"]}
    assert named - known == elsewhere
    assert parts | {"ro-crate-metadata.json"} == files_of(tmp_path / "crate")


def test_uploads_come_along_under_their_digest_where_that_is_asked(tmp_path: Path) -> None:
    upload = tmp_path / "blob"
    upload.write_bytes(b"content")
    gone = replace(RESULT, evaluation="e2", submission="s2", upload_sha256="f" * 64, is_kept=False)
    again = replace(RESULT, evaluation="e3", submission="s3")
    facts = replace(FACTS, results=(RESULT, gone, again))

    write_crate(tmp_path / "crate", facts, PUBLISHER, now=NOW, upload=lambda _: upload)

    taken = {name for name in files_of(tmp_path / "crate") if name.startswith("uploads/")}
    assert taken == {f"uploads/{UPLOAD}"}
    assert (tmp_path / f"crate/uploads/{UPLOAD}").read_bytes() == b"content"
    crate = ROCrate(tmp_path / "crate")
    assert crate.dereference(f"uploads/{UPLOAD}")["name"] == "../../my code.zip"
    assert crate.dereference("#upload-s2")["sha256"] == "f" * 64


def test_results_that_were_submitted_have_no_run_of_their_own(tmp_path: Path) -> None:
    record = SEAL_RECORD | {"predict": None, "images": SEAL_RECORD["images"] | {"submission": None}}
    facts = replace(FACTS, results=(replace(RESULT, kind="results", record=record),))

    write_crate(tmp_path / "crate", facts, PUBLISHER, now=NOW)

    [action] = ROCrate(tmp_path / "crate").get_by_type("CreateAction")
    assert {one.id for one in action["object"]} == {
        "#upload-s1", "#data-cells-truth-not-measured",
    }  # fmt: skip


def test_records_of_before_data_was_measured_are_exported_too(tmp_path: Path) -> None:
    record = SEAL_RECORD | {"schema": 1, "data": {"input": "cells", "truth": "cells-truth"}}
    facts = replace(FACTS, results=(replace(RESULT, record=record, envelope=None),))

    write_crate(tmp_path / "crate", facts, PUBLISHER, now=NOW)

    assert "results/e1/seal.json" not in files_of(tmp_path / "crate")


def test_a_zip_file_holds_the_same(tmp_path: Path) -> None:
    write_crate(tmp_path / "crate", FACTS, PUBLISHER, now=NOW)
    write_crate(tmp_path / "crate.zip", FACTS, PUBLISHER, now=NOW)

    with zipfile.ZipFile(tmp_path / "crate.zip") as packed:
        names = {name for name in packed.namelist() if not name.endswith("/")}
    assert names == files_of(tmp_path / "crate")


def test_no_name_of_a_team_is_a_formula_in_the_table(tmp_path: Path) -> None:
    write_crate(tmp_path / "crate", FACTS, PUBLISHER, now=NOW)

    with (tmp_path / "crate/leaderboards/dev.csv").open(newline="") as file:
        rows = list(csv.reader(file))
    assert rows[0] == ["rank", "team", "accuracy", "achieved_at", "submission"]
    assert rows[1][:3] == ["1", "'=Team Ada", "0.98"]


def test_who_has_no_rank_has_none_in_the_table(tmp_path: Path) -> None:
    write_crate(tmp_path / "crate", FACTS, PUBLISHER, now=NOW)

    with (tmp_path / "crate/leaderboards/dev.csv").open(newline="") as file:
        rows = list(csv.reader(file))
    assert rows[2][:3] == ["", "Organisers", "0.5"]


@pytest.mark.parametrize("name", ["crate", "crate.zip"])
def test_what_is_there_is_not_replaced(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text("mine")

    with pytest.raises(FileExistsError, match="is not replaced"):
        write_crate(tmp_path / name, FACTS, PUBLISHER, now=NOW)

    assert (tmp_path / name).read_text() == "mine"


def test_an_export_that_fails_leaves_nothing(tmp_path: Path) -> None:
    def upload(_: str) -> Path:
        raise OSError("the disk is gone")

    with pytest.raises(OSError, match="the disk is gone"):
        write_crate(tmp_path / "crate", FACTS, PUBLISHER, now=NOW, upload=upload)

    assert list(tmp_path.iterdir()) == []
