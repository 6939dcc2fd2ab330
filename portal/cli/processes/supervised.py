"""Several processes that answer requests at one address, and the process that starts them and counts tries for them.

That one answers nothing itself. It starts another process for one that ended, by uvicorn's own supervisor. What it
imports is little, as a process that starts imports this module before it can tell that it is alive.
"""

import multiprocessing
import os
import signal
import sys
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import structlog

from portal.cli.processes.process_log import log_to_stderr

if TYPE_CHECKING:
    from portal.web.renewal import RenewableApp

ALIVE_SECONDS = 15
"""How long a process may be silent before it is killed and another one started: much on a busy machine."""
NEXT_START_SECONDS = 3.0
"""Between two starts of a process that cannot be started."""


@dataclass(frozen=True, slots=True)
class WebProcess:
    """Makes the application of a process, in that process. Is sent there, so it holds plain values only."""

    site_file: Path
    rates: Path
    """The socket of the process that counts tries."""

    def __call__(self) -> "RenewableApp":
        """Return the application; end this process, after a while, where there can be none at the moment."""
        log_to_stderr(with_process=True)
        threading.Thread(target=_end_with_parent, name="parent", daemon=True).start()
        log = structlog.get_logger("sealrun.web")
        try:
            app = self._app()
        except Exception as problem:
            from portal.cli.problems import message_of  # noqa: PLC0415 - as all that is not little

            is_defect = message_of(problem) is None
            log.exception("web_process_failed", problem=str(problem), exc_info=is_defect)
            time.sleep(NEXT_START_SECONDS)
            sys.exit(1)
        log.info("web_process_started")
        return app

    def _app(self) -> "RenewableApp":
        from portal.cli.processes.own_account import check_account  # noqa: PLC0415
        from portal.cli.processes.web_process import renewed_app  # noqa: PLC0415
        from portal.cli.site import opened  # noqa: PLC0415
        from portal.web.middleware.shared_rate_limits import SharedCounting  # noqa: PLC0415

        site = opened(self.site_file)
        check_account(site.settings, self.site_file, serves=True)
        return renewed_app(site, self.site_file, threading.Event(), SharedCounting(self.rates))


def serve_supervised(site_file: Path, workers: int, options: Mapping[str, Any]) -> None:
    """Serve from several processes until SIGTERM or SIGINT; ``options`` are uvicorn's."""
    from uvicorn import Config  # noqa: PLC0415 - only this command needs it
    from uvicorn.supervisors import Multiprocess  # noqa: PLC0415

    from portal.web.middleware.shared_rate_limits import CountingServer  # noqa: PLC0415

    with CountingServer() as rates:
        config = Config(
            WebProcess(site_file.absolute(), rates.path),
            factory=True,
            workers=workers,
            timeout_worker_healthcheck=ALIVE_SECONDS,
            **options,
        )
        listening = config.bind_socket()
        try:
            Multiprocess(config, sockets=[listening]).run()
        finally:
            listening.close()


def _end_with_parent() -> None:
    """End when the process that started this one has, however it did: nobody else counts tries or ends this one."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os.kill(os.getpid(), signal.SIGTERM)
