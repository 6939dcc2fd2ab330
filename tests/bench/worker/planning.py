"""What planning, opening runs and taking over what the cluster says of them costs, however much waits.

Without a cluster: what is measured is the worker's own work, on a database whose commits are durable.
"""

import statistics
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from sqlalchemy import select, update

from portal import bootstrap
from portal.db.tables import Attempt, Image
from portal.domain.evaluations.states import AttemptState, ImageState
from portal.services.evaluations import planning
from portal.services.evaluations.planning import Planned
from portal.worker.context import WorkerContext
from portal.worker.job_reports import apply_all_job_reports
from scheduler.interface import JobRef, JobReport, Outcome, Phase, Token
from tests.bench.report import print_table
from tests.bench.seeding import seed_waiting
from tests.bench.web.portal_server import database_url, open_with_tables, write_settings
from tests.support import factories
from tests.support.statements import counted

WAITING = (1_000, 10_000)
ROUNDS = 4
"""Passes at each size; each opens a batch of runs, which are then seen to start and to end."""
PROFILES = ("build", "gpu-small", "score")
UPDATES, STARTED, ENDED = "as many plain UPDATEs", "started", "ended"


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """What was measured with so many waiting."""

    waiting: int
    questions: int
    """SELECTs of a pass."""
    statements: int
    opened: int
    plan: "Taken"
    """For each opened run; the median pass."""
    news: dict[str, "Taken"]
    """For each attempt of which there is news; the median pass."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """Milliseconds for each of many things."""

    wall: float
    computed: float
    """Of this process alone: it depends less on what else the machine does."""


def run(*, postgres: bool) -> None:
    """Seed, plan, take over, measure and print."""
    found = [_measure(number, postgres=postgres) for number in WAITING]
    rows = [["waiting", "opened", "questions", "statements", "ms a run", "CPU ms", "to the first"]]
    rows += [
        [
            f"{one.waiting:,}",
            f"{one.opened}",
            f"{one.questions}",
            f"{one.statements}",
            f"{one.plan.wall:.2f}",
            f"{one.plan.computed:.2f}",
            f"{one.plan.computed / found[0].plan.computed:.2f}",
        ]
        for one in found
    ]
    print_table(f"A pass that opens runs, median of {ROUNDS}", rows)
    last = found[-1]
    base = last.news[UPDATES].computed
    print_table(
        f"News of {last.opened} attempts in one pass, median of {ROUNDS}",
        [
            ["", "ms each", "CPU ms", "to UPDATE"],
            *(
                [name, f"{ms.wall:.2f}", f"{ms.computed:.2f}", f"{ms.computed / base:.1f}"]
                for name, ms in last.news.items()
            ),
        ],
    )


@contextmanager
def _site(number: int, *, postgres: bool) -> Iterator[WorkerContext]:
    with (
        tempfile.TemporaryDirectory(prefix="sealrun-bench-") as name,
        database_url(Path(name), postgres=postgres) as url,
    ):
        site = open_with_tables(write_settings(Path(name), database=url, profiles=PROFILES))
        seed_waiting(site.database, number)
        context = bootstrap.worker_contexts(replace(site, clock=lambda: factories.NOW))[0]
        with site.database.writing() as session:
            session.get_one(Image, context.probe_image_id).state = ImageState.READY
        yield context
        site.database.engine.dispose()


def _measure(number: int, *, postgres: bool) -> Measured:
    passes: list[Taken] = []
    news: dict[str, list[Taken]] = {UPDATES: [], STARTED: [], ENDED: []}
    with _site(number, postgres=postgres) as context:
        _plan(context)
        _queue(context)
        for _ in range(ROUNDS):
            with counted(context.database) as statements:
                stop = _timer()
                planned = _plan(context)
                passes.append(stop(planned.runs))
            for name, taken in _news(context, _queue(context)).items():
                news[name].append(taken)
    return Measured(
        waiting=number,
        questions=sum(one.startswith("SELECT") for one in statements),
        statements=len(statements),
        opened=planned.runs,
        plan=_median(passes),
        news={name: _median(values) for name, values in news.items()},
    )


def _timer() -> Callable[[int], Taken]:
    """Begin to measure; what is returned ends it, and divides by how many it was for."""
    wall, computed = time.perf_counter(), time.process_time()

    def stop(number: int) -> Taken:
        return Taken(
            wall=1000 * (time.perf_counter() - wall) / number,
            computed=1000 * (time.process_time() - computed) / number,
        )

    return stop


def _median(found: Sequence[Taken]) -> Taken:
    return Taken(
        wall=statistics.median(one.wall for one in found),
        computed=statistics.median(one.computed for one in found),
    )


def _plan(context: WorkerContext) -> Planned:
    with context.database.writing() as session:
        return planning.plan(
            session,
            resources=context.resources,
            cluster=context.cluster.name,
            probe_image_id=context.probe_image_id,
            now=context.clock(),
        )


def _queue(context: WorkerContext) -> list[Token]:
    """Let the cluster have what was opened; return the tokens."""
    with context.database.writing() as session:
        rows = session.scalars(select(Attempt).where(Attempt.state == AttemptState.CREATED)).all()
        for row in rows:
            row.state, row.cluster_job_id = AttemptState.QUEUED, "1"
            directory = context.cluster.run_directory(row.job_id, Token(row.token))
            directory.mkdir(parents=True)
    return [Token(row.token) for row in rows]


def _news(context: WorkerContext, tokens: Sequence[Token]) -> dict[str, Taken]:
    """Return what each took: of plain statements and of news of two kinds."""
    started = {token: _report(token) for token in tokens}
    ended = {
        token: replace(report, phase=Phase.ENDED, raw_state="COMPLETED", outcome=Outcome.COMPLETED)
        for token, report in started.items()
    }
    taken = {}
    stop = _timer()
    with context.database.writing() as session:
        for token in tokens:
            session.execute(
                update(Attempt)
                .where(Attempt.token == token)
                .values(confirmed_at=context.clock())
                .execution_options(synchronize_session=False)
            )
    taken[UPDATES] = stop(len(tokens))
    for name, reports in ((STARTED, started), (ENDED, ended)):
        stop = _timer()
        assert apply_all_job_reports(context, reports)
        taken[name] = stop(len(tokens))
    return taken


def _report(token: Token) -> JobReport:
    return JobReport(
        token=token,
        ref=JobRef(cluster="main", job_id="1"),
        phase=Phase.RUNNING,
        outcome=None,
        raw_state="RUNNING",
        raw_reason="None",
        exit_code=0,
        signal=None,
        submitted_at=factories.NOW,
        expected_at=None,
        started_at=factories.NOW,
        ended_at=None,
        nodes="gpu01",
    )
