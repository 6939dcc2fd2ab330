"""The ``sealrun`` command: one module for each thing that it looks after, imported when it is asked for."""

from collections.abc import Mapping
from typing import ClassVar

import click

from portal.cli.lazy import LazyGroup


class _Commands(LazyGroup):
    """Shows an error that somebody can act on as one sentence, never as a traceback."""

    places: ClassVar[Mapping[str, str]] = {
        "attention": "portal.cli.attention:attention",
        "audit": "portal.cli.audit:audit",
        "challenge": "portal.cli.challenges:challenge",
        "check-site": "portal.cli.check_site:check_site",
        "data": "portal.cli.data:data",
        "db": "portal.cli.db:db",
        "export": "portal.cli.export:export",
        "mail": "portal.cli.mail:mail",
        "people": "portal.cli.people:people",
        "practice": "site_config.practice.commands:practice",
        "rerun": "portal.cli.reruns:rerun",
        "retention": "portal.cli.retention:retention",
        "seal": "portal.cli.seals:seal",
        "serve": "portal.cli.processes.commands:serve",
        "staff": "portal.cli.people:staff",
        "verify": "portal.cli.seals:verify",
        "work": "portal.cli.processes.commands:work",
    }

    def invoke(self, ctx: click.Context) -> object:
        try:
            return super().invoke(ctx)
        except (click.ClickException, click.Abort, click.exceptions.Exit):
            raise
        except Exception as problem:
            from portal.cli.problems import message_of  # noqa: PLC0415 - needs the database's library

            message = message_of(problem)
            if message is None:
                raise
            raise click.ClickException(message) from problem


@click.group(cls=_Commands)
@click.version_option(package_name="sealrun")
def main() -> None:
    """Host data challenges on your own Slurm cluster."""
