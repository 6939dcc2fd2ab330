"""Commands and jobs inside a practice site."""

import subprocess
import time
from dataclasses import dataclass

from site_config.practice.machine.accounts import ACCOUNT_NAME
from site_config.practice.site import PracticeSite

STATES_THAT_LAST = {"PENDING", "RUNNING", "COMPLETING", "CONFIGURING", "REQUEUED", "SUSPENDED", ""}


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """How a job ended: its state in accounting, its exit code, and all that it printed."""

    id: str
    state: str
    exit_code: str
    output: str


@dataclass(frozen=True, slots=True)
class Inside:
    """Run commands and jobs in a site."""

    site: PracticeSite

    def run(
        self, *argv: str, user: str = ACCOUNT_NAME, text: str = ""
    ) -> subprocess.CompletedProcess[str]:
        command = self.site.command(*argv, user=user)
        return subprocess.run(
            command, check=False, capture_output=True, text=True, input=text, timeout=120
        )

    def submit(self, script: str, *options: str) -> str:
        folder = self.site.paths.storage
        submitted = self.run(
            "sbatch",
            "--parsable",
            f"--chdir={folder}",
            "--output=%j.out",
            *options,
            text=f"#!/bin/sh\n{script}\n",
        )
        assert submitted.returncode == 0, submitted.stderr
        return submitted.stdout.strip()

    def wait(self, job: str, seconds: float = 60) -> Job:
        deadline = time.monotonic() + seconds
        while True:
            told = self.run(
                "sacct", "-X", "-n", "-P", "-j", job, "-o", "state,exitcode"
            ).stdout.strip()
            state, _, exit_code = told.partition("|")
            if state not in STATES_THAT_LAST:
                break
            assert time.monotonic() < deadline, f"job {job} is still {state}"
            time.sleep(0.1)
        output = self.site.paths.storage / f"{job}.out"
        return Job(
            id=job,
            state=state.split()[0],
            exit_code=exit_code,
            output=output.read_text(encoding="utf-8") if output.exists() else "",
        )

    def job(self, script: str, *options: str) -> Job:
        return self.wait(self.submit(script, *options))
