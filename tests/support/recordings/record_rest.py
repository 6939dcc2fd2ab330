"""Record what a practice site's slurmrestd answers, for the tests of its readers.

``python -m tests.support.recordings.record_rest SITE_YAML`` fills the folder ``rest`` of the release that it
finds. As ``record`` does, it stops the controller for a while and leaves its jobs: use a fresh site.
What nothing reads and what is long (steps, resources) is left out of the jobs.
"""

import contextlib
import json
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import timedelta
from pathlib import Path, PurePosixPath
from typing import Any

import yaml

from scheduler.errors import SchedulerError
from scheduler.interface import JobSpec, Token
from scheduler.slurmrestd.answer import Answer
from scheduler.slurmrestd.client import NOTHING, RestClient
from scheduler.slurmrestd.submit import submission
from scheduler.slurmrestd.versions import Dialect, choose_dialect
from scheduler.transport import Transport
from tests.support.cluster.labs import connect, rest_client
from tests.support.recordings.record import (
    PATIENCE,
    REFUSED,
    SCRIPTS,
    full_queue,
    inactive_partition,
    stopped_controller,
)

HERE = Path(__file__).parent
LONG = {"steps", "tres", "job_resources", "tres_alloc_str", "tres_req_str", "qosreq", "script"}


class Recorder:
    """Asks slurmrestd and keeps each answer in a file."""

    def __init__(self, client: RestClient, dialect: Dialect, folder: Path) -> None:
        self._client = client
        self._folder = folder
        self.dialect = dialect
        folder.mkdir(exist_ok=True)

    def record(
        self,
        name: str,
        method: str,
        path: str,
        query: Mapping[str, str] = NOTHING,
        body: object = None,
    ) -> Answer | None:
        """Ask and write the answer to ``name``.json; what never came is not written."""
        try:
            answer = self._client.ask(method, path, query=query, body=body)
        except SchedulerError as failure:
            sys.stdout.write(f"{name}: {failure}\n")
            return None
        self.keep(name, answer)
        return answer

    def keep(self, name: str, answer: Answer) -> None:
        """Write ``answer``."""
        document = dict(answer.document)
        if isinstance(document.get("jobs"), list):
            document["jobs"] = [
                {key: value for key, value in job.items() if key not in LONG}
                for job in document["jobs"]
                if job["name"].startswith("rec-")
            ]
        content = {"version": self.dialect.version, "status": answer.status, "document": document}
        (self._folder / f"{name}.json").write_text(json.dumps(content) + "\n")

    def submit(self, name: str, job: JobSpec, file: str) -> Answer | None:
        """Submit a job named ``rec-`` and ``name``."""
        body = submission(self.dialect, job, Token(f"rec-{name}"))
        return self.record(file, "POST", self.dialect.submit, body=body)


@contextlib.contextmanager
def stopped(operator: Transport, daemon: str) -> Iterator[None]:
    """End a daemon and start it again."""
    operator.run(["/usr/local/sbin/practice-daemon", "stop", daemon], timeout=PATIENCE)
    try:
        yield
    finally:
        operator.run(["/usr/local/sbin/practice-daemon", "start", daemon], timeout=PATIENCE)


def main(site_file: str) -> None:
    """Record everything."""
    site: dict[str, Any] = yaml.safe_load(Path(site_file).read_text())
    cluster = site["clusters"]["main"]
    transport, operator = connect(site), connect(site, operator=True)
    workdir = PurePosixPath(cluster["storage"]) / f"record-{time.time_ns()}"
    transport.run(["mkdir", str(workdir)], timeout=PATIENCE)
    client = rest_client(site, "tcp")
    offer = client.ask("GET", "/openapi/v3")
    dialect = choose_dialect(offer.document)
    ping = client.ask("GET", dialect.ping).document["meta"]
    release = ".".join((ping.get("slurm") or ping["Slurm"])["release"].split(".")[:2])
    recorder = Recorder(client, dialect, HERE / f"slurm-{release}" / "rest")
    paths = {path: {} for path in offer.document["paths"]}
    recorder.keep("offer", Answer(status=offer.status, document={"paths": paths}))
    spec = JobSpec(
        script="#!/bin/sh\nexit 0\n",
        workdir=workdir,
        stdout=workdir / "out",
        stderr=workdir / "err",
        partition="build",
        cpus=1,
        memory_mib=100,
        time_limit=timedelta(minutes=1),
        account=cluster["slurm"]["account"],
        qos=cluster["slurm"]["qos"],
    )
    ids = record_jobs(recorder, spec)
    record_faults(recorder, operator, spec, ids)
    client.close()
    transport.close()
    operator.close()


