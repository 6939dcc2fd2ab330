"""``sealrun challenge init``, ``lint`` and ``schema``: an organiser's own machine, without any site."""

import json
import os
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from containers.archives import Entry, write_archive
from portal.cli import main


def _run(*words: object) -> Result:
    return CliRunner().invoke(main, ["challenge", *map(str, words)])


@pytest.fixture
def started(tmp_path: Path) -> Path:
    directory = tmp_path / "cells"
    assert _run("init", directory).exit_code == 0
    return directory


@pytest.fixture
def bundle(started: Path) -> Path:
    """Return a bundle that has its images, as ``make`` would have made them."""
    for archive, folder, program in (("scorer", "scorer", "score"), ("base", "base", "predict")):
        content = (started / folder / program).read_bytes()
        entry = Entry(path=f"app/{program}", content=content, mode=0o755)
        write_archive([entry], started / f"{archive}.tar", architecture="amd64")
    return started


def test_a_bundle_with_its_images_has_nothing_wrong(bundle: Path) -> None:
    done = _run("lint", bundle, "--strict")

    assert (done.exit_code, done.output) == (0, "0 errors, 0 warnings\n")


def test_what_is_missing_is_said_with_file_and_line(started: Path) -> None:
    done = _run("lint", started)

    first, second, summary = done.output.splitlines()
    lines = (started / "challenge.yaml").read_text().splitlines()
    number = next(n for n, line in enumerate(lines, start=1) if "scorer.tar" in line)
    assert first.startswith(
        f"error: {started}/challenge.yaml:{number}: tasks.main.scorer.image: there is no file"
    )
    assert "tasks.main.base.image" in second
    assert (done.exit_code, summary) == (1, "2 errors, 0 warnings")


def _without_program(bundle: Path) -> None:
    entry = Entry(path="app/other", content=b"#!/bin/sh\n", mode=0o755)
    write_archive([entry], bundle / "scorer.tar", architecture="amd64")


def _of_other_nodes(bundle: Path) -> None:
    entry = Entry(path="app/score", content=b"#!/bin/sh\n", mode=0o755)
    write_archive([entry], bundle / "scorer.tar", architecture="arm64")


def _replaced(bundle: Path, old: str, new: str) -> None:
    file = bundle / "challenge.yaml"
    text = file.read_text()
    assert old in text
    file.write_text(text.replace(old, new))


@pytest.mark.parametrize(
    ("break_it", "said"),
    [
        (lambda b: (b / "scorer.tar").write_bytes(os.urandom(5000)),
         "scorer.tar: tasks.main.scorer: This is not an image."),
        (_without_program, "/app/score"),
        (_of_other_nodes, "arm64"),
        (lambda b: (b / "sample/input/link").symlink_to("/etc/passwd"),
         "'sample/input/link' is neither a file nor a directory"),
        (lambda b: _replaced(b, "slug: cells", "slug: Cells"), "slug: must be 1 to 40 of"),
        (lambda b: _replaced(b, "tasks: [main]", "tasks: [other]"), "there is no task 'other'"),
        (lambda b: _replaced(b, "limits: {per_day", "limit: {per_day"), "did you mean 'limits'?"),
        (lambda b: _replaced(b, "schema: 1", "schema: 1\n\tbad"), "challenge.yaml:4:"),
        (lambda b: (b / "challenge.yaml").unlink(), "cannot be read"),
        (lambda b: (b / "overview.md").write_bytes(b"\xff\xfe"), "'overview.md' is not UTF-8 text"),
        (lambda b: (b / "terms.md").unlink(), "there is no file 'terms.md'"),
    ],
    ids=["no image", "no program", "other nodes", "link", "slug", "task", "key", "yaml", "no file",
         "bytes", "no terms"],
)  # fmt: skip
def test_each_mistake_is_said_and_nothing_is_changed(bundle: Path, break_it, said: str) -> None:
    break_it(bundle)
    before = {path: path.lstat().st_mtime_ns for path in bundle.rglob("*")}

    done = _run("lint", bundle)

    assert done.exit_code == 1
    errors = [line for line in done.output.splitlines() if line.startswith("error: ")]
    assert any(said in line for line in errors), done.output
    assert {path: path.lstat().st_mtime_ns for path in bundle.rglob("*")} == before


def test_other_nodes_can_be_named(bundle: Path) -> None:
    _of_other_nodes(bundle)

    done = [_run("lint", bundle, "--architecture", name).output for name in ("arm64", "")]

    assert "tasks.main.scorer" not in done[0]
    assert done[1] == "0 errors, 0 warnings\n"


def test_warnings_fail_only_where_they_are_asked_to(bundle: Path) -> None:
    with (bundle / "overview.md").open("a") as page:
        page.write("\n![a picture](https://elsewhere.example/picture.png)\n")

    plain, strict = _run("lint", bundle), _run("lint", bundle, "--strict")

    assert (plain.exit_code, strict.exit_code) == (0, 1)
    warning, summary = plain.output.splitlines()
    assert warning.startswith(f"warning: {bundle}/overview.md:")
    assert summary == "0 errors, 1 warning"


def test_programs_read_it_as_json(started: Path) -> None:
    done = _run("lint", started, "--json")

    told = json.loads(done.output)
    assert done.exit_code == 1
    assert [(row["severity"], row["key"]) for row in told] == [
        ("error", "tasks.main.scorer.image"),
        ("error", "tasks.main.base.image"),
    ]
    assert {Path(row["file"]).name for row in told} == {"challenge.yaml"}


def test_a_directory_that_is_used_is_not_written_to(started: Path) -> None:
    done = _run("init", started)

    assert done.exit_code == 1
    assert done.output.startswith("Error: ")
    assert "is there already" in done.output


def test_the_schema_is_the_one_that_lies_beside_the_settings(started: Path) -> None:
    done = _run("schema")

    assert json.loads(done.output) == json.loads((started / "challenge.schema.json").read_text())
