"""Makers of archives, and a site with a pretended cluster."""

from tests.support.uploads.archives import make_file, make_tar, make_zip
from tests.support.worker.world import clock, world

__all__ = ["clock", "make_file", "make_tar", "make_zip", "world"]