def record_jobs(recorder: Recorder, spec: JobSpec) -> dict[str, int]:
    """Record submissions, refusals and what became of the jobs; return the jobs' ids."""
    dialect, ids = recorder.dialect, {}
    recorder.record("ping", "GET", dialect.ping)
    jobs = {
        name: replace(spec, script=f"#!/bin/sh\nPATH=/usr/bin:/bin\n{script}\n")
        for name, script in SCRIPTS.items()
    }
    jobs["bad-stdout"] = replace(spec, stdout=PurePosixPath("/nowhere/out"))
    waiting = replace(spec, memory_mib=5900, script="#!/bin/sh\nsleep 60\n")
    jobs |= {"waiting": waiting, "cancelled-waiting": waiting}
    for name, job in jobs.items():
        if answer := recorder.submit(name, job, "submit-accepted"):
            ids[name] = answer.document["job_id"]
    for name, change in REFUSED.items():
        recorder.submit(f"refused-{name}", replace(spec, **change), f"submit-refused-{name}")
    time.sleep(4)
    for name in ("cancelled", "cancelled-waiting"):
        recorder.record("cancel-alive", "DELETE", dialect.job(str(ids[name])))
    recorder.record("cancel-ended", "DELETE", dialect.job(str(ids["completed"])))
    recorder.record("cancel-unknown", "DELETE", dialect.job("99999"))
    time.sleep(4)
    recorder.record("queue", "GET", dialect.queue)
    query = {"start_time": "now-60minutes", **dialect.accounting_filter}
    names = ",".join([f"rec-{name}" for name in jobs] + [f"rec-refused-{name}" for name in REFUSED])
    recorder.record("accounting", "GET", dialect.accounting, query | {"job_name": names})
    recorder.record("accounting-nothing", "GET", dialect.accounting, query | {"job_name": "none"})
    return ids


def record_faults(
    recorder: Recorder, operator: Transport, spec: JobSpec, ids: Mapping[str, int]
) -> None:
    """Record what is answered while something is broken."""
    dialect = recorder.dialect
    query = {"start_time": "now-60minutes", **dialect.accounting_filter}
    with full_queue(operator, spec.qos or "normal"):
        recorder.submit("queue-full", spec, "submit-refused-queue-full")
    with inactive_partition(operator, spec.partition):
        recorder.submit("inactive", spec, "submit-refused-inactive")
    with stopped_controller(operator):
        recorder.submit("lost-reply", spec, "submit-timed-out")
        recorder.record("queue-timed-out", "GET", dialect.queue)
        recorder.record("ping-timed-out", "GET", dialect.ping)
        recorder.record("cancel-timed-out", "DELETE", dialect.job(str(ids["running"])))
    with stopped(operator, "slurmctld"):
        recorder.submit("no-controller", spec, "submit-no-controller")
        recorder.record("queue-no-controller", "GET", dialect.queue)
        recorder.record("ping-no-controller", "GET", dialect.ping)
    with stopped(operator, "slurmdbd"):
        recorder.record("accounting-down", "GET", dialect.accounting, query | {"job_name": "none"})
    for name in ("running", "waiting"):
        recorder.record("cancel-alive", "DELETE", dialect.job(str(ids[name])))


if __name__ == "__main__":
    main(*sys.argv[1:])
