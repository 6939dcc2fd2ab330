"""The ``sealrun`` command."""

import logging
import signal
import sys
import threading
from pathlib import Path

import click
import structlog
from sqlalchemy.exc import OperationalError

from portal.domain.errors import PortalError
from portal.worker.context import WorkerContext
from scheduler.errors import SchedulerError
from site_config.errors import SettingsError
from site_config.practice.commands import practice

SITE = click.option(
    "--site",
    "site_file",
    type=click.Path(path_type=Path),
    envvar="SEALRUN_SITE",
    default=Path("/etc/sealrun/site.yaml"),
    show_default=True,
    show_envvar=True,
    help="The site's settings.",
)


class _Commands(click.Group):
    """Shows an error that somebody can act on as one sentence, never as a traceback."""

    def invoke(self, ctx: click.Context) -> object:
        try:
            return super().invoke(ctx)
        except (PortalError, SettingsError, OSError, OperationalError) as problem:
            raise click.ClickException(_sentence(problem)) from problem


def _sentence(problem: Exception) -> str:
    """Return one sentence; the driver's own where the database cannot be reached."""
    if isinstance(problem, OperationalError):
        return f"the database cannot be used: {problem.orig}"
    return str(problem)


@click.group(cls=_Commands)
@click.version_option(package_name="sealrun")
def main() -> None:
    """Host data challenges on your own Slurm cluster."""


main.add_command(practice)


@main.command()
@SITE
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--port", default=8000, show_default=True, help="Port to listen on.")
def serve(site_file: Path, host: str, port: int) -> None:
    """Serve the portal's pages."""
    import uvicorn  # noqa: PLC0415 - only this command needs it

    from portal import bootstrap  # noqa: PLC0415 - 'sealrun practice' works without a site
    from portal.web.app import create_app  # noqa: PLC0415

    _log_to_stderr()
    site = bootstrap.open_site(site_file)
    bootstrap.check_schema(site)
    structlog.get_logger("sealrun.web").info("serving", host=host, port=port)
    uvicorn.run(
        create_app(bootstrap.web_context(site)),
        host=host,
        port=port,
        access_log=False,
        log_config=None,
        server_header=False,
    )


@main.command()
@SITE
def work(site_file: Path) -> None:
    """Run the worker: submit jobs, watch them and take in what they leave."""
    from portal import bootstrap  # noqa: PLC0415
    from portal.worker.loop import work_until  # noqa: PLC0415

    _log_to_stderr()
    site = bootstrap.open_site(site_file)
    bootstrap.check_schema(site)
    contexts = bootstrap.worker_contexts(site)
    for context in contexts:
        _say_how_it_is(context)
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    threads = [
        threading.Thread(target=work_until, args=(context, stop), name=context.cluster.name)
        for context in contexts
    ]
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


@main.group()
def db() -> None:
    """Look after the database."""


@db.command()
@SITE
def upgrade(site_file: Path) -> None:
    """Bring the database's tables up to date."""
    from portal import bootstrap  # noqa: PLC0415
    from portal.db import schema  # noqa: PLC0415

    schema.upgrade(bootstrap.open_site(site_file).database)
    click.echo("The database is up to date.")


@main.group()
def challenge() -> None:
    """Look after challenges."""


@challenge.command()
@SITE
@click.argument("directory", type=click.Path(path_type=Path, exists=True, file_okay=False))
def add(site_file: Path, directory: Path) -> None:
    """Add the challenge in DIRECTORY, or bring it up to date."""
    from portal import bootstrap  # noqa: PLC0415

    site = bootstrap.open_site(site_file)
    bootstrap.check_schema(site)
    slug = bootstrap.add_challenge(site, directory)
    click.echo(f"{slug}: {site.settings.site.url}/challenges/{slug}")


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
