"""Makers of archives."""

from tests.unit.files.conftest import make_file, make_tar, make_zip

__all__ = ["make_file", "make_tar", "make_zip"]
