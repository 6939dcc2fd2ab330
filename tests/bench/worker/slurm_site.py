"""A practice site of the benchmarks' own, whose limits are lifted, and a worker's context on it. Needs root."""

import json
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from http.client import HTTPConnection
from pathlib import Path

import yaml
from sqlalchemy import delete, insert

from portal import bootstrap
from portal.db import schema
from portal.db.tables import Attempt, Job
from portal.domain.evaluations.jobs import JobKind
from portal.domain.evaluations.states import AttemptState
from portal.domain.ids import new_id, new_token
from portal.worker.context import WorkerContext
from scheduler.transport import Transport
from site_config.practice.daemons import QOS, REST_PORT, SLURM_ACCOUNT
from site_config.practice.site import PracticeSite

NAME = "bench"
ACCOUNT = 20307
MOST_JOBS = 40_000
THREADS = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class SlurmSite:
    """The running site, what a worker knows of it, and the way to its login node."""

    practice: PracticeSite
    context: WorkerContext
    transport: Transport

    def run(self, *argv: str, user: str = "root", stdin: str = "") -> None:
        """Run a command inside."""
        _run(self.practice, *argv, user=user, stdin=stdin)

    def write_down(self, number: int, state: AttemptState) -> list[str]:
        """Write that many jobs with an attempt each into the database; return the tokens."""
        now = datetime.now(UTC)
        usual = {
            "kind": JobKind.BUILD, "cluster": "main", "profile": "build", "is_open": True,
            "created_at": now,
        }  # fmt: skip
        jobs = [{**usual, "id": new_id(now)} for _ in range(number)]
        attempts = [
            {"token": new_token(now), "job_id": job["id"], "number": 1, "state": state, "created_at": now}
            for job in jobs
        ]  # fmt: skip
        with self.context.database.writing() as session:
            session.execute(insert(Job), jobs)
            session.execute(insert(Attempt), attempts)
        return [str(row["token"]) for row in attempts]

    def forget(self) -> None:
        """End all jobs, and forget them."""
        self.run("scancel", "-u", "challenge")
        with self.context.database.writing() as session:
            session.execute(delete(Attempt))
            session.execute(delete(Job))

    def hold(self, tokens: Sequence[str]) -> None:
        """Put a held job of each name into the queue: through slurmrestd, as a process for each takes long."""
        parts = [tokens[part::THREADS] for part in range(THREADS)]
        with ThreadPoolExecutor(THREADS) as pool:
            list(pool.map(partial(_hold, self.practice), parts))


@contextmanager
def slurm_site() -> Iterator[SlurmSite]:
    """Start the site, and leave nothing of it behind."""
    practice = PracticeSite(NAME)
    practice.down(purge=True)
    try:
        practice.up(account_uid=ACCOUNT)
        _lift_limits(practice)
        with tempfile.TemporaryDirectory() as folder:
            site = _installation(practice, Path(folder))
            cluster = site.settings.clusters["main"]
            yield SlurmSite(
                practice=practice,
                context=bootstrap.worker_contexts(site)[0],
                transport=bootstrap.transport_of(cluster),
            )
    finally:
        practice.down(purge=True)


def _run(practice: PracticeSite, *argv: str, user: str = "root", stdin: str = "") -> None:
    command = practice.command(*argv, user=user)
    done = subprocess.run(
        command, input=stdin, check=False, capture_output=True, text=True, timeout=600
    )
    assert done.returncode == 0, f"{argv}: {done.stdout[-500:]}{done.stderr[-500:]}"


def _lift_limits(practice: PracticeSite) -> None:
    """Let the account have more jobs than any portal will."""
    line = f"MaxJobCount={MOST_JOBS}"
    _run(practice, "sh", "-c", f"echo {line} >>/etc/slurm/slurm.conf")
    # The controller reads this number only when it starts.
    _run(practice, "practice-daemon", "stop", "slurmctld")
    practice.up()
    limit = f"MaxSubmitJobsPerUser={MOST_JOBS}"
    _run(practice, "sacctmgr", "-i", "modify", "qos", QOS, "set", limit)


def _installation(practice: PracticeSite, folder: Path) -> bootstrap.Installation:
    settings = yaml.safe_load(practice.paths.site_yaml.read_text(encoding="utf-8"))
    settings.pop("accounts", None)
    settings["database"] = {"url": f"sqlite:///{folder / 'bench.db'}"}
    (folder / "site.yaml").write_text(yaml.safe_dump(settings), encoding="utf-8")
    site = bootstrap.open_site(folder / "site.yaml")
    schema.upgrade(site.database)
    return site


def _hold(practice: PracticeSite, tokens: Sequence[str]) -> None:
    secret = (practice.paths.secrets / "slurm-token").read_text(encoding="ascii").strip()
    headers = {
        "X-SLURM-USER-NAME": "challenge",
        "X-SLURM-USER-TOKEN": secret,
        "Content-Type": "application/json",
    }
    job = {
        "account": SLURM_ACCOUNT, "qos": QOS, "partition": "build", "hold": True,
        "current_working_directory": "/", "environment": ["PATH=/usr/bin:/bin"],
        "standard_output": "/dev/null", "time_limit": {"number": 1, "set": True},
        "memory_per_node": {"number": 10, "set": True}, "script": "#!/bin/sh\n",
    }  # fmt: skip
    with closing(HTTPConnection(practice.status().address, REST_PORT, timeout=60)) as slurm:
        for token in tokens:
            body = json.dumps({"job": {**job, "name": token}})
            slurm.request("POST", "/slurm/v0.0.42/job/submit", body, headers)
            answer = json.loads(slurm.getresponse().read())
            assert answer.get("job_id"), answer
