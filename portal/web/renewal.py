"""An application that another one can take the place of, while requests go on."""

from starlette.types import ASGIApp, Receive, Scope, Send


class RenewableApp:
    """Passes each request on to the newest application; one that is being answered stays where it began."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    def renew(self, app: ASGIApp) -> None:
        """Answer what comes from now on with another application."""
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        await self._app(scope, receive, send)
