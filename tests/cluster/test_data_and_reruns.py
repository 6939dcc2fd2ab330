"""Data that is measured by real jobs, and a submission that is run again on it, on real Slurm."""

import hashlib
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from portal.db.tables import DataSnapshot
from portal.domain.evaluations.jobs import JobKind
from portal.domain.evaluations.merkle import tree
from tests.support.cluster.spine import CHECKOUT, PATIENCE, OpenSpine, Spine

pytestmark = [pytest.mark.cluster, pytest.mark.slow]


def _root_of(folder: Path) -> str:
    """Work out the root from the files themselves."""
    records = []
    for path in folder.rglob("*"):
        name = str(path.relative_to(folder)).encode()
        if path.is_dir():
            records.append(b"d " + name)
        else:
            digest = hashlib.sha256(path.read_bytes()).hexdigest().encode()
            records.append(digest + b"  " + name)
    return tree(sorted(records)).root


@dataclass(frozen=True)
class Scored:
    """A program that was scored, what its record says of the data, and what lies there."""

    spine: Spine
    submission: str
    data: dict[str, Any]
    roots: dict[str, str]


@pytest.fixture(scope="module")
def scored(open_site: OpenSpine) -> Scored:
    """Return a site on which one program was scored."""
    spine = open_site()
    roots = {name: _root_of(one.path) for name, one in spine.site.settings.data.items()}
    spine.submit("knn.zip", spine.new_person())
    spine.start_worker()
    spine.wait(PATIENCE, spine.is_settled)
    [(submission, result)] = spine.results().items()
    return Scored(spine, submission, result.seal["data"], roots)


def _rerun(spine: Spine, submission: str) -> subprocess.CompletedProcess[str]:
    return _sealrun(spine, "rerun", submission)


def _sealrun(spine: Spine, *words: str) -> subprocess.CompletedProcess[str]:
    argv = [sys.executable, "-m", "portal", *words, "--site", str(spine.settings)]
    return subprocess.run(
        argv,
        cwd=CHECKOUT,
        env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        timeout=PATIENCE.total_seconds(),
        check=False,
    )


def test_the_seal_record_has_the_root_of_what_lies_there(scored: Scored) -> None:
    for part in ("input", "truth"):
        found = scored.data[part]
        assert found["merkle_root"] == scored.roots[found["name"]]
        assert found["unchanged"] is True


def test_it_was_measured_before_the_program_ran(scored: Scored) -> None:
    attempts = scored.spine.attempts()
    first = min(one.started_at for one, job in attempts if job.kind is JobKind.PREDICT)
    measured = [one.ended_at for one, job in attempts if job.kind is JobKind.MEASURE]

    assert len(scored.roots) == 2
    assert max(sorted(measured)[:2]) <= first


def test_run_again_it_comes_to_the_same_until_the_truth_is_changed(scored: Scored) -> None:
    spine, submission = scored.spine, scored.submission
    name = scored.data["truth"]["name"]
    folder = spine.site.settings.data[name].path

    same = _rerun(spine, submission)
    labels = _spoil(folder)
    other = _rerun(spine, submission)
    spine.wait(PATIENCE, lambda: _root_of(folder) in _roots(spine, name))
    changes = _sealrun(spine, "data", "changes", name)

    assert (same.returncode, same.stdout.splitlines()[-1].split(": ")[1]) == (0, "the same scores")
    assert (other.returncode, other.stdout.splitlines()[-1].split(": ")[1]) == (1, "other scores")
    assert _roots(spine, name) == [scored.roots[name], _root_of(folder)]
    assert changes.returncode == 1
    assert sorted((line[0], line.split("  ")[1]) for line in changes.stdout.splitlines()) == [
        ("+", labels),
        ("-", labels),
    ]


def _roots(spine: Spine, name: str) -> list[str | None]:
    with spine.site.database.reading() as session:
        rows = select(DataSnapshot.root).where(DataSnapshot.name == name).order_by(DataSnapshot.id)
        return list(session.scalars(rows))


def _spoil(folder: Path) -> str:
    """Give all rows of the labels the same one; return the name of the file."""
    [labels] = [path for path in folder.rglob("*.csv") if path.is_file()]
    head, *rows = labels.read_text().splitlines()
    labels.chmod(0o640)
    labels.write_text("\n".join([head, *(f"{row.rpartition(',')[0]},0" for row in rows)]) + "\n")
    return str(labels.relative_to(folder))
