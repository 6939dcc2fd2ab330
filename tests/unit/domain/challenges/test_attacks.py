"""The portal's own cheats: each can be submitted, and does what it says when it runs."""

import json
import os
import subprocess
import sys
import zipfile
from collections.abc import Mapping
from io import BytesIO
from pathlib import Path

import pytest

from portal.domain.challenges.attacks.code import Entry, code_attacks, entry_of
from portal.domain.challenges.attacks.material import Attack, Material, best_scores
from portal.domain.challenges.attacks.results import results_attacks
from portal.domain.leaderboards.scores import Column, Sort
from portal.files.archives.submitted import repack_code, unpack_results
from portal.files.errors import BadArchiveError

MIB = 1024 * 1024
COLUMNS = (
    Column(key="dice", title="Dice", maximum=1.0, minimum=0.0, primary=True),
    Column(key="loss", title="Loss", sort=Sort.ASCENDING, minimum=0.0),
    Column(key="open", title="Open"),
)
EXAMPLE = b"id,digit,p\n7,1,0.5\n8,2,0.75\n"
MATERIAL = Material(
    required=("answers.csv", "deep/more.csv"), max_bytes=8 * MIB, columns=COLUMNS,
    sample=b"public\n", example={"answers.csv": EXAMPLE},
)  # fmt: skip
PYTHON, SHELL = Entry(path="predict.py", is_python=True), Entry(path="run.sh", is_python=False)


def _files(attack: Attack) -> Mapping[str, bytes]:
    with zipfile.ZipFile(BytesIO(attack.content)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def test_somebody_who_cheats_gives_themselves_the_best_of_all() -> None:
    assert best_scores(COLUMNS) == {"dice": 1.0, "loss": 0.0, "open": 1e9}


@pytest.mark.parametrize(
    "material", [MATERIAL, Material(required=("a.csv",), max_bytes=MIB, columns=COLUMNS)]
)
def test_results_can_be_unpacked_within_the_limits_or_are_no_archive(
    tmp_path: Path, material: Material
) -> None:
    attacks = [*results_attacks(material)]

    for attack in attacks:
        (packed := tmp_path / "packed.zip").write_bytes(attack.content)
        target = tmp_path / attack.name
        if attack.name == "empty archive":
            with pytest.raises(BadArchiveError):
                unpack_results(
                    packed,
                    target,
                    required=material.required,
                    max_bytes=material.max_bytes,
                    max_files=10,
                )
            assert not attack.may_score
            continue
        unpack_results(
            packed, target, required=material.required, max_bytes=material.max_bytes, max_files=10
        )
        assert all((target / name).is_file() for name in material.required)
    names = [attack.name for attack in attacks]
    assert len(set(names)) == len(names)
    assert ("copy of the sample" in names) is bool(material.sample)


def test_a_constant_answer_has_the_form_of_the_example() -> None:
    made = {attack.name: _files(attack) for attack in results_attacks(MATERIAL)}

    assert made["constant answer"]["answers.csv"] == b"id,digit,p\n7,1,0.5\n8,1,0.5\n"
    assert made["not numbers"]["answers.csv"] == b"id,digit,p\n7,nan,nan\n8,nan,nan\n"
    assert made["constant answer"]["deep/more.csv"] == b"0\n"
    assert json.loads(made["forged scores"]["scores.json"]) == best_scores(COLUMNS)


def test_the_same_bytes_are_made_each_time() -> None:
    once, again = ([a.content for a in results_attacks(MATERIAL)] for _ in range(2))

    assert once == again


@pytest.mark.parametrize(
    ("argv", "files", "entry"),
    [
        (["/app/predict"], {"predict.py": b"", "more.py": b""}, PYTHON),
        (["/app/predict"], {"run.sh": b"#!/bin/sh\n"}, SHELL),
        (["/bin/sh", "/submission/go.sh"], {}, Entry(path="go.sh", is_python=False)),
        (["/app/x"], {"predict": b"#!/usr/bin/env python3\n"}, Entry(path="predict", is_python=True)),
        (["/app/x"], {"own.sh": b"", "data.csv": b""}, Entry(path="own.sh", is_python=False)),
        (["/app/x"], {"one.py": b"", "two.py": b""}, None),
        (["/app/x"], {"predict": b"\x7fELF"}, None),
        (["/app/x"], {"src/predict.py": b""}, None),
        (["/app/x"], {}, None),
    ],
)  # fmt: skip
def test_what_is_started_is_read_off_a_submission(
    argv: list[str], files: Mapping[str, bytes], entry: Entry | None
) -> None:
    assert entry_of(argv, files) == entry


def _run(attack: Attack, entry: Entry, folder: Path) -> tuple[int, Mapping[str, bytes]]:
    """Run a program as a base image would, with its output and input in a folder."""
    program, output, given = folder / entry.path, folder / "output", folder / "input"
    for place in (output, given):
        place.mkdir(parents=True)
    (given / "cells.csv").write_bytes(b"what is given\n")
    program.write_bytes(_files(attack)[entry.path])
    words = [sys.executable, "-I", str(program)] if entry.is_python else ["/bin/sh", str(program)]
    done = subprocess.run(
        words, check=False, timeout=60, capture_output=True, cwd=output,
        env={"PATH": os.defpath, "SEALRUN_OUTPUT": str(output), "SEALRUN_INPUT": str(given)},
    )  # fmt: skip
    left = {str(f.relative_to(output)): f.read_bytes() for f in output.rglob("*") if f.is_file()}
    return done.returncode, left


@pytest.mark.parametrize("entry", [PYTHON, SHELL], ids=["python", "shell"])
def test_each_program_does_what_it_says(tmp_path: Path, entry: Entry) -> None:
    attacks = {attack.name: attack for attack in code_attacks(MATERIAL, entry)}
    endless = attacks.pop("waits for ever")
    ran = {name: _run(one, entry, tmp_path / name) for name, one in attacks.items()}

    (tmp_path / "packed.zip").write_bytes(endless.content)
    repack_code(tmp_path / "packed.zip", tmp_path / "code.tar")
    assert {name: code for name, (code, _) in ran.items()} == {
        name: 3 if name == "failing program" else 0 for name in attacks
    }
    assert ran["no output"][1] == {}
    assert all(
        {"answers.csv", "deep/more.csv"} <= left.keys()
        for name, (_, left) in ran.items()
        if name != "no output"
    )
    forged = ran["forged scores by a program"][1]["scores.json"]
    assert json.loads(forged) == best_scores(COLUMNS)
    assert ran["copy of the input"][1]["answers.csv"] == b"what is given\n"
    assert len(ran["too much output"][1]["too-much"]) > MATERIAL.max_bytes
    may_score = {name for name, one in attacks.items() if one.may_score}
    assert may_score == {"forged scores by a program", "look for the truth", "copy of the input"}


@pytest.mark.parametrize("entry", [PYTHON, SHELL], ids=["python", "shell"])
def test_what_takes_long_is_marked(entry: Entry) -> None:
    long = [attack.name for attack in code_attacks(MATERIAL, entry) if attack.is_long]

    assert long == ["too much output", "waits for ever"]
