"""Running `sealrun check-site` on a practice site, as its portal's account would."""

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from typing import Any

from examples.demo.account import CHECKOUT, as_account
from site_config.practice.site import PracticeSite

SECRET = "hunter2-of-the-operator"
HIDDEN = {"SEALRUN_DATABASE_PASSWORD": SECRET, "PGPASSWORD": SECRET}


def command(site: PracticeSite, *words: str) -> list[str]:
    argv = [sys.executable, "-m", "portal", *words, "--site", str(site.paths.site_yaml)]
    return as_account(argv, site.status(), home="home")


def sealrun(site: PracticeSite, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command(site, *words),
        check=False,
        capture_output=True,
        text=True,
        timeout=400,
        cwd=CHECKOUT,
        env=os.environ | HIDDEN | {"PYTHONDONTWRITEBYTECODE": "1"},
    )


@dataclass(frozen=True, slots=True)
class Checked:
    """A report, and how the command ended."""

    code: int
    report: dict[str, Any]

    def wrong(self) -> dict[str, set[tuple[str, str]]]:
        """Return level and line to change of all that was looked at and is not well, by id.

        Without what no practice site can have: its nodes are one machine, on which runs take turns.
        """
        found: dict[str, set[tuple[str, str]]] = {}
        for one in self.report["findings"]:
            if one["level"] not in {"ok", "left_out"} and one["id"] != "profiles.separation":
                found.setdefault(one["id"], set()).add((one["level"], one["change"]))
        return found


def check(site: PracticeSite, *words: str) -> Checked:
    done = sealrun(site, "check-site", "--format", "json", *words)
    assert SECRET not in done.stdout + done.stderr
    return Checked(done.returncode, json.loads(done.stdout))
