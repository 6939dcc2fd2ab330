"""Record what queue and accounting say of jobs that are held, suspended, put back, preempted and so on.

``python -m tests.support.recordings.record_states NAME`` does this on the running practice site NAME, as root.
It takes about two minutes, restarts the controller with a partition whose jobs give way to others,
and takes a node down: use a fresh site of your own.
"""

import subprocess
import sys
import time
from datetime import timedelta

import yaml

from scheduler.commands.sacct import sacct_argv
from scheduler.commands.squeue import squeue_argv
from scheduler.interface import Token
from site_config.practice.site import PracticeSite
from tests.support.cluster.labs import connect
from tests.support.recordings.record import HERE, Recorder

PREEMPTION = """\
PreemptType=preempt/partition_prio
PreemptMode=CANCEL
PartitionName=low Nodes={node} MaxTime=60 DefaultTime=2 PriorityTier=0 OverSubscribe=FORCE:8 State=UP
"""
SMALL = ("--partition=build", "--mem=100M", "--time=5")
ON_GPU = ("--partition=gpu", "--mem=100M", "--time=5")
JOBS = {
    "preempted": ("--partition=low", "--mem=5500M", "--time=5"),
    "held": (*SMALL, "--hold"),
    "held-by-staff": (*SMALL, "--begin=now+1hour"),
    "suspended": SMALL,
    "requeued": (*SMALL, "--requeue"),
    "requeue-held": (*SMALL, "--requeue"),
    "special-exit": (*SMALL, "--requeue"),
    "node-failed": (*ON_GPU, "--no-requeue"),
    "node-failed-requeued": (*ON_GPU, "--requeue"),
    "array": (*SMALL, "--array=0-3%1"),
    "timed-out": ("--partition=build", "--mem=100M", "--time=1"),
    "deadline": ("--partition=gpu", "--mem=5990M", "--time=1", "--deadline=now+62seconds"),
    "dependency": (*SMALL, "--dependency=after:1", "--begin=now+1hour"),
}


def main(name: str) -> None:
    """Record everything."""
    site = PracticeSite(name)
    settings = yaml.safe_load(site.paths.site_yaml.read_text())

    def run(*argv: str, user: str = "root", text: str = "") -> str:
        command = site.command(*argv, user=user)
        done = subprocess.run(command, input=text, text=True, capture_output=True, check=False)
        if done.returncode:
            print(" ".join(argv), "->", done.stderr.strip())  # noqa: T201
        return done.stdout.strip()

    release = run("sinfo", "--version").split()[1].rpartition(".")[0]
    recorder = Recorder(connect(settings), HERE / f"slurm-{release}")
    run(
        "sh",
        "-c",
        f"printf '%s' '{PREEMPTION.format(node=f'{name}-gpu')}' >> /etc/slurm/slurm.conf",
    )
    run("practice-daemon", "stop", "slurmctld")
    run("practice-daemon", "start", "slurmctld")

    def submit(job: str, *options: str) -> str:
        argv = ["sbatch", "--parsable", "--output=/dev/null", "--chdir=/", f"--job-name=rec-{job}"]
        script = "#!/bin/sh\nexec /usr/bin/sleep 100\n"
        return run(*argv, *options, user="challenge", text=script)

    ids = {"preempted": submit("preempted", *JOBS["preempted"])}
    while run("squeue", "-h", "-o", "%T", "-j", ids["preempted"]) != "RUNNING":
        time.sleep(0.5)
    submit("preemptor", "--partition=gpu", "--mem=5500M", "--time=5")
    while run("squeue", "-h", "-o", "%T", "-n", "rec-preemptor") != "RUNNING":
        time.sleep(0.5)
    run("scancel", "--name=rec-preemptor")
    ids |= {job: submit(job, *options) for job, options in JOBS.items() if job not in ids}
    time.sleep(4)
    recorder.record(
        "sbatch-accepted-cluster",
        ["sbatch", "--parsable", "--clusters", name, "--job-name=rec-there", "--begin=now+1hour"],
        "#!/bin/sh\n",
    )
    run("scontrol", "hold", ids["held-by-staff"])
    run("scontrol", "suspend", ids["suspended"])
    run("scontrol", "requeue", ids["requeued"])
    run("scontrol", "requeuehold", ids["requeue-held"])
    run("scontrol", "requeuehold", "State=SpecialExit", ids["special-exit"])
    tokens = [Token(f"rec-{job}") for job in JOBS]
    recorder.record("squeue-states-early", squeue_argv(tokens))
    run("scontrol", "update", f"NodeName={name}-gpu", "State=DOWN", "Reason=recording")
    time.sleep(15)
    recorder.record("squeue-states", squeue_argv(tokens))
    run("scontrol", "update", f"NodeName={name}-gpu", "State=RESUME")
    time.sleep(110)
    recorder.record("squeue-states-late", squeue_argv(tokens))
    recorder.record("sacct-states", sacct_argv(tokens, timedelta(days=1)))
    run("sh", "-c", "squeue -h -o %A | xargs scancel")


if __name__ == "__main__":
    main(*sys.argv[1:])
