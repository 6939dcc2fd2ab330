"""The application of one process that answers requests; it takes over changed settings."""

import threading
from pathlib import Path

from portal import bootstrap
from portal.bootstrap import Installation
from portal.cli.processes.own_account import check_account
from portal.web.app import create_app
from portal.web.middleware.rate_limits import Counting
from portal.web.renewal import RenewableApp


def renewed_app(
    site: Installation, site_file: Path, stop: threading.Event, counting: Counting | None = None
) -> RenewableApp:
    """Return the application, and renew it from a thread whenever ``site.yaml`` changes, until ``stop`` is set."""
    app = RenewableApp(create_app(bootstrap.web_context(site), counting))

    def renew(site: Installation) -> bool:
        check_account(site.settings, site_file, serves=True)
        app.renew(create_app(bootstrap.web_context(site), counting))
        return True

    watching = threading.Thread(
        target=bootstrap.watch_settings,
        args=(bootstrap.SettingsWatch(site, site_file), renew, stop),
        name="settings",
        daemon=True,
    )
    watching.start()
    return app
