"""Record what a practice site's Slurm answers, for the tests of the parsers.

``python -m tests.support.recordings.record SITE_YAML`` fills the folder of the release that it finds. It
takes about a minute, stops the controller for half of it and leaves its jobs in accounting: use a
fresh site of your own.
"""

import contextlib
import json
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path, PurePosixPath

import yaml

from scheduler.commands.controller import controller_argv, read_controller
from scheduler.commands.sacct import sacct_argv
from scheduler.commands.sbatch import sbatch_argv
from scheduler.commands.scancel import scancel_argv
from scheduler.commands.squeue import squeue_argv
from scheduler.interface import JobSpec, Token
from scheduler.ssh.transport import SshTransport
from scheduler.transport import Transport

HERE = Path(__file__).parent
PATIENCE = timedelta(seconds=90)

SCRIPTS = {
    "completed": "exit 0",
    "exit-7": "exit 7",
    "segfault": "kill -SEGV $$",
    "memory": "head -c 300m /dev/zero | tail > /dev/null",
    "running": "sleep 60",
    "cancelled": "sleep 60",
}
REFUSED = {
    "account": {"account": "nobody"},
    "partition": {"partition": "nowhere"},
    "partition-option": {"partition": "x --wrap=id"},
    "qos": {"qos": "nothing"},
    "time": {"time_limit": timedelta(days=30)},
    "memory": {"memory_mib": 99_000_000},
    "cpus": {"cpus": 999},
    "gres": {"partition": "gpu", "gres": "gpu:99"},
    "gres-unknown": {"gres": "teapot:1"},
    "gres-elsewhere": {"partition": "build", "gres": "gpu:1"},
    "comment": {"comment": "x" * 70_000},
}


class Recorder:
    """Runs commands and keeps each answer in a file."""

    def __init__(self, transport: Transport, folder: Path) -> None:
        self._transport = transport
        self._folder = folder
        folder.mkdir(exist_ok=True)

    def record(self, name: str, argv: Sequence[str], stdin: str = "") -> None:
        """Run ``argv`` and write its answer to ``name``.json."""
        answer = self._transport.run(argv, stdin=stdin.encode(), timeout=PATIENCE)
        content = {
            "command": argv[2] if argv[0] == "env" else argv[0],
            "returncode": answer.returncode,
            "stdout": answer.stdout.decode(),
            "stderr": answer.stderr.decode(),
        }
        (self._folder / f"{name}.json").write_text(json.dumps(content, indent=2) + "\n")


@contextlib.contextmanager
def stopped_controller(operator: Transport) -> Iterator[None]:
    """Stop slurmctld without ending it."""
    pid = operator.run(["cat", "/run/slurmctld/slurmctld.pid"], timeout=PATIENCE).stdout.decode()
    operator.run(["kill", "-STOP", pid.strip()], timeout=PATIENCE)
    try:
        yield
    finally:
        operator.run(["kill", "-CONT", pid.strip()], timeout=PATIENCE)


@contextlib.contextmanager
def full_queue(operator: Transport, qos: str) -> Iterator[None]:
    """Let no job of ``qos`` be submitted."""
    change = ["sacctmgr", "-i", "modify", "qos", qos, "set"]
    operator.run([*change, "MaxSubmitJobsPerUser=0"], timeout=PATIENCE)
    try:
        yield
    finally:
        operator.run([*change, "MaxSubmitJobsPerUser=-1"], timeout=PATIENCE)


@contextlib.contextmanager
def inactive_partition(operator: Transport, partition: str) -> Iterator[None]:
    """Take ``partition`` out of service."""
    change = ["scontrol", "update", f"PartitionName={partition}"]
    operator.run([*change, "State=INACTIVE"], timeout=PATIENCE)
    try:
        yield
    finally:
        operator.run([*change, "State=UP"], timeout=PATIENCE)


def main(site_file: str) -> None:
    """Record everything."""
    cluster = yaml.safe_load(Path(site_file).read_text())["clusters"]["main"]
    ssh = cluster["connect"]["ssh"]
    keys = {"host": ssh["host"], "port": ssh["port"], "known_hosts": Path(ssh["known_hosts"])}
    key = Path(ssh["key_file"])
    transport = SshTransport(**keys, user=ssh["user"], key_file=key)
    operator = SshTransport(**keys, user="root", key_file=key.with_name("operator_ed25519"))
    config = transport.run(controller_argv(), timeout=PATIENCE).stdout
    release = ".".join(read_controller(config).version.split(".")[:2])
    recorder = Recorder(transport, HERE / f"slurm-{release}")
    workdir = PurePosixPath(cluster["storage"]) / f"record-{time.time_ns()}"
    transport.run(["mkdir", str(workdir)], timeout=PATIENCE)
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
    record_all(recorder, operator, spec)
    transport.close()
    operator.close()


def record_all(recorder: Recorder, operator: Transport, spec: JobSpec) -> None:
    """Record each command in each situation. Job names are ``rec-`` and what happens to the job."""

    def submit(name: str, job: JobSpec, file: str) -> None:
        argv = sbatch_argv(job, Token(f"rec-{name}"), export="NIL")
        recorder.record(file, argv, job.script)

    recorder.record("config", controller_argv())
    for name, script in SCRIPTS.items():
        submit(
            name,
            replace(spec, script=f"#!/bin/sh\nPATH=/usr/bin:/bin\n{script}\n"),
            "sbatch-accepted",
        )
    for name, change in REFUSED.items():
        submit(f"refused-{name}", replace(spec, **change), f"sbatch-refused-{name}")
    lost = replace(spec, stdout=PurePosixPath("/nowhere/out"))
    submit("bad-stdout", lost, "sbatch-accepted")
    waiting = replace(spec, memory_mib=5900, script="#!/bin/sh\nsleep 60\n")
    submit("waiting", waiting, "sbatch-accepted")
    submit("cancelled-waiting", waiting, "sbatch-accepted")
    time.sleep(4)
    recorder.record("scancel-running", scancel_argv(Token("rec-cancelled")))
    recorder.record("scancel-waiting", scancel_argv(Token("rec-cancelled-waiting")))
    recorder.record("scancel-nothing", scancel_argv(Token("rec-no-such-job")))
    time.sleep(3)
    names = [*SCRIPTS, "waiting", "cancelled-waiting", "bad-stdout", "no-such-job"]
    names += [f"refused-{name}" for name in REFUSED]
    tokens = [Token(f"rec-{name}") for name in names]
    recorder.record("squeue", squeue_argv(tokens))
    recorder.record("squeue-empty", squeue_argv([Token("rec-no-such-job")]))
    recorder.record("sacct", sacct_argv(tokens, timedelta(days=1)))
    with stopped_controller(operator):
        submit("lost-reply", spec, "sbatch-timed-out")
        recorder.record("squeue-timed-out", squeue_argv(tokens))
        recorder.record("scancel-timed-out", scancel_argv(Token("rec-running")))
        recorder.record("config-timed-out", controller_argv())
    with full_queue(operator, spec.qos or "normal"):
        submit("queue-full", spec, "sbatch-refused-queue-full")
    with inactive_partition(operator, spec.partition):
        submit("inactive", spec, "sbatch-refused-inactive")
    for name in ("running", "waiting"):
        recorder.record("scancel-running", scancel_argv(Token(f"rec-{name}")))


if __name__ == "__main__":
    main(*sys.argv[1:])
