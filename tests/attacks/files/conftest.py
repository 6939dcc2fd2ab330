"""Makers of archives, and a site with a pretended cluster."""

from tests.integration.worker.world import clock, world
from tests.unit.files.conftest import make_file, make_tar, make_zip

__all__ = ["clock", "make_file", "make_tar", "make_zip", "world"]
