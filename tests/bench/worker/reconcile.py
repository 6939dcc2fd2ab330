"""What ten thousand live jobs cost the worker, and how fast it submits, beside Slurm's own commands.

Everything is measured in one run and in turns, so that the ratios mean something on a busy machine, too.
"""

import logging
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from pathlib import PurePosixPath

import structlog

from portal.domain.evaluations.states import AttemptState
from portal.services.evaluations import attempts
from portal.worker.loop import run_pass
from portal.worker.polling import PollSchedule
from portal.worker.steps.watch import watch_live
from scheduler.commands.sbatch import sbatch_argv
from scheduler.commands.squeue import squeue_argv
from scheduler.interface import Accepted, JobSpec, Token
from site_config.practice.daemons import QOS, SLURM_ACCOUNT
from tests.bench.report import print_table
from tests.bench.worker.slurm_site import SlurmSite, slurm_site

LIVE = 10_000
ROUNDS = 5
SUBMITTED, AT_ONCE = 200, 40
"""Jobs that each way of submitting hands over, in turns of so many."""
PATIENCE = timedelta(seconds=120)
RAW = "sbatch through the same connection"


def run() -> int:
    """Measure and print; return 0 if it worked."""
    # Ten thousand jobs that are held are ten thousand warnings.
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    with slurm_site() as site:
        _show_submitting(site)
        site.forget()
        _show_reconciling(site)
    return 0


def _spec() -> JobSpec:
    nowhere = PurePosixPath("/dev/null")
    return JobSpec(
        script="#!/bin/sh\nexit 0\n",
        workdir=PurePosixPath("/"),
        stdout=nowhere,
        stderr=nowhere,
        partition="build",
        cpus=1,
        memory_mib=10,
        time_limit=timedelta(minutes=1),
        account=SLURM_ACCOUNT,
        qos=QOS,
        gres=None,
        comment="bench",
    )


def _on_the_login_node(site: SlurmSite, tokens: Sequence[str]) -> None:
    script = (
        f"while read t; do sbatch --quiet -A {SLURM_ACCOUNT} -q {QOS} -p build --mem=10 -t 1 -J $t"
        " -o /dev/null --wrap true; done"
    )
    site.run("bash", "-c", script, user="challenge", stdin="\n".join(tokens) + "\n")


def _raw(site: SlurmSite, tokens: Sequence[str]) -> None:
    spec = _spec()
    for token in tokens:
        argv = sbatch_argv(spec, Token(token), export="NIL")
        done = site.transport.run(argv, stdin=spec.script.encode(), timeout=PATIENCE)
        assert done.returncode == 0, done.stderr


def _adapter(site: SlurmSite, tokens: Sequence[str]) -> None:
    for token in tokens:
        assert isinstance(site.context.cluster.scheduler.submit(_spec(), Token(token)), Accepted)


def _worker(site: SlurmSite, tokens: Sequence[str]) -> None:
    """The steps of sending an attempt, each durable before the next, without preparing its files."""
    context = site.context
    for token in tokens:
        with context.database.writing() as session:
            assert attempts.start_submitting(session, token, now=context.clock())
        answer = context.cluster.scheduler.submit(_spec(), Token(token))
        assert isinstance(answer, Accepted)
        with context.database.writing() as session:
            attempts.accepted(session, token, answer.ref, now=context.clock())


WAYS: Mapping[str, Callable[[SlurmSite, Sequence[str]], None]] = {
    "sbatch in a loop on the login node": _on_the_login_node,
    RAW: _raw,
    "the adapter (Scheduler.submit)": _adapter,
    "the worker's steps, each committed": _worker,
}


def _show_submitting(site: SlurmSite) -> None:
    seconds: dict[str, list[float]] = {name: [] for name in WAYS}
    for _ in range(SUBMITTED // AT_ONCE):
        for name, way in WAYS.items():
            tokens = site.write_down(AT_ONCE, AttemptState.CREATED)
            begun = time.monotonic()
            way(site, tokens)
            seconds[name].append((time.monotonic() - begun) / AT_ONCE)
    base = statistics.median(seconds[RAW])
    rows = [["", "jobs/s", "to sbatch"]]
    for name, taken in seconds.items():
        median = statistics.median(taken)
        rows.append([name, f"{1 / median:.0f}", f"{base / median:.2f}"])
    print_table(f"Submitting, {SUBMITTED} jobs each way, in turns", rows)


def _show_reconciling(site: SlurmSite) -> None:
    context = site.context
    tokens = site.write_down(LIVE, AttemptState.QUEUED)
    filled = _timed(lambda: site.hold(tokens))
    print(f"\n{LIVE} held jobs are in the queue after {filled:.0f} s", flush=True)
    argv = squeue_argv([Token(token) for token in tokens])
    first = _timed(lambda: watch_live(context))
    print(f"taking over for the first time what is said of all of them: {first:.1f} s", flush=True)
    measured: Mapping[str, Callable[[], object]] = {
        "squeue, the same question by the same connection": lambda: site.transport.run(
            argv, timeout=PATIENCE
        ),
        "asking, reading, comparing, writing down": lambda: watch_live(context),
        "a whole pass of the worker": lambda: run_pass(context, PollSchedule(context.pace)),
    }
    taken: dict[str, list[float]] = {name: [] for name in measured}
    for _ in range(ROUNDS):
        for name, action in measured.items():
            taken[name].append(_timed(action))
    base = statistics.median(next(iter(taken.values())))
    rows = [["", "median s", "worst s", "to squeue"]]
    for name, seconds in taken.items():
        median = statistics.median(seconds)
        rows.append([name, f"{median:.2f}", f"{max(seconds):.2f}", f"{median / base:.2f}"])
    print_table(f"{LIVE} live jobs reconciled, {ROUNDS} rounds in turns", rows)


def _timed(action: Callable[[], object]) -> float:
    begun = time.monotonic()
    action()
    return time.monotonic() - begun


if __name__ == "__main__":
    raise SystemExit(run())
