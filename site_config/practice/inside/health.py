"""Slurm's health check of the practice site: lets a node return that was drained for nothing.

A job that is cancelled in the very moment in which it starts can leave its node drained as ``Kill task
failed`` although nothing of it runs any more (seen with Slurm 24.11 on a busy machine). A controller that was killed
before it saved its state gives the number of a job that still runs to the next one, and drains the node that says so, as
``Duplicate jobid``. On a real site a person looks at such a node before it returns; here nobody is there to look.
"""

import subprocess
import sys

DRAINED_FOR_NOTHING = frozenset({"Kill task failed", "Duplicate jobid"})
TIMEOUT = 20.0


def drained_for_nothing(listing: str) -> list[str]:
    """Return the nodes of a listing ``NODE|REASON`` a line that may return."""
    pairs = (line.partition("|") for line in listing.splitlines())
    return sorted({node for node, _, reason in pairs if reason.strip() in DRAINED_FOR_NOTHING})


def main() -> int:
    """Look once; slurmd calls it again and again."""
    asked = ["sinfo", "--noheader", "--Node", "--states=drain", "--format=%N|%E"]
    listing = subprocess.run(asked, check=True, capture_output=True, text=True, timeout=TIMEOUT)
    for node in drained_for_nothing(listing.stdout):
        resume = ["scontrol", "update", f"nodename={node}", "state=resume"]
        subprocess.run(resume, check=False, timeout=TIMEOUT)
    return 0


if __name__ == "__main__":
    sys.exit(main())
