"""``make test``: every gate and every suite, in the order in which failures are cheapest.

The suites run as an ordinary account, as the portal does; root is used only for the practice site
and for the tests of the practice site itself. What has to be left out is said at the end.
"""

import argparse
import os
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

from examples.demo.account import CHECKOUT, as_account
from examples.digits.build import DEFAULT_CACHE
from site_config.practice.site import PracticeSite

PYTEST = (sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-q")
ROOT_SUITE = "tests/practice"


@dataclass
class Run:
    """What was run, how it ended, and what was left out."""

    strict: bool
    failed: list[str] = field(default_factory=list)
    left_out: list[str] = field(default_factory=list)
    example: Path | None = None
    """Where the example challenge was built for the suites."""

    def step(self, name: str, argv: list[str]) -> bool:
        """Run one step and note how it ended."""
        print(f"\n== {name}", flush=True)
        started = time.monotonic()
        code = subprocess.run(argv, cwd=CHECKOUT, env=self._environment(), check=False).returncode
        print(f"== {name}: {'ok' if code == 0 else 'FAILED'}, {time.monotonic() - started:.0f} s")
        if code != 0:
            self.failed.append(name)
        return code == 0

    def _environment(self) -> dict[str, str]:
        # The ordinary account cannot write into a checkout of root's.
        extra = {"PYTHONDONTWRITEBYTECODE": "1"}
        if self.strict:
            extra["SEALRUN_REQUIRE_ALL"] = "1"
        if self.example is not None:
            extra["SEALRUN_EXAMPLE"] = str(self.example)
        return {**os.environ, **extra}


def main() -> int:
    """Run everything; return 0 if nothing failed."""
    options = _options()
    run = Run(strict="CI" in os.environ or "SEALRUN_REQUIRE_ALL" in os.environ)
    run.step("lint", ["make", "--no-print-directory", "lint"])
    _practice_suite(run)
    site = PracticeSite()
    was_running = site.status().running
    has_site = _may_have_site(run) and run.step("practice site up", _practice("up"))
    try:
        if has_site:
            _build_example(run, site)
        run.step("tests", _suites(run, site, options.pytest))
    finally:
        if has_site and not was_running:
            run.step("practice site down", _practice("down"))
    return _sum_up(run)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make test ARGS=", description=__doc__)
    parser.add_argument("pytest", nargs="*", help="further arguments for pytest")
    return parser.parse_args()


def _practice(verb: str) -> list[str]:
    return [sys.executable, "-m", "site_config.practice", verb]


def _may_have_site(run: Run) -> bool:
    if os.geteuid() == 0 or _has_sudo():
        return True
    run.left_out.append("everything on the practice site: it needs root or sudo")
    return False


def _has_sudo() -> bool:
    try:
        return subprocess.run(["sudo", "-n", "true"], check=False).returncode == 0
    except FileNotFoundError:
        return False


def _practice_suite(run: Run) -> None:
    """Run what needs root: tests that start and kill practice sites, and those that are marked."""
    if os.geteuid() != 0:
        run.left_out.append(
            f"{ROOT_SUITE} and tests marked 'root': run 'make test' as root for them"
        )
        return
    run.step("tests of the practice site", [*PYTEST, ROOT_SUITE])
    run.step("other tests that need root", [*PYTEST, "-m", "root", "tests/unit"])


def _build_example(run: Run, site: PracticeSite) -> None:
    """Build the digits challenge here: it is quicker as root, and kept for the next time."""
    cache = Path(os.environ.get("SEALRUN_CACHE_DIR", DEFAULT_CACHE))
    if os.geteuid() != 0:
        cache = site.status().directory / "portal" / "cache"
    target = cache / "digits-tests"
    argv = [sys.executable, "-m", "examples.digits.build", str(target), "--cache", str(cache)]
    if run.step("example challenge", argv):
        run.example = target


def _suites(run: Run, site: PracticeSite, extra: list[str]) -> list[str]:
    argv = [*PYTEST, *extra, f"--ignore={ROOT_SUITE}", "-m", "not root"]
    readable = [run.example] if run.example else []
    return as_account(argv, site.status(), home="home", readable=readable)


def _sum_up(run: Run) -> int:
    for what in run.left_out:
        print(f"LEFT OUT: {what}")
    if run.failed:
        print(f"FAILED: {', '.join(run.failed)}")
    if run.strict and run.left_out:
        print("FAILED: here nothing may be left out")
    return 1 if run.failed or (run.strict and run.left_out) else 0


if __name__ == "__main__":
    sys.exit(main())
