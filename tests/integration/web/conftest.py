"""A site in the middle of a challenge, and browsers of the people on it."""

from tests.support.web.site import new_site, site

__all__ = ["new_site", "site"]
