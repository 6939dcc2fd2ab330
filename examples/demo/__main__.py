"""``python -m examples.demo``: what needs root first, the demo itself as an ordinary account."""

import argparse
import os
import signal
import subprocess
import sys
from pathlib import Path

from examples.demo.account import CHECKOUT, as_account
from examples.demo.story import tell
from examples.digits.build import DEFAULT_CACHE, build
from site_config.practice.errors import PracticeError
from site_config.practice.site import PracticeSite


def main() -> int:
    """Bring everything up, run the demo, take down what was brought up; return its exit code."""
    options = _options()
    if options.as_account:
        return tell(PracticeSite().status(), options.as_account, once=options.once)
    site = PracticeSite(say=print)
    was_running = site.status().running
    try:
        return _run(site, once=options.once)
    except PracticeError as problem:
        print(problem, file=sys.stderr)
        return 1
    finally:
        if not was_running:
            print("taking the practice site down")
            _practice("down")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make demo ARGS=", description=__doc__)
    parser.add_argument(
        "--once", action="store_true", help="end by itself: 0 if everything came out right"
    )
    parser.add_argument("--as-account", type=Path, help=argparse.SUPPRESS)
    return parser.parse_args()


def _run(site: PracticeSite, *, once: bool) -> int:
    _practice("up")
    target = _build_example(site)
    argv = [sys.executable, "-m", "examples.demo", "--as-account", str(target)]
    return _as_ordinary_user(site, [*argv, *(["--once"] if once else [])], target)


def _practice(verb: str) -> None:
    """Run a ``sealrun practice`` command, which asks sudo by itself where it needs to."""
    subprocess.run([sys.executable, "-m", "site_config.practice", verb], check=True, cwd=CHECKOUT)


def _build_example(site: PracticeSite) -> Path:
    """Build the digits challenge, once for all later demos; return where it lies."""
    cache = Path(os.environ.get("SEALRUN_CACHE_DIR", DEFAULT_CACHE))
    if os.geteuid() != 0:
        cache = site.status().directory / "portal" / "cache"
    target = cache / "digits-demo"
    print("building the example challenge")
    build(target, cache)
    return target


def _as_ordinary_user(site: PracticeSite, argv: list[str], example: Path) -> int:
    """Run the demo's own part without root: web, worker and provider must not need it."""
    argv = as_account(argv, site.status(), home="portal", readable=[example])
    child = subprocess.Popen(argv, cwd=CHECKOUT)
    # Ctrl-C reaches the whole foreground group: the child ends the demo, this process waits.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, lambda *_: child.terminate())
    return child.wait()


if __name__ == "__main__":
    sys.exit(main())
