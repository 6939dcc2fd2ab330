"""A served site, an identity provider and a browser.

They live as long as one module: Playwright holds the thread's event loop, and other modules need it.
"""

from tests.support.web.chromium import browser
from tests.support.web.served_scene import served

__all__ = ["browser", "served"]
