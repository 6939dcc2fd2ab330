"""An organiser who wants data that the site's staff has given to another challenge."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml
from sqlalchemy import select

from portal import bootstrap
from portal.db.tables import Result, Task
from portal.domain.evaluations.failures import FailureReason
from portal.services.challenges.bundles.checks import offers_of
from site_config.bundle import load_challenge
from site_config.errors import SettingsError
from tests.support.worker.world import World

pytestmark = pytest.mark.attack(55)

SECRET = "labels of somebody else"


@pytest.fixture
def foreign(world: World, tmp_path: Path) -> str:
    """Let the site have data that only another challenge may mount; return its name."""
    folder = tmp_path / "data/foreign"
    folder.mkdir()
    (folder / "labels.csv").write_text(SECRET)
    path = tmp_path / "site.yaml"
    settings = yaml.safe_load(path.read_text())
    settings["data"]["foreign"] = {"path": str(folder), "challenges": ["another"]}
    path.write_text(yaml.safe_dump(settings))
    return "foreign"


@pytest.mark.parametrize("part", ["input", "truth"])
def test_a_bundle_that_names_it_is_refused(
    world: World, tmp_path: Path, foreign: str, part: str
) -> None:
    site = bootstrap.open_site(tmp_path / "site.yaml")
    own = _bundle(tmp_path, part, "digits-test")
    assert load_challenge(own, offers_of(site.resources)).slug == "digits"

    with pytest.raises(SettingsError) as refusal:
        load_challenge(_bundle(tmp_path, part, foreign), offers_of(site.resources))

    told = str(refusal.value)
    assert f"this site has no data '{foreign}' for challenge 'digits'" in told
    # Which data there is for others is shown to nobody: a name that does not exist reads the same.
    with pytest.raises(SettingsError) as other:
        load_challenge(_bundle(tmp_path, part, "no-such"), offers_of(site.resources))
    assert str(other.value).replace("no-such", foreign) == told


def _bundle(tmp_path: Path, part: str, data: str) -> Path:
    folder = tmp_path / "challenge"
    described: dict[str, Any] = yaml.safe_load((folder / "challenge.yaml").read_text())
    described["tasks"]["digits"][part] = {"data": data}
    (folder / "challenge.yaml").write_text(yaml.safe_dump(described))
    return folder


def _assert_it_was_not_run(world: World, told: str) -> None:
    evaluation = world.run_until_final(world.submit())

    assert evaluation.reason is FailureReason.PREPARATION
    assert told in evaluation.detail
    with world.database.reading() as session:
        assert session.scalars(select(Result)).all() == []
    assert {kind for kind, _ in world.node.ran} == {"build"}


@pytest.mark.parametrize("column", ["input_data", "truth_data"])
def test_a_database_that_names_it_all_the_same_is_not_believed(
    world: World, foreign: str, column: str
) -> None:
    with world.database.writing() as session:
        setattr(session.scalars(select(Task)).one(), column, foreign)

    told = f"the database says otherwise than what was approved of digits: task digits: {column}"
    _assert_it_was_not_run(world, told)


def test_data_that_the_site_has_taken_back_since_is_not_mounted(
    world: World, tmp_path: Path
) -> None:
    path = tmp_path / "site.yaml"
    settings = yaml.safe_load(path.read_text())
    settings["data"]["digits-test"]["challenges"] = ["another"]
    path.write_text(yaml.safe_dump(settings))
    site = bootstrap.open_site(path)
    world.context = replace(world.context, resources=site.resources)

    _assert_it_was_not_run(world, "may not mount the data 'digits-test'")
