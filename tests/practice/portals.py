"""A portal on a practice site, for tests of the whole way: provider, pages and worker as the site's account."""

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from examples.demo.account import CHECKOUT, as_account
from examples.demo.participant import Participant, Seen
from examples.demo.processes import Processes, sealrun
from examples.demo.settings import DemoSite
from site_config.practice.site import PracticeSite
from tests.support.patience import once

KINDS = {".zip": "code", ".tar": "image", ".csv": "results"}


def give(uid: int, *folders: Path) -> None:
    """Let the account own what root made in its name."""
    for folder in folders:
        for path in (folder, *folder.rglob("*")):
            os.chown(path, uid, uid)


def start_portal(
    processes: Processes, demo: DemoSite, site: PracticeSite, digits: Path, bundles: Sequence[Path]
) -> None:
    """Bring the database up to date, add the challenges, and start everything."""
    words, status = ("--site", str(demo.settings)), site.status()

    def mine(*argv: str) -> list[str]:
        return as_account([*sealrun(*argv), *words], status, home="home", readable=[digits])

    for argv in (
        mine("db", "upgrade"),
        *(mine("challenge", "add", str(one), "--untried") for one in bundles),
    ):
        done = subprocess.run(argv, check=False, capture_output=True, text=True, cwd=CHECKOUT)
        assert done.returncode == 0, done.stderr
    start_provider(processes, demo)
    serve = mine("serve", "--port", str(demo.portal_port))
    processes.start_server("web", demo.portal_port, *serve)
    processes.start("worker", *mine("work"))


def settled(ada: Participant, address: str) -> Seen:
    """Wait until nothing more comes of a submission; return what its team sees of it then."""
    return once(lambda: ada.look(address), lambda seen: seen.is_settled, pause=0.5)


def start_provider(processes: Processes, demo: DemoSite) -> None:
    """Start a login service that knows Ada."""
    mock = str(Path(sys.executable).with_name("oidc-provider-mock"))
    claims = ("--port", str(demo.provider_port), "--user-claims", '{"sub": "ada"}')
    processes.start_server("provider", demo.provider_port, mock, *claims)
