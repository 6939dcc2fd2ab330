"""A real JupyterHub as an OAuth 2.0 provider. It is none of OpenID Connect.

There is no discovery, no ID token and no nonce. With the hub at ``address``:

- ``GET /hub/api/oauth2/authorize`` begins. The client's name has to begin with ``service-``. ``scope`` may
  be absent or name the hub's own scopes, ``read:users:groups!user`` say; ``openid`` is refused with
  ``invalid_scope``. Without a ``scope`` the token may do what the client is allowed to ask for.
- The answer has ``code`` and ``state`` as it was sent, and no ``iss``. Who has agreed once is not asked again.
- ``POST /hub/api/oauth2/token`` takes ``client_id`` and ``client_secret`` in the form only: with HTTP Basic it
  answers 401 ``invalid_client``. Codes work once; the second time is 400 ``invalid_grant``.
- PKCE is not required, but checked where a challenge was sent, with S256 and with plain: another verifier
  is ``invalid_grant``, none is ``invalid_request``.
- ``GET /hub/api/user`` with the token (``Bearer``, or ``token``) answers ``{"kind": "user", "name": "ada",
  "groups": ["hpc"], "admin": false, "scopes": [...], "session_id": ..., "token_id": ..., "user_info": null}``.
  The name is all there is that identifies somebody; with a token that it does not know it answers 403.
- ``GET /hub/logout`` ends the hub's session, and nothing tells the client.

A token lives for two weeks unless the hub is configured otherwise.
"""

import json
import os
import secrets
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx2
from playwright.sync_api import Page

from tests.support import patient_http
from tests.support.providers import CLIENT_ID, CLIENT_SECRET, prepare
from tests.support.providers.people import PASSWORD, USERS
from tests.support.servers.portal import free_port

CONFIGURATION = Path(__file__).parent / "jupyterhub_config.py"
PATIENCE = 180.0
"""Seconds that it has to start."""

SCOPES = ("read:users:name", "read:users:groups")
"""What the client may ask for, of whoever logs in."""


def is_installed() -> bool:
    """Tell whether what ``prepare`` installs is there."""
    return _python().exists()


def _python() -> Path:
    return prepare.hub_environment(prepare.prepared()) / "bin" / "python"


@dataclass(frozen=True, kw_only=True)
class JupyterHub:
    """The running hub. ``address`` is where browsers find it."""

    address: str
    token: str = field(default_factory=lambda: secrets.token_urlsafe(32))
    """The tests' own token for the hub's API."""
    client_id: str = f"service-{CLIENT_ID}"
    client_secret: str = CLIENT_SECRET

    @property
    def issuer(self) -> str:
        """A name for the hub: it has no issuer."""
        return self.address

    @property
    def authorization_endpoint(self) -> str:
        """Where a login begins."""
        return f"{self.address}/hub/api/oauth2/authorize"

    @property
    def token_endpoint(self) -> str:
        """Where a code is swapped."""
        return f"{self.address}/hub/api/oauth2/token"

    @property
    def user_endpoint(self) -> str:
        """Where the hub says who the owner of a token is."""
        return f"{self.address}/hub/api/user"

    def register(self, *, redirect_uris: Sequence[str]) -> None:
        """Tell the hub where the client is from now on; it knows one redirect address a client."""
        [redirect_uri] = redirect_uris
        place = f"{self.address}/hub/api/services/{CLIENT_ID}"
        client = {
            "oauth_client_id": self.client_id,
            "api_token": self.client_secret,
            "oauth_redirect_uri": redirect_uri,
            "oauth_client_allowed_scopes": [f"{scope}!user" for scope in SCOPES],
        }
        with patient_http.Client(headers={"authorization": f"token {self.token}"}) as api:
            assert api.delete(place).status_code in {200, 404}
            answer = api.post(place, json=client)
        assert answer.is_success, answer.text

    def log_in(self, page: Page, subject: str) -> None:
        """Fill in the login page and authorize the client, if the hub asks."""
        page.get_by_label("Username").fill(subject)
        page.get_by_label("Password").fill(PASSWORD)
        page.get_by_role("button", name="Sign in").click()
        page.wait_for_load_state()
        authorize = page.get_by_role("button", name="Authorize")
        if page.url.startswith(self.address) and authorize.is_visible():
            authorize.click()
            page.wait_for_load_state()


@contextmanager
def running(redirect_uris: Sequence[str] = ()) -> Iterator[JupyterHub]:
    """Run the hub until the end of the block."""
    port = free_port()
    hub = JupyterHub(address=f"http://localhost:{port}")
    with tempfile.TemporaryDirectory(prefix="jupyterhub-") as folder, _process(hub, port, folder):
        if redirect_uris:
            hub.register(redirect_uris=redirect_uris)
        yield hub


@contextmanager
def _process(hub: JupyterHub, port: int, folder: str) -> Iterator[None]:
    run = {
        "port": port,
        "unused_port": free_port(),
        "token": hub.token,
        "password": PASSWORD,
        "scopes": SCOPES,
        "groups": _groups(),
    }
    log = Path(folder, "log")
    with (
        log.open("w") as stream,
        subprocess.Popen(
            [_python(), "-m", "jupyterhub", "-f", CONFIGURATION],
            cwd=folder,
            env={**os.environ, "SEALRUN_TESTS_HUB": json.dumps(run)},
            stdout=stream,
            stderr=stream,
        ) as process,
    ):
        try:
            _wait(hub.address, process, log)
            yield
        finally:
            process.terminate()


def _groups() -> dict[str, list[str]]:
    groups: dict[str, list[str]] = {}
    for name, user in USERS.items():
        for group in user.groups:
            groups.setdefault(group, []).append(name)
    return groups


def _wait(address: str, process: subprocess.Popen[bytes], log: Path) -> None:
    end = time.monotonic() + PATIENCE
    while True:
        try:
            patient_http.get(f"{address}/hub/api/").raise_for_status()
        except httpx2.HTTPError:
            assert process.poll() is None, log.read_text()
            assert time.monotonic() < end, log.read_text()
            time.sleep(0.1)
        else:
            return
