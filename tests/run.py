"""``make test``, ``make test-more`` and ``make test-all``: the quick tests, all others, and both.

Suites that do not disturb each other run at the same time.

The suites run as an ordinary account, as the portal does; root is used only for the practice site
and for the tests of the practice site itself. What has to be left out is said at the end.
"""

import argparse
import compileall
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from pathlib import Path

from examples.demo.account import CHECKOUT, as_account
from examples.digits.build import DEFAULT_CACHE
from site_config.practice.site import PracticeSite
from tests.support.cluster.clusters import OTHER_RELEASES, site_name
from tests.support.providers import prepare
from tests.tracks import Step, Track, Tracks

PATIENT = ("nice", "-n", "10")
PYTEST = (sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-q")
PRACTICE_SUITE, FAULTS_SUITE, ATTACK_SUITE = "tests/practice", "tests/faults", "tests/attacks"
OWN_SITES = (PRACTICE_SUITE, FAULTS_SUITE, ATTACK_SUITE)
"""What starts practice sites of its own, as root."""
WAITING_SUITES = ("tests/cluster", "tests/contract")
"""What shares one practice site, so that its tests run one after the other."""
CONTRACT_SUITE = "tests/contract"
"""The one of them that also has tests on practice sites with other releases of Slurm."""
UNIT_SUITE = "tests/unit"
FURTHER = "slow or providers or postgres"
"""The markers of what ``make test`` leaves to ``make test-more``."""
QUICK_MARKS = f"not root and not ({FURTHER})"
FURTHER_MARKS = f"not root and ({FURTHER})"
OTHER_RELEASE = "other_release"
"""The marker of what runs on sites that no other test uses."""

PROCESSES_PER_CORE = 2
SOURCES = ("portal", "scheduler", "containers", "site_config", "examples", "tools", "tests")


class What(StrEnum):
    """Which tests are run."""

    QUICK = "quick"
    MORE = "more"
    ALL = "all"


@dataclass
class Run:
    """What was run, how it ended, and what was left out."""

    strict: bool
    failed: list[str] = field(default_factory=list)
    left_out: list[str] = field(default_factory=list)
    example: Path | None = None
    """Where the example challenge was built for the suites."""
    providers: Path | None = None
    """Where the identity providers were installed for the suites."""

    def step(self, name: str, argv: list[str]) -> bool:
        """Run one step and note how it ended."""
        print(f"\n== {name}", flush=True)
        started = time.monotonic()
        code = subprocess.run(argv, cwd=CHECKOUT, env=self._environment(), check=False).returncode
        print(f"== {name}: {'ok' if code == 0 else 'FAILED'}, {time.monotonic() - started:.0f} s")
        if code != 0:
            self.failed.append(name)
        return code == 0

    def together(self, tracks: Sequence[Track]) -> None:
        """Run tracks at the same time and note which of their steps failed."""
        together = Tracks(
            cwd=CHECKOUT,
            environment=self._environment(),
            say=lambda text: print(text, flush=True),
        )
        self.failed += together.run(tracks)

    def _environment(self) -> dict[str, str]:
        # The ordinary account cannot write into a checkout of root's.
        extra = {"PYTHONDONTWRITEBYTECODE": "1"}
        if self.strict:
            extra["SEALRUN_REQUIRE_ALL"] = "1"
        if self.example is not None:
            extra["SEALRUN_EXAMPLE"] = str(self.example)
        if self.providers is not None:
            extra[prepare.FOLDER_VARIABLE] = str(self.providers)
        return {**os.environ, **extra}


def main() -> int:
    """Run what was asked for; return 0 if nothing failed."""
    options = _options()
    _compile()
    run = Run(strict="CI" in os.environ or "SEALRUN_REQUIRE_ALL" in os.environ)
    site = PracticeSite()
    was_running = site.status().running
    others: list[str] = []
    try:
        if options.what is not What.MORE:
            _run_quick(run, site, options.pytest)
        if options.what is not What.QUICK:
            others = _run_more(run, site, options.pytest)
    finally:
        if site.status().running and not was_running:
            run.step("practice site down", _practice("down"))
        for name in others:
            run.step(f"practice site {name} down", _practice("down", "--name", name))
    return _sum_up(run)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make test ARGS=", description=__doc__)
    parser.add_argument("--what", type=What, choices=list(What), default=What.QUICK)
    parser.add_argument("pytest", nargs="*", help="further arguments for pytest")
    return parser.parse_args()


def _compile() -> None:
    """Compile the sources once: the account that runs the suites cannot write what it compiles."""
    for folder in SOURCES:
        compileall.compile_dir(CHECKOUT / folder, quiet=2)


def _run_quick(run: Run, site: PracticeSite, extra: list[str]) -> None:
    """Run the gates, and what is to be known before a commit."""
    lint = Track(steps=[Step(name="lint", argv=["make", "--no-print-directory", "lint"])])
    if not _may_have_site(run, site):
        run.together([lint])
        run.together([Track(steps=[_computing("tests", QUICK_MARKS, run, site, extra)])])
        return
    run.together([lint, Track(steps=[_site_up()])])
    _build_example(run, site)
    tests = _computing("tests", QUICK_MARKS, run, site, extra)
    cluster = _suite("tests on the cluster", QUICK_MARKS, WAITING_SUITES, run, site, extra)
    run.together([Track(steps=[tests]), Track(steps=[cluster])])


def _run_more(run: Run, site: PracticeSite, extra: list[str]) -> list[str]:
    """Run all that is not quick; return the names of the further practice sites that were started for it."""
    _prepare_providers(run)
    if not _may_have_site(run, site):
        run.together([Track(steps=[_computing("further tests", FURTHER_MARKS, run, site, extra)])])
        return []
    run.together([Track(steps=[_site_up()])])
    others = _other_sites(run, site)
    _build_example(run, site)
    tests = _computing("further tests", FURTHER_MARKS, run, site, extra)
    usual, other = (f"{FURTHER_MARKS} and {word}{OTHER_RELEASE}" for word in ("not ", ""))
    cluster = _suite("further tests on the cluster", usual, WAITING_SUITES, run, site, extra)
    releases = _suite("other releases of Slurm", other, [CONTRACT_SUITE], run, site, extra)
    # Beside running sites, so that each root is built once.
    run.together(_with_root(run, tests, cluster, releases))
    return others


def _practice(*words: str) -> list[str]:
    return [sys.executable, "-m", "site_config.practice", *words]


def _site_up() -> Step:
    return Step(name="practice site up", argv=_practice("up"))


def _other_sites(run: Run, usual: PracticeSite) -> list[str]:
    """Start a site for each other release of Slurm, for the same account; return those that did not run."""
    account = str(usual.status().account_uid)
    started = []
    for release in OTHER_RELEASES:
        name = site_name(release)
        if PracticeSite(name).status().running:
            continue
        words = ("up", "--name", name, "--slurm", release, "--account-uid", account)
        if run.step(f"practice site with Slurm {release} up", _practice(*words)):
            started.append(name)
    return started


def _may_have_site(run: Run, site: PracticeSite) -> bool:
    whose, me = site.status().account_uid, os.geteuid()
    if me == 0:
        return True
    if not _has_sudo():
        run.left_out.append("everything on the practice site: it needs root or sudo")
    elif whose not in {None, me}:
        run.left_out.append(
            f"everything on the practice site: the one here is for user id {whose};"
            " 'make practice-down ARGS=--purge' removes it"
        )
    else:
        return True
    return False


def _has_sudo() -> bool:
    try:
        return subprocess.run(["sudo", "-n", "true"], check=False).returncode == 0
    except FileNotFoundError:
        return False


def _with_root(run: Run, tests: Step, cluster: Step, releases: Step) -> list[Track]:
    """Return these tests, and on sites of their own what only root can run: most of it waits most of the time."""
    if os.geteuid() != 0:
        suites = ", ".join(OWN_SITES)
        run.left_out.append(
            f"{suites} and tests marked 'root': run 'make test-more' as root for them"
        )
        return [Track(steps=[tests]), Track(steps=[cluster, releases])]
    practice = Step(name="tests of the practice site", argv=[*PYTEST, PRACTICE_SUITE])
    marked = Step(name="other tests that need root", argv=[*PYTEST, "-m", "root", UNIT_SUITE])
    attacks, faults = (
        Step(name=name, argv=[sys.executable, "-m", f"tests.{name}"])
        for name in ("attacks", "faults")
    )
    # Two suites on practice sites at a time, and each site in one track only: what is to happen in so many seconds
    # there needs a processor and a disk, and with three at a time a worker waited too long for its database. Both
    # tracks take about as long. The attacks, some of which compute, begin long after the faults have ended.
    return [
        Track(steps=[cluster, marked, practice]),
        Track(steps=[faults, releases, attacks]),
        Track(steps=[tests]),
    ]


def _prepare_providers(run: Run) -> None:
    """Install them here: the account that runs the suites only reads them."""
    folder = prepare.prepared()
    argv = [sys.executable, "-m", "tests.support.providers.prepare", "--into", str(folder)]
    if run.step("identity providers", argv):
        run.providers = folder


def _build_example(run: Run, site: PracticeSite) -> None:
    """Build the digits challenge here: it is quicker as root, and kept for the next time."""
    cache = Path(os.environ.get("SEALRUN_CACHE_DIR", DEFAULT_CACHE))
    if os.geteuid() != 0:
        cache = site.status().directory / "portal" / "cache"
    target = cache / "digits-tests"
    argv = [sys.executable, "-m", "examples.digits.build", str(target), "--cache", str(cache)]
    if run.step("example challenge", argv):
        run.example = target


def _computing(name: str, marks: str, run: Run, site: PracticeSite, extra: Sequence[str]) -> Step:
    """Return the tests that compute, spread over more processes than cores: some of them wait.

    They leave the processor to what runs beside them: on a practice site, much is done in so many seconds.
    """
    elsewhere = (*OWN_SITES, *WAITING_SUITES)
    processes = ("-n", str(PROCESSES_PER_CORE * (os.cpu_count() or 1)), "--dist", "worksteal")
    words = [*processes, *(f"--ignore={suite}" for suite in elsewhere), "tests"]
    if run.strict and marks == QUICK_MARKS:
        # Costs half as much time again, so not at every run of everybody's.
        words = ["--cov", "--cov-report=", *words]
    step = _suite(name, marks, words, run, site, extra)
    return replace(step, argv=[*PATIENT, *step.argv])


def _suite(
    name: str, marks: str, words: Sequence[str], run: Run, site: PracticeSite, extra: Sequence[str]
) -> Step:
    readable = [folder for folder in (run.example, run.providers) if folder]
    argv = [*PYTEST, *extra, "-m", marks, *words]
    status = site.status()
    return Step(
        name=name,
        argv=as_account(argv, status, home="home", readable=readable),
        account_uid=status.account_uid,
    )


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
