"""``sealrun serve`` and ``sealrun work``: the two processes of a site."""

import logging
import signal
import sys
import threading
from pathlib import Path

import click
import structlog

from portal.cli.own_account import check_account
from portal.cli.site import SITE, opened
from portal.worker.context import WorkerContext
from scheduler.errors import SchedulerError


@click.command()
@SITE
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--port", default=8000, show_default=True, help="Port to listen on.")
def serve(site_file: Path, host: str, port: int) -> None:
    """Serve the portal's pages."""
    import uvicorn  # noqa: PLC0415 - only this command needs it

    from portal import bootstrap  # noqa: PLC0415
    from portal.web.app import create_app  # noqa: PLC0415
    from portal.web.connections import ImpatientProtocol  # noqa: PLC0415

    _log_to_stderr()
    site = opened(site_file)
    check_account(site.settings, site_file, serves=True)
    structlog.get_logger("sealrun.web").info("serving", host=host, port=port)
    uvicorn.run(
        create_app(bootstrap.web_context(site)),
        host=host,
        port=port,
        http=ImpatientProtocol,
        ws="none",
        access_log=False,
        log_config=None,
        server_header=False,
    )


@click.command()
@SITE
def work(site_file: Path) -> None:
    """Run the worker: submit jobs, watch them and take in what they leave."""
    from portal import bootstrap  # noqa: PLC0415
    from portal.worker.audit_watch import watch_until  # noqa: PLC0415
    from portal.worker.loop import work_until  # noqa: PLC0415

    _log_to_stderr()
    site = opened(site_file)
    check_account(site.settings, site_file, serves=False)
    contexts = bootstrap.worker_contexts(site)
    for context in contexts:
        context.cluster.close_to_others()
        _say_how_it_is(context)
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    threads = [
        threading.Thread(target=work_until, args=(context, stop), name=context.cluster.name)
        for context in contexts
    ]
    watch = bootstrap.audit_watch(site)
    threads.append(threading.Thread(target=watch_until, args=(watch, stop), name="audit"))
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def _say_how_it_is(context: WorkerContext) -> None:
    """Log whether the cluster answers; the worker starts either way and goes on asking."""
    log = structlog.get_logger("sealrun.worker").bind(cluster=context.cluster.name)
    try:
        pong = context.cluster.scheduler.ping()
    except SchedulerError as problem:
        log.error("cluster_does_not_answer", problem=str(problem))  # noqa: TRY400 - one line will do
    else:
        log.info("started", slurm=pong.version, holder=context.holder)


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
