"""``sealrun serve`` and ``sealrun work``: the two processes of a site."""

import logging
import signal
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING

import click
import structlog

from portal.cli.own_account import check_account
from portal.cli.site import SITE, opened

if TYPE_CHECKING:
    from portal.bootstrap import Installation


@click.command()
@SITE
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--port", default=8000, show_default=True, help="Port to listen on.")
def serve(site_file: Path, host: str, port: int) -> None:
    """Serve the portal's pages. A changed site.yaml is taken over within seconds."""
    import uvicorn  # noqa: PLC0415 - only this command needs it

    from portal import bootstrap  # noqa: PLC0415
    from portal.web.app import create_app  # noqa: PLC0415
    from portal.web.connections import ImpatientProtocol  # noqa: PLC0415
    from portal.web.renewal import RenewableApp  # noqa: PLC0415

    _log_to_stderr()
    site = opened(site_file)
    check_account(site.settings, site_file, serves=True)
    app = RenewableApp(create_app(bootstrap.web_context(site)))

    def renew(site: "Installation") -> bool:
        check_account(site.settings, site_file, serves=True)
        app.renew(create_app(bootstrap.web_context(site)))
        return True

    stop = threading.Event()
    watching = threading.Thread(
        target=bootstrap.watch_settings,
        args=(bootstrap.SettingsWatch(site, site_file), renew, stop),
        name="settings",
        daemon=True,
    )
    watching.start()
    structlog.get_logger("sealrun.web").info("serving", host=host, port=port)
    uvicorn.run(
        app,
        host=host,
        port=port,
        http=ImpatientProtocol,
        ws="none",
        access_log=False,
        log_config=None,
        server_header=False,
    )
    stop.set()


@click.command()
@SITE
def work(site_file: Path) -> None:
    """Run the worker: submit jobs, watch them and take in what they leave.

    A changed site.yaml is taken over within seconds, between two passes of each cluster.
    """
    from portal import bootstrap  # noqa: PLC0415

    _log_to_stderr()
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


def _log_to_stderr() -> None:
    """Write one JSON object a line; libraries' own records too, from warnings on."""
    logging.basicConfig(level=logging.WARNING, stream=sys.stderr)
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(),
        ],
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )
