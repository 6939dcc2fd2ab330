"""A served site, an identity provider and a browser.

The browser lives as long as one module: Playwright holds the thread's event loop, and other modules need it.
"""

from tests.support.web.chromium import browser
from tests.support.web.served_scene import login_provider, scene_template, served

__all__ = ["browser", "login_provider", "scene_template", "served"]
