"""Makers of archives: good ones, and any kind of bad one."""

from tests.support.uploads.archives import make_file, make_tar, make_zip

__all__ = ["make_file", "make_tar", "make_zip"]
