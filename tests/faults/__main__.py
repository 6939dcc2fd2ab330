"""``python -m tests.faults``: run the suite; with ``--write`` put the rows of its last run into the reference."""

import argparse
import subprocess
import sys

from tests.faults.table import PAGE, page, read_rows, wanted


def main() -> int:
    """Run the suite or write its table; return 0 if that worked."""
    parser = argparse.ArgumentParser(prog="make test-faults ARGS=", description=__doc__)
    parser.add_argument("--write", action="store_true", help="write docs/reference/faults.md")
    options, further = parser.parse_known_args()
    if not options.write:
        pytest = (sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-q")
        return subprocess.run([*pytest, *further, "tests/faults"], check=False).returncode
    rows = read_rows()
    missing = wanted() - {(row.fault, row.moment) for row in rows}
    if missing:
        sys.stderr.write(f"the last run left no rows for {sorted(missing)}: run it whole\n")
        return 1
    PAGE.write_text(page(rows), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
