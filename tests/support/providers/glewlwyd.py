"""Debian's Glewlwyd: a provider in C with a user base, consent and sessions, on an SQLite database.

What a client has to cope with here, and does not meet elsewhere in the tests:

- ``sub`` is a random word that does not tell the name of the account.
- Claims are in the ID token as well as in user info, and consent may be given to some scopes only.
- A name or e-mail address that is not known is an empty word, not absent.
- Answers have ``iss`` although discovery does not promise it, and a ``session_state``.
- ``auth_time`` is 0, there is no ``acr``, and ``acr_values`` is not heard.
- A code that was used is refused with status 403 and ``invalid_code``.
- Logout tokens are of ``typ`` JWT and have no ``exp``.
"""

import shutil
import sqlite3
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx2
from joserfc.jwk import RSAKey
from playwright.sync_api import Page

from tests.support import patient_http
from tests.support.providers import CLIENT_ID, CLIENT_SECRET
from tests.support.providers import glewlwyd_settings as settings
from tests.support.providers.people import PASSWORD, USERS
from tests.support.servers.portal import free_port

PROGRAM = Path("/usr/bin/glewlwyd")
PATIENCE = 180.0
"""Seconds that it has to start."""

_SHARED = Path("/usr/share/glewlwyd")
_TABLES = Path("/usr/share/dbconfig-common/data/glewlwyd/install/sqlite3")
_ADMIN = {"username": "admin", "password": "password"}


def is_installed() -> bool:
    """Tell whether Debian's package is there."""
    return PROGRAM.exists()


@dataclass(kw_only=True)
class Glewlwyd:
    """The running provider. Every method returns when the change is in effect."""

    address: str
    client_id: str = CLIENT_ID
    client_secret: str = CLIENT_SECRET
    keys: list[RSAKey] = field(default_factory=lambda: [_new_key()])

    @property
    def issuer(self) -> str:
        """Where the OpenID Connect plugin is."""
        return f"{self.address}/api/oidc"

    def register(
        self,
        *,
        redirect_uris: Sequence[str],
        post_logout_redirect_uris: Sequence[str] = (),
        back_channel_logout_uri: str | None = None,
    ) -> None:
        """Tell the provider where the client is from now on."""
        client = settings.client(redirect_uris, post_logout_redirect_uris, back_channel_logout_uri)
        with self._administration() as api:
            # Changing it would keep what is not named.
            _do(api, "DELETE", f"client/{self.client_id}")
            _do(api, "POST", "client", client)

    def rotate_keys(self, *, keep_old: bool = False) -> None:
        """Sign with a new key from now on; the old one disappears unless it is kept."""
        self.keys = [_new_key(), *(self.keys if keep_old else [])]
        with self._administration() as api:
            _do(api, "PUT", "mod/plugin/oidc", settings.plugin(self.issuer, self.keys))
            _do(api, "PUT", "mod/plugin/oidc/reset")

    def log_in(self, page: Page, subject: str) -> None:
        """Fill in the login page, grant every scope and continue."""
        page.get_by_label("Login").fill(subject)
        page.get_by_label("Password").fill(PASSWORD)
        page.get_by_role("button", name="OK").click()
        go_on = page.get_by_role("button", name="Continue")
        go_on.wait_for()
        grant = page.get_by_role("button", name="Grant access")
        if grant.is_visible():
            for scope in page.get_by_role("checkbox").all():
                if scope.is_enabled():
                    scope.check()
            grant.click()
            grant.wait_for(state="detached")
        go_on.click()
        page.wait_for_url(lambda url: not url.startswith(self.address))

    def log_out(self, page: Page) -> None:
        """Confirm on the page that the end session address shows."""
        page.get_by_role("button", name="Logout").click()
        page.get_by_text("End session").wait_for(state="detached")
        page.wait_for_load_state()

    def set_up(self) -> None:
        """Tell a new provider of its users, its plugin and its client."""
        with self._administration() as api:
            _extend(api, "mod/user/database", settings.user_properties())
            _extend(api, "mod/client/database", settings.client_properties())
            _do(api, "PUT", "scope/openid", settings.scope("openid"))
            for name in set(settings.SCOPES) - {"openid"}:
                _do(api, "POST", "scope", settings.scope(name))
            for name, user in USERS.items():
                _do(api, "POST", "user", settings.user(name, user))
            _do(api, "POST", "mod/plugin", settings.plugin(self.issuer, self.keys))
            _do(api, "POST", "client", settings.client([], [], None))

    @contextmanager
    def _administration(self) -> Iterator[httpx2.Client]:
        with patient_http.Client(base_url=f"{self.address}/api/") as api:
            _do(api, "POST", "auth", _ADMIN)
            yield api


@contextmanager
def running(redirect_uris: Sequence[str] = ()) -> Iterator[Glewlwyd]:
    """Run the provider until the end of the block, on a database of its own."""
    with tempfile.TemporaryDirectory(prefix="glewlwyd-") as name:
        folder, port = Path(name), free_port()
        provider = Glewlwyd(address=f"http://localhost:{port}")
        file = _write_files(folder, port, provider.address)
        with (
            Path(folder, "log").open("w") as log,
            subprocess.Popen([PROGRAM, f"--config-file={file}"], stdout=log, stderr=log) as process,
        ):
            try:
                _wait(provider.address, process, Path(folder, "log"))
                provider.set_up()
                if redirect_uris:
                    provider.register(redirect_uris=redirect_uris)
                yield provider
            finally:
                process.terminate()


def _write_files(folder: Path, port: int, address: str) -> Path:
    database = sqlite3.connect(folder / "glewlwyd.db")
    database.executescript(_TABLES.read_text())
    database.close()
    # It serves no file that lies outside, so links are followed while copying. Its settings are a link
    # that leads to a folder instead.
    unused = shutil.ignore_patterns("config.json", "admin.*", "profile.*", "*.map")
    shutil.copytree(_SHARED / "webapp", folder / "web", ignore=unused)
    shutil.copy(_SHARED / "templates/config.json", folder / "web")
    file = folder / "glewlwyd.conf"
    file.write_text(
        settings.configuration(
            port=port, address=address, web=folder / "web", database=folder / "glewlwyd.db"
        )
    )
    return file


def _wait(address: str, process: subprocess.Popen[bytes], log: Path) -> None:
    end = time.monotonic() + PATIENCE
    while True:
        try:
            patient_http.get(f"{address}/login.html")
        except httpx2.TransportError:
            assert process.poll() is None, log.read_text()
            assert time.monotonic() < end, log.read_text()
            time.sleep(0.05)
        else:
            return


def _extend(api: httpx2.Client, path: str, properties: dict[str, object]) -> None:
    module = api.get(path).json()
    module["parameters"]["data-format"] |= properties
    _do(api, "PUT", path, module)
    _do(api, "PUT", f"{path}/reset")


def _do(api: httpx2.Client, method: str, path: str, body: dict[str, object] | None = None) -> None:
    answer = api.request(method, path, json=body)
    assert answer.is_success, f"{method} {path}: {answer.status_code} {answer.text}"


def _new_key() -> RSAKey:
    return RSAKey.generate_key(2048, {"use": "sig", "alg": "RS256"}, auto_kid=True)
