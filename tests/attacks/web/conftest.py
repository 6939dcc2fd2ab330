"""A site in the middle of a challenge, served or not, and one with a pretended cluster."""

from tests.support.web.site import new_site, site
from tests.support.worker.world import clock, world

__all__ = ["clock", "new_site", "site", "world"]
