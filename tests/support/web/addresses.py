"""Every address of the portal with its route: of the pages, and of the API that is mounted beside them."""

from collections.abc import Iterator
from dataclasses import dataclass

from starlette.routing import Route

from portal.web.api.app import create_api
from portal.web.api.routes import ROUTER
from portal.web.local_paths import API
from portal.web.rendering.static_files import StaticFiles
from portal.web.routes import routes

SITE_URL = "http://127.0.0.1:8000"


@dataclass(frozen=True, kw_only=True)
class Address:
    """One address and what answers it."""

    path: str
    route: Route

    @property
    def methods(self) -> list[str]:
        """Return what it takes, but HEAD."""
        return sorted((self.route.methods or {"GET"}) - {"HEAD"})

    @property
    def is_api(self) -> bool:
        """Whether it is the API's."""
        return self.path.startswith(f"{API}/")


def addresses() -> list[Address]:
    """Return every address, as the tables have them."""
    return [*_pages(), *_calls()]


def _pages() -> Iterator[Address]:
    for route in routes(StaticFiles(), create_api(SITE_URL)):
        if isinstance(route, Route):
            yield Address(path=route.path, route=route)


def _calls() -> Iterator[Address]:
    for route in (*create_api(SITE_URL).routes, *ROUTER.routes):
        if isinstance(route, Route):
            yield Address(path=f"{API}{route.path}", route=route)
