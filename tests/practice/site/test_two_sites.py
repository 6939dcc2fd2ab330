"""Two real clusters in one site: one stops answering, and the other goes on."""

import os
import shutil
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml

from examples.demo.participant import Participant
from examples.demo.processes import Processes, free_port
from examples.demo.settings import DemoSite, prepare_site
from site_config.practice.site import PracticeSite
from tests.practice.examples import built_digits
from tests.practice.portals import give, settled, start_portal
from tests.support.cluster.inside import Inside

pytestmark = pytest.mark.cluster

NAME, OTHER = "twosites", "second"
UID = 20301


@dataclass(frozen=True, slots=True, kw_only=True)
class TwoSites:
    """A portal with a challenge on each of two clusters."""

    demo: DemoSite
    first: Inside
    digits: Path

    def submit(self, ada: Participant, challenge: str) -> str:
        file = self.digits / "submissions/predictions.csv"
        return ada.submit(challenge, "dev", "results", file)


@pytest.fixture(scope="module")
def second() -> Iterator[PracticeSite]:
    other = PracticeSite(OTHER)
    other.down(purge=True)
    other.up(account_uid=UID)
    yield other
    other.down(purge=True)


@pytest.fixture(scope="module")
def two(
    site: PracticeSite,
    second: PracticeSite,
    inside: Inside,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[TwoSites]:
    digits = built_digits(tmp_path_factory)
    demo = prepare_site(
        site.status(), digits, portal_port=free_port(8640), provider_port=free_port(9640), name=NAME
    )
    _add_second(demo, site, second)
    bundle = _bundle_on_second(digits, demo.directory / "second-bundle")
    give(UID, demo.directory, site.paths.storage / NAME, site.paths.data, second.paths.data)
    with Processes(demo.directory / "logs", os.environ) as processes:
        start_portal(processes, demo, site, digits, (digits / "challenge", bundle))
        yield TwoSites(demo=demo, first=inside, digits=digits)


def _add_second(demo: DemoSite, site: PracticeSite, second: PracticeSite) -> None:
    """Add the other site's cluster, its profiles, and a copy of the data on its own storage."""
    settings = yaml.safe_load(demo.settings.read_text(encoding="utf-8"))
    theirs = yaml.safe_load(second.paths.site_yaml.read_text(encoding="utf-8"))
    settings["clusters"]["second"] = theirs["clusters"]["main"] | {"build": "second-build"}
    for name, profile in theirs["profiles"].items():
        settings["profiles"][f"second-{name}"] = profile | {"cluster": "second"}
    for name in list(settings["data"]):
        target = second.paths.data / name
        shutil.copytree(site.paths.data / NAME / name, target, dirs_exist_ok=True)
        settings["data"][f"second-{name}"] = {"path": str(target), "challenges": ["second-digits"]}
    demo.settings.write_text(yaml.safe_dump(settings, sort_keys=False), encoding="utf-8")


def _bundle_on_second(digits: Path, folder: Path) -> Path:
    shutil.copytree(digits / "challenge", folder)
    file = folder / "challenge.yaml"
    described = yaml.safe_load(file.read_text(encoding="utf-8"))
    described["slug"] = "second-digits"
    for task in described["tasks"].values():
        for role in ("input", "truth"):
            task[role]["data"] = f"second-{task[role]['data']}"
        for role in ("predict", "score"):
            task[role]["profile"] = f"second-{task[role]['profile']}"
    file.write_text(yaml.safe_dump(described, sort_keys=False), encoding="utf-8")
    return folder


def test_each_cluster_scores_and_one_that_stands_still_does_not_hold_up_the_other(
    two: TwoSites,
) -> None:
    with closing(Participant(two.demo.portal, "ada")) as ada:
        ada.log_in()
        both = [two.submit(ada, slug) for slug in ("digits", "second-digits")]
        scored = [settled(ada, address).scores != {} for address in both]
        two.first.run("practice-daemon", "pause", "slurmctld", user="root")
        try:
            stuck = two.submit(ada, "digits")
            free = settled(ada, two.submit(ada, "second-digits")).scores
            waits = not ada.look(stuck).is_settled
        finally:
            two.first.run("practice-daemon", "resume", "slurmctld", user="root")
        after = settled(ada, stuck).scores

    assert scored == [True, True]
    assert (free != {}, waits) == (True, True)
    assert after
