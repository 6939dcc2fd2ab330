"""``python -m tests.attacks``: make every attack; with ``--write`` put what came of the last run into the documents.

As root, on a practice site of its own, which ends with the run.
"""

import argparse
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from examples.demo.account import CHECKOUT
from site_config.practice.site import PracticeSite
from tests.attacks import outcomes
from tests.attacks.catalogue import ATTACKS
from tests.attacks.outcomes import MISSING, VARIABLE, Outcomes
from tests.attacks.page import PAGE, Record, merged, page, read_record, write_record
from tests.tracks import Step, Track, Tracks

NAME = "attacks"
ACCOUNT = 20305
PARTS = (
    ("tests/attacks/cluster", "tests/attacks/test_catalogue.py"),
    ("-n", "auto", "tests/attacks", "--ignore=tests/attacks/cluster"),
)
"""What waits for the practice site, and what computes."""
PYTEST = (sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-q")


def main() -> int:
    """Run the suite or write its page; return 0 if that worked."""
    parser = argparse.ArgumentParser(prog="make test-attacks ARGS=", description=__doc__)
    parser.add_argument("--write", action="store_true", help="write docs/security/attacks.md")
    options, further = parser.parse_known_args()
    return _write() if options.write else _run(further)


def _run(further: list[str]) -> int:
    site = PracticeSite(NAME)
    site.down(purge=True)
    try:
        site.up(account_uid=ACCOUNT)
        slurm, apptainer = _release(site, "sinfo"), _release(site, "apptainer")
        with tempfile.TemporaryDirectory() as folder:
            parts = [further] if further else [list(part) for part in PARTS]
            tracks = [
                Track(steps=[_part(f"attacks {number}", words, Path(folder))])
                for number, words in enumerate(parts, 1)
            ]
            failed = _together(site).run(tracks)
            rows = outcomes.gathered(Path(folder).glob("*.json"))
    finally:
        site.down(purge=True)
    day = datetime.now(UTC).date().isoformat()
    record = Record(day=day, slurm=slurm, apptainer=apptainer, rows=rows)
    write_record(merged(read_record(), record) if further else record)
    return 1 if failed else 0


def _part(name: str, words: Sequence[str], folder: Path) -> Step:
    """Return one run of pytest, which leaves its outcomes in the folder."""
    variable = f"{VARIABLE}={folder / name}.json"
    return Step(name=name, argv=["env", variable, *PYTEST, *words])


def _together(site: PracticeSite) -> Tracks:
    return Tracks(
        cwd=CHECKOUT,
        environment={**os.environ, "SEALRUN_PRACTICE_SITE": str(site.paths.site_yaml)},
        say=lambda text: print(text, flush=True),
    )


def _release(site: PracticeSite, program: str) -> str:
    """Return the last word of what a program says of its version."""
    command = site.command(program, "--version")
    told = subprocess.run(command, check=True, capture_output=True, text=True, timeout=60).stdout
    return told.split()[-1]


def _write() -> int:
    record = read_record()
    found = Outcomes(record.rows)
    missing = [attack.number for attack in ATTACKS if found.of(attack.number) == MISSING]
    if missing:
        sys.stderr.write(f"the last run left nothing for the rows {missing}: run it whole\n")
        return 1
    PAGE.parent.mkdir(exist_ok=True)
    PAGE.write_text(page(record), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
