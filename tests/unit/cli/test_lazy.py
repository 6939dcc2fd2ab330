"""Commands are imported when they are asked for: what needs no database waits for no library of databases."""

import subprocess
import sys

import click
import pytest

from portal.cli import main

HEAVY = ("sqlalchemy", "pydantic", "starlette", "paramiko", "structlog")


@pytest.mark.parametrize("words", [["--version"], ["nothing-of-this-name"]])
def test_what_needs_no_command_imports_none(words: list[str]) -> None:
    program = (
        "import sys\nfrom portal.cli import main\n"
        f"try:\n    main({words!r}, standalone_mode=False)\nexcept Exception:\n    pass\n"
        f"print([name for name in {HEAVY!r} if name in sys.modules])"
    )

    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )

    assert done.stdout.splitlines()[-1] == "[]"


def test_every_command_is_where_the_group_says() -> None:
    context = click.Context(main)

    for name in main.list_commands(context):
        command = main.get_command(context, name)
        assert command is not None
        assert command.name == name


def test_another_name_is_no_command() -> None:
    assert main.get_command(click.Context(main), "nothing") is None


def _imported(module: str) -> set[str]:
    program = f"import sys, {module}\nprint(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    return set(done.stdout.split())


def test_pages_and_worker_do_without_what_others_need() -> None:
    web = _imported("portal.bootstrap.web, portal.web.app, portal.bootstrap.renewal")
    worker = _imported("portal.bootstrap.crew, portal.bootstrap.renewal")

    assert not web & {"paramiko", "alembic", "rocrate", "requests", "portal.worker.loop"}
    assert not worker & {"alembic", "rocrate", "requests", "starlette", "jinja2", "markdown_it"}
    assert not worker & {"paramiko", "httpx2"}
