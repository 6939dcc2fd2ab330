"""``make serve``: the portal on the practice site's own settings, without a worker."""

import subprocess
import sys

import yaml

from examples.demo.account import CHECKOUT, as_account, as_web
from examples.demo.processes import sealrun
from site_config.practice.site import PracticeSite


def main() -> int:
    """Bring the database up to date and serve until Ctrl-C."""
    status = PracticeSite().status()
    if not status.running:
        print("The practice site does not run: start it with 'make practice-up'.", file=sys.stderr)
        return 1
    site = ("--site", str(status.site_yaml))
    upgrade = as_account([*sealrun("db", "upgrade"), *site], status, home="portal")
    if subprocess.run(upgrade, check=False, cwd=CHECKOUT).returncode != 0:
        return 1
    print(
        "Logging in needs an OpenID provider at the address in site.yaml; 'make demo' starts one."
    )
    argv = [*sealrun("serve"), *site, *sys.argv[1:]]
    # The pages have an account of their own where it can be become.
    separate = "accounts" in yaml.safe_load(status.site_yaml.read_text(encoding="utf-8"))
    serve = as_web(argv, status) if separate else as_account(argv, status, home="portal")
    return subprocess.run(serve, check=False, cwd=CHECKOUT).returncode


if __name__ == "__main__":
    sys.exit(main())
