"""How fast the pages of a large challenge are, beside a static file of the same size as its leaderboard."""

import os
import sys
import tempfile
from pathlib import Path

from examples.demo.processes import Processes, free_port, sealrun
from portal.domain.pagination import PAGE_SIZE
from tests.bench.report import percentile, print_table
from tests.bench.seeding import OF_EACH_TEAM, seed
from tests.bench.web import static_server
from tests.bench.web.load import Target, fetch, run_round
from tests.bench.web.portal_server import (
    cookie_of,
    count_queries,
    database_url,
    open_with_tables,
    write_settings,
)

REQUESTS = 2_000
"""Of each address, over all rounds."""
ROUNDS = 5
CONNECTIONS = 4
WARM_UP = 100
MIDDLE = 25
"""The page on which the team in the middle of the ranking stands, or a page near it."""


def run(*, postgres: bool, submissions: int, requests: int) -> None:
    """Seed, serve, measure and print. Raises when something does not work, never when it is slow."""
    with (
        tempfile.TemporaryDirectory(prefix="sealrun-bench-") as name,
        database_url(Path(name), postgres=postgres) as url,
    ):
        _run_in(Path(name), url, submissions, requests)


def _run_in(directory: Path, url: str, submissions: int, requests: int) -> None:
    port, plain_port = free_port(8100), free_port(8200)
    settings = write_settings(directory, database=url, port=port)
    site = open_with_tables(settings)
    seeded = seed(site.database, submissions)
    address = f"/challenges/{seeded.slug}/leaderboard?phase={seeded.phase}"
    teams = submissions // OF_EACH_TEAM
    middle = min(MIDDLE, teams // PAGE_SIZE)
    cookie, staff = cookie_of(site, seeded.member_id), cookie_of(site, seeded.staff_id)
    pages = [
        Target(name="first page, a visitor", port=port, path=address),
        Target(name="first page, a member", port=port, path=address, cookie=cookie),
        Target(name=f"page {middle}, a visitor", port=port, path=f"{address}&page={middle}"),
        Target(
            name=f"page {middle}, a member",
            port=port,
            path=f"{address}&page={middle}",
            cookie=cookie,
        ),
        *(
            Target(name=f"{name}, staff", port=port, path=path, cookie=staff)
            for name, path in (
                ("all submissions", f"/challenges/{seeded.slug}/submissions"),
                ("participants", f"/challenges/{seeded.slug}/participants"),
            )
        ),
    ]
    file = directory / "page.html"
    plain = Target(name="static file", port=plain_port, path=static_server.ADDRESS)
    with Processes(directory / "logs", dict(os.environ)) as processes:
        serve = sealrun("serve", "--port", str(port), "--site", str(settings))
        web = processes.start_server("web", port, *serve)
        for page in pages:
            page.pid = web.pid
        file.write_bytes(fetch(pages[0]))
        argv = [sys.executable, "-m", "tests.bench.web.static_server", str(plain_port), str(file)]
        plain.pid = processes.start_server("static", plain_port, *argv).pid
        _measure([plain, *pages], requests)
    queries = [count_queries(site, page.path, page.cookie) for page in pages]
    site.database.engine.dispose()
    database = site.database.engine.dialect.name
    title = (
        f"{submissions:,} submissions of {teams:,} teams on {database}, {requests:,} requests each"
    )
    _show(title, plain, pages, queries)


def _measure(targets: list[Target], requests: int) -> None:
    """Take turns, so that whatever else the machine does falls on all of them alike."""
    for target in targets:
        target.size = len(fetch(target))
        run_round(target, requests=min(WARM_UP, requests), connections=CONNECTIONS, keep=False)
    for _ in range(ROUNDS):
        for target in targets:
            run_round(target, requests=requests // ROUNDS, connections=CONNECTIONS)


def _show(title: str, plain: Target, pages: list[Target], queries: list[int]) -> None:
    rows = [["", "bytes", "queries", "requests/s", "p50 ms", "p99 ms", "CPU ms", "to static"]]
    for target, asked in zip([plain, *pages], [0, *queries], strict=True):
        rows.append(
            [
                target.name,
                f"{target.size:,}",
                str(asked),
                f"{target.rate:.0f}",
                f"{1000 * percentile(target.latencies, 0.5):.1f}",
                f"{1000 * percentile(target.latencies, 0.99):.1f}",
                f"{1000 * target.computed / len(target.latencies):.2f}",
                f"{target.rate / plain.rate:.2f}",
            ]
        )
    print_table(
        f"The leaderboard: {title}, {CONNECTIONS} connections, {ROUNDS} rounds",
        rows,
    )
