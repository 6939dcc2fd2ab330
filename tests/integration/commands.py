"""A site of its own on which commands are run."""

from collections.abc import Callable
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner, Result

from portal.cli import main
from portal.db.engine import Database
from tests.support.databases import new_sqlite
from tests.support.worker.world import write_site

Run = Callable[..., Result]


@pytest.fixture
def site_file(tmp_path: Path) -> Path:
    path = write_site(tmp_path)
    settings = yaml.safe_load(path.read_text())
    settings["database"]["url"] = f"sqlite:///{tmp_path / 'site.db'}"
    path.write_text(yaml.safe_dump(settings))
    return path


@pytest.fixture
def site_database(tmp_path: Path):
    database = new_sqlite(tmp_path, "site.db")
    yield database
    database.engine.dispose()


@pytest.fixture
def run(site_file: Path, site_database: Database) -> Run:
    def invoke(*arguments: str) -> Result:
        return CliRunner().invoke(main, [*arguments, "--site", str(site_file)])

    return invoke
