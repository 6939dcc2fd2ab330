"""JupyterHub's own settings for the tests; ``jupyterhub.py`` runs it with this file.

The hub's own port is enough for logging in, so nothing is proxied. What differs from run to run comes
as JSON from the environment.
"""

import json
import os
import secrets

from jupyterhub.proxy import Proxy

run = json.loads(os.environ["SEALRUN_TESTS_HUB"])


class NoProxy(Proxy):
    """Remembers the routes that it is given, and serves none of them."""

    should_start = False
    routes: dict = {}  # noqa: RUF012 - there is one of it

    async def add_route(self, routespec: str, target: str, data: dict) -> None:
        self.routes[routespec] = {"routespec": routespec, "target": target, "data": data}

    async def delete_route(self, routespec: str) -> None:
        self.routes.pop(routespec, None)

    async def get_all_routes(self) -> dict:
        return self.routes


c = get_config()  # noqa: F821 - JupyterHub puts it there

c.JupyterHub.proxy_class = NoProxy
c.JupyterHub.hub_bind_url = f"http://127.0.0.1:{run['port']}"
c.JupyterHub.bind_url = f"http://127.0.0.1:{run['unused_port']}"
c.JupyterHub.db_url = "sqlite:///:memory:"
c.JupyterHub.cookie_secret = secrets.token_bytes(32)
c.JupyterHub.log_level = "WARN"

c.JupyterHub.authenticator_class = "shared-password"
c.SharedPasswordAuthenticator.user_password = run["password"]
c.Authenticator.allow_all = True
c.JupyterHub.load_groups = {name: {"users": members} for name, members in run["groups"].items()}

# The tests themselves: they tell the hub where the client is. It can hand out only what it may itself.
c.JupyterHub.services = [{"name": "tests", "api_token": run["token"]}]
c.JupyterHub.load_roles = [
    {"name": "tests", "services": ["tests"], "scopes": ["admin:services", *run["scopes"]]},
    {"name": "user", "scopes": ["self", "access:services"]},
]
