"""The four package names also belong to other distributions: ours must be the ones imported."""

from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

import containers
import portal
import scheduler
import site_config

OURS = (portal, scheduler, containers, site_config)
TREE = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize("package", OURS, ids=lambda package: package.__name__)
def test_the_package_comes_from_this_tree(package):
    assert Path(package.__file__).parents[1] == TREE


@pytest.mark.parametrize("package", OURS, ids=lambda package: package.__name__)
def test_no_other_distribution_owns_the_name(package):
    assert set(packages_distributions().get(package.__name__, [])) <= {"sealrun"}


@pytest.mark.parametrize("name", ["requirements.txt", "requirements-dev.txt"])
def test_what_is_under_the_gpl_and_needs_slurm_is_in_no_lock_file(name):
    assert "pyslurm" not in (TREE / name).read_text("utf-8").lower()
