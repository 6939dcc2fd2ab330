"""Where operators' approvals lie."""

from portal.bootstrap.site import Installation, first_cluster
from portal.files.task_approvals import Approvals


def approvals_of_site(site: Installation) -> Approvals:
    """Return where the approvals lie: out of reach of the web process."""
    return Approvals(first_cluster(site.settings)[1].storage / "approvals")
