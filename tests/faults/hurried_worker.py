"""The real worker with a short lease, so that a second one takes over while a fault still lasts.

`python -m tests.faults.hurried_worker SECONDS --site SITE_YAML`
"""

import sys
from datetime import timedelta

from portal.cli import main
from portal.worker import lease_keeping

if __name__ == "__main__":
    lease_keeping.LEASE = timedelta(seconds=int(sys.argv.pop(1)))
    sys.argv.insert(1, "work")
    main(prog_name="sealrun")
