"""``sealrun serve`` and ``sealrun work``: the two processes of a site."""

import signal
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click
import structlog

from portal.cli.processes.own_account import check_account
from portal.cli.processes.process_log import log_to_stderr
from portal.cli.site import SITE, opened

if TYPE_CHECKING:
    from portal.bootstrap import Installation

SERVER: Final[Mapping[str, Any]] = {
    "http": "portal.web.middleware.slow_client_protocol:ImpatientProtocol",
    "ws": "none",
    "access_log": False,
    "log_config": None,
    "server_header": False,
}
"""How uvicorn serves, in one process or in several."""


@click.command()
@SITE
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--port", default=8000, show_default=True, help="Port to listen on.")
@click.option(
    "--workers",
    type=click.IntRange(min=1),
    default=1,
    show_default=True,
    help="Processes that answer requests. They count tries together.",
)
def serve(site_file: Path, host: str, port: int, workers: int) -> None:
    """Serve the portal's pages. A changed site.yaml is taken over within seconds."""
    log_to_stderr()
    site = opened(site_file)
    check_account(site.settings, site_file, serves=True)
    options = {"host": host, "port": port, **SERVER}
    if workers == 1:
        _serve_alone(site, site_file, options)
    else:
        _serve_together(site, site_file, workers, options)


def _serve_alone(site: "Installation", site_file: Path, options: Mapping[str, Any]) -> None:
    import uvicorn  # noqa: PLC0415 - only this command needs it

    from portal.cli.processes.web_process import renewed_app  # noqa: PLC0415

    stop = threading.Event()
    app = renewed_app(site, site_file, stop)
    _log().info("serving", host=options["host"], port=options["port"])
    uvicorn.run(app, **options)
    stop.set()


def _serve_together(
    site: "Installation", site_file: Path, workers: int, options: Mapping[str, Any]
) -> None:
    from portal import bootstrap  # noqa: PLC0415
    from portal.cli.processes.supervised import serve_supervised  # noqa: PLC0415

    # What is wrong with the settings is shown here, once, instead of by each process.
    bootstrap.web_context(site)
    site.database.engine.dispose()
    _log().info("serving", host=options["host"], port=options["port"], workers=workers)
    serve_supervised(site_file, workers, options)


def _log() -> "structlog.stdlib.BoundLogger":
    log: structlog.stdlib.BoundLogger = structlog.get_logger("sealrun.web")
    return log


@click.command()
@SITE
def work(site_file: Path) -> None:
    """Run the worker: submit jobs, watch them and ingest what they leave.

    A changed site.yaml is taken over within seconds, between two passes of each cluster.
    """
    from portal import bootstrap  # noqa: PLC0415

    log_to_stderr()
    site = opened(site_file)
    check_account(site.settings, site_file, serves=False)
    crew = bootstrap.Crew(site)
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    crew.start()

    def renew(site: "Installation") -> bool:
        check_account(site.settings, site_file, serves=False)
        crew.renew(site)
        return True

    bootstrap.watch_settings(bootstrap.SettingsWatch(site, site_file), renew, stop)
    crew.stop()
