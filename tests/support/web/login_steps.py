"""A browser that logs in at the hostile provider, which sends it back at once."""

from dataclasses import dataclass
from typing import Any

from starlette.testclient import TestClient
from structlog.testing import capture_logs

from portal.web.context import Provider
from portal.web.login.identity_providers import logins_of
from tests.support.providers.hostile import HostileProvider
from tests.support.web.site import Site, SiteMaker

CALLBACK = "/login/campus/callback"
PATIENCE = 20.0
"""Seconds: what hangs is given up early, and a busy machine is not taken for one that hangs."""


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What a login came to."""

    status: int
    location: str
    page: str
    entries: tuple[dict[str, Any], ...]
    """What the log says of it."""

    @property
    def entry(self) -> dict[str, Any]:
        """Return the entry about how it ended."""
        ends = {"login_failed", "logged_in"}
        return next((one for one in self.entries if one["event"] in ends), {})

    @property
    def reason(self) -> str:
        """Return the code under which a failure is in the log."""
        return str(self.entry.get("reason", ""))


def site_at(new_site: SiteMaker, hostile: HostileProvider, **settings: Any) -> Site:
    """Return a site whose campus login is the hostile provider."""
    site = new_site(providers=(campus(hostile, **settings),))
    register(site, hostile)
    return site


def campus(hostile: HostileProvider, **settings: Any) -> Provider:
    """Return the provider as a site's settings describe it."""
    known: dict[str, Any] = {
        "id": "campus",
        "title": "Nordholm University account",
        "issuer": hostile.issuer,
        "client_id": hostile.client_id,
        "client_secret": hostile.client_secret,
        "staff": {"entitlement": ("urn:example:sealrun-staff",)},
    }
    return Provider(**(known | settings))


def register(site: Site, hostile: HostileProvider) -> None:
    """Tell the provider where the site is, and have the site wait for it less long than usual."""
    site.app.state.logins = logins_of(site.context, timeout=PATIENCE)
    hostile.register(
        redirect_uris=[
            f"{site.context.site_url}/login/{provider.id}/callback"
            for provider in site.context.providers
        ],
        post_logout_redirect_uris=[f"{site.context.site_url}/logged-out"],
    )


def log_in(
    browser: TestClient, hostile: HostileProvider, begin: str = "/login/campus", **spoilt: str
) -> Outcome:
    """Begin, let the provider answer, and bring the answer back; return how it ended.

    What is ``spoilt`` replaces values of the answer on its way.
    """
    with capture_logs() as entries:
        answer = browser.get(begin)
        if answer.status_code == 302:
            location = hostile.answer(answer.headers["location"])
            answer = browser.get(location, params=spoilt or None)
    return Outcome(
        status=answer.status_code,
        location=answer.headers.get("location", ""),
        page=answer.text,
        entries=tuple(dict(entry) for entry in entries),
    )


def who(browser: TestClient) -> str:
    """Return whose account page a browser sees; empty: nobody's."""
    page = browser.get("/account")
    if page.status_code != 200:
        return ""
    return page.text.partition("<dt>At your institution</dt><dd>")[2].partition("<")[0]
