"""The portal on the practice site as the waits need it: fresh, with a worker, without a web server."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import yaml

from examples.demo.processes import Processes, sealrun
from examples.demo.settings import prepare_site
from portal import bootstrap
from site_config.practice.site import PracticeSite

NAME = "bench"


@contextmanager
def portal_with_worker(example: Path) -> Iterator[bootstrap.Installation]:
    """Run a worker on a fresh database with the example in it; leave nothing behind but a failure's."""
    practice = PracticeSite().status()
    site = prepare_site(practice, example, portal_port=8300, provider_port=8301, name=NAME)
    _lift_limit(site.settings)
    words = ("--site", str(site.settings))
    upgrade = [*sealrun("db", "upgrade"), *words]
    add = [*sealrun("challenge", "add"), *words, str(example / "challenge"), "--untried"]
    for argv in (upgrade, add):
        subprocess.run(argv, check=True, stdout=subprocess.DEVNULL)
    with Processes(site.directory / "logs", dict(os.environ)) as processes:
        processes.start("worker", *sealrun("work"), *words)
        yield bootstrap.open_site(site.settings)
    for place in ("portal", "shared/sealrun", "shared/data"):
        shutil.rmtree(practice.directory / place / NAME, ignore_errors=True)


def _lift_limit(settings: Path) -> None:
    """Let as many jobs into the queue as there are: waiting for a slot is the site's wish."""
    site = yaml.safe_load(settings.read_text())
    site["profiles"]["gpu-small"].pop("running", None)
    settings.write_text(yaml.safe_dump(site, sort_keys=False))
