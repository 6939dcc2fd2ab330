"""The part of a benchmark that needs root: the practice site, and becoming the ordinary account."""

import os
import subprocess
import sys
from pathlib import Path

from examples.digits.build import DEFAULT_CACHE, build
from site_config.practice.site import PracticeSite

CHECKOUT = Path(__file__).resolve().parents[2]


def run_on_practice_site(module: str) -> int:
    """Run ``module EXAMPLE`` as the site's account; a site that did not run is taken down again."""
    site = PracticeSite()
    was_running = site.status().running
    _practice("up")
    try:
        return _as_account(site, module, _example(site))
    finally:
        if not was_running:
            _practice("down")


def _practice(verb: str) -> None:
    """Run a ``sealrun practice`` command, which asks sudo by itself where it needs to."""
    argv = [sys.executable, "-m", "site_config.practice", verb]
    subprocess.run(argv, check=True, cwd=CHECKOUT, stdout=subprocess.DEVNULL)


def _example(site: PracticeSite) -> Path:
    """Build the digits challenge where the demo builds it too; it is kept from run to run."""
    cache = Path(os.environ.get("SEALRUN_CACHE_DIR", DEFAULT_CACHE))
    if os.geteuid() != 0:
        cache = site.status().directory / "portal" / "cache"
    target = cache / "digits-demo"
    build(target, cache)
    return target


def _as_account(site: PracticeSite, module: str, example: Path) -> int:
    status = site.status()
    prefix: list[str] = []
    if os.geteuid() == 0:
        readable = (CHECKOUT, Path(sys.base_prefix), example)
        prefix = [
            *(sys.executable, "-m", "site_config.practice.ordinary_user"),
            *("--uid", str(status.account_uid), "--name", "sealrun"),
            *("--home", str(status.directory / "portal")),
            *(word for path in readable for word in ("--readable", str(path))),
            "--",
        ]
    argv = [*prefix, sys.executable, "-m", module, str(example)]
    # The account cannot write into a checkout of root's.
    environment = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1"}
    return subprocess.run(argv, cwd=CHECKOUT, env=environment, check=False).returncode
