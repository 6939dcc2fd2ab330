"""Real identity providers, and a hostile one, that tests start on this machine.

Each module has ``running(...)``, a context manager that gives a running provider:

- ``oidc_provider``: npm's certified ``oidc-provider``, with logout, back-channel logout and ``acr``.
- ``glewlwyd``: Debian's, with logout and back-channel logout, and with habits of its own.
- ``jupyterhub``: speaks OAuth 2.0 only; its docstring says how.
- ``hostile``: our own, which keeps to the standard until it is set to commit a fault; it has no
  login page, and a new one starts for every test.

All of them have what ``Provider`` below says. The fixtures of the same names start them when a test
first asks (``tests/support/providers/fixtures.py``); a test then registers where its own site is::

    def test_...(oidc_provider, page, ...):
        oidc_provider.register(
            redirect_uris=[f"{site_url}/login/campus/callback"],
            post_logout_redirect_uris=[f"{site_url}/"],
            back_channel_logout_uri=f"{site_url}/login/campus/logout",
        )
        page.goto(f"{site_url}/login/campus")
        oidc_provider.log_in(page, "ada")

Issuers are at ``localhost``; serve the site at ``127.0.0.1``, because browsers do not keep the cookies
of two ports of one host apart. Who can log in is in ``people.py``; every password is ``people.PASSWORD``.
What has to be installed first is made by ``python -m tests.support.providers.prepare``.
"""

from collections.abc import Sequence
from typing import Protocol

from playwright.sync_api import Page

CLIENT_ID = "sealrun"
CLIENT_SECRET = "a-secret-between-the-tests-and-their-providers"


class Provider(Protocol):
    """A running provider that knows one client."""

    @property
    def issuer(self) -> str:
        """The issuer; ``/.well-known/openid-configuration`` below it describes an OpenID provider."""

    @property
    def client_id(self) -> str:
        """The client's name."""

    @property
    def client_secret(self) -> str:
        """The client's secret, for HTTP Basic at the token endpoint (JupyterHub: in the form)."""

    def register(self, *, redirect_uris: Sequence[str]) -> None:
        """Tell the provider where the client is from now on, instead of where it was before.

        Those that can log out also take ``post_logout_redirect_uris`` and
        ``back_channel_logout_uri``; what is not given is as if there were none.
        """

    def log_in(self, page: Page, subject: str) -> None:
        """Fill in the provider's own login page, and consent to everything.

        The page has to be on the provider's login page already, and ``subject`` is a name in
        ``people.USERS``, which need not become the ``sub``. When this returns, the browser has
        been sent back to the redirect address and has loaded it, or shows the provider's refusal.
        """
