"""npm's oidc-provider, which is certified by the OpenID Foundation, as a process of its own.

PKCE is required, answers carry ``iss`` (RFC 9207), ID tokens are RS256, claims come from the user info
endpoint. ``profile`` brings all claims but e-mail, ``email`` those; each eduPerson claim is also a scope
of its own. ID tokens have an ``acr`` only if one was asked for: the MFA profile for those who have a
second factor and were asked for it, with a new login if need be, the ordinary one for all others.
"""

import json
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import playwright
from playwright.sync_api import Page

from tests.support.providers import CLIENT_ID, CLIENT_SECRET, prepare
from tests.support.providers.people import PASSWORD, USERS

NODE = Path(playwright.__file__).parent / "driver" / "node"
"""Playwright brings a Node.js that is new enough everywhere; Debian's may not be."""

SERVER = Path(__file__).parent / "oidc_provider_server"


def is_installed() -> bool:
    """Tell whether what ``prepare`` installs is there."""
    return prepare.node_modules(prepare.prepared()).exists()


@dataclass(frozen=True, kw_only=True)
class OidcProvider:
    """The running provider. Every method returns when the change is in effect."""

    issuer: str
    process: subprocess.Popen[str]
    client_id: str = CLIENT_ID
    client_secret: str = CLIENT_SECRET

    def register(
        self,
        *,
        redirect_uris: Sequence[str],
        post_logout_redirect_uris: Sequence[str] = (),
        back_channel_logout_uri: str | None = None,
    ) -> None:
        """Tell the provider where the client is from now on."""
        client = _client(redirect_uris) | {
            "post_logout_redirect_uris": list(post_logout_redirect_uris)
        }
        if back_channel_logout_uri is not None:
            client |= {
                "backchannel_logout_uri": back_channel_logout_uri,
                "backchannel_logout_session_required": True,
            }
        self._order("register", client=client)

    def log_in(self, page: Page, subject: str) -> None:
        """Fill in the login page and agree on the consent page, if there is one."""
        page.get_by_placeholder("Enter any login").fill(subject)
        page.get_by_placeholder("and password").fill(PASSWORD)
        page.get_by_role("button", name="Sign-in").click()
        page.wait_for_load_state()
        agree = page.get_by_role("button", name="Continue")
        if page.url.startswith(self.issuer) and agree.is_visible():
            agree.click()
            page.wait_for_load_state()

    def log_out(self, page: Page) -> None:
        """Confirm on the page that the end session address shows."""
        page.get_by_role("button", name="Yes, sign me out").click()
        page.wait_for_load_state()

    def rotate_keys(self, *, keep_old: bool = False) -> None:
        """Sign with a new key from now on; the old one disappears unless it is kept."""
        self._order("rotate_keys", keep_old=keep_old)

    def break_back_channel(self) -> None:
        """Answer 503 to what the client asks itself: token, user info, keys and discovery."""
        self._order("break_back_channel")

    def mend_back_channel(self) -> None:
        """Answer again."""
        self._order("mend_back_channel")

    def logout_deliveries(self) -> list[dict[str, Any]]:
        """Return the logout tokens that were sent: ``sub``, ``sid`` and ``error``, None if taken."""
        deliveries: list[dict[str, Any]] = self._order("deliveries")["deliveries"]
        return deliveries

    def _order(self, name: str, **details: object) -> dict[str, Any]:
        return _ask(self.process, {"do": name, **details})


@contextmanager
def running(redirect_uris: Sequence[str] = ()) -> Iterator[OidcProvider]:
    """Run the provider until the end of the block."""
    with tempfile.TemporaryDirectory(prefix="oidc-provider-") as folder:
        # Node looks for packages beside the program, and the checkout is no place for them.
        for program in SERVER.glob("*.mjs"):
            shutil.copy(program, folder)
        Path(folder, "node_modules").symlink_to(prepare.node_modules(prepare.prepared()))
        with subprocess.Popen(
            [NODE, Path(folder, "server.mjs")],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        ) as process:
            try:
                yield OidcProvider(issuer=_start(process, redirect_uris), process=process)
            finally:
                process.terminate()


def _start(process: subprocess.Popen[str], redirect_uris: Sequence[str]) -> str:
    users = {
        subject: {"claims": dict(user.claims), "mfa": user.mfa} for subject, user in USERS.items()
    }
    client = _client(redirect_uris or ["http://127.0.0.1:9/not-registered-yet"])
    return str(_ask(process, {"users": users, "client": client})["issuer"])


def _client(redirect_uris: Sequence[str]) -> dict[str, object]:
    return {
        "client_id": CLIENT_ID,
        "client_secret": CLIENT_SECRET,
        "redirect_uris": list(redirect_uris),
    }


def _ask(process: subprocess.Popen[str], order: dict[str, object]) -> dict[str, Any]:
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write(f"{json.dumps(order)}\n")
    process.stdin.flush()
    answer = process.stdout.readline()
    assert answer, "oidc-provider ended"
    parsed: dict[str, Any] = json.loads(answer)
    return parsed
