"""``python -m tests.attacks``: make every attack; with ``--write`` put what came of the last run into the documents.

As root, on a practice site of its own, which ends with the run.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path

from site_config.practice.site import PracticeSite
from tests.attacks.catalogue import ATTACKS
from tests.attacks.outcomes import MISSING, VARIABLE, Outcomes
from tests.attacks.page import PAGE, Record, merged, page, read_record, write_record

NAME = "attacks"
ACCOUNT = 20305
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
            path = Path(folder, "outcomes.json")
            argv = [*PYTEST, *(further or ["tests/attacks"])]
            environment = {
                **os.environ,
                VARIABLE: str(path),
                "SEALRUN_PRACTICE_SITE": str(site.paths.site_yaml),
            }
            code = subprocess.run(argv, check=False, env=environment).returncode
            rows = json.loads(path.read_text()) if path.exists() else {}
    finally:
        site.down(purge=True)
    day = datetime.now(UTC).date().isoformat()
    record = Record(
        day=day, slurm=slurm, apptainer=apptainer, rows={int(row): rows[row] for row in rows}
    )
    write_record(merged(read_record(), record) if further else record)
    return code


def _release(site: PracticeSite, program: str) -> str:
    """Return the last word of what a program says of its version."""
    command = site.command(program, "--version")
    told = subprocess.run(command, check=True, capture_output=True, text=True, timeout=60).stdout
    return told.split()[-1]


def _write() -> int:
    record = read_record()
    outcomes = Outcomes(record.rows)
    missing = [attack.number for attack in ATTACKS if outcomes.of(attack.number) == MISSING]
    if missing:
        sys.stderr.write(f"the last run left nothing for the rows {missing}: run it whole\n")
        return 1
    PAGE.parent.mkdir(exist_ok=True)
    PAGE.write_text(page(record), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
