"""One call of the API: a request of a program, and the endpoints that answer it."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from inspect import iscoroutinefunction

from pydantic import BaseModel
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from portal.domain.accounts.people import Actor
from portal.domain.accounts.tokens import Scope
from portal.web.api.models import Made
from portal.web.local_paths import API
from portal.web.middleware import token_auth
from portal.web.middleware.bodies import UploadRoute
from portal.web.request_context import PageRequest, page_request_of

CREATED = 201


@dataclass(frozen=True, slots=True, kw_only=True)
class Call(PageRequest):
    """A request whose actor is the owner of a token."""

    caller: Actor

    @property
    def actor(self) -> Actor:
        """Return on whose behalf the program asks."""
        return self.caller

    def url(self, path: str) -> str:
        """Return the whole address of something in the API."""
        return f"{self.context.site_url}{API}{path}"

    def next_page(self, number: int, pages: int) -> str | None:
        """Return the address of the page after this one."""
        if number >= pages:
            return None
        asked = self.http.url.include_query_params(page=number + 1)
        return f"{self.context.site_url}{asked.path}?{asked.query}"


Handler = Callable[[Call], BaseModel | Awaitable[BaseModel]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """A value that a call takes in its query, its form or its head."""

    name: str
    meaning: str
    required: bool = False
    is_file: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """An address of the API, and everything that its reference says of it."""

    method: str
    path: str
    """Below the API's root."""
    scope: Scope | None
    """What the token needs; None: any token will do."""
    summary: str
    handler: Handler
    answer: type[BaseModel]
    status: int = 200
    query: tuple[Field, ...] = ()
    form: tuple[Field, ...] = ()
    headers: tuple[Field, ...] = ()

    @property
    def name(self) -> str:
        """Return a name of its own for programs that are made from the description."""
        return f"{self.method.lower()}_{self.handler.__name__}"

    @property
    def address(self) -> str:
        """Return the address on this site."""
        return f"{API}{self.path}"

    def route(self) -> Route:
        """Return the route: the token is looked at before anything else."""
        kind = UploadRoute if any(field.is_file for field in self.form) else Route
        endpoint = self._waiting() if iscoroutinefunction(self.handler) else self._plain()
        return kind(self.address, endpoint, methods=[self.method])

    def _plain(self) -> Callable[[Request], Response]:
        def endpoint(request: Request) -> Response:
            return self._answer(self.handler(_admitted(request, self.scope)))

        return endpoint

    def _waiting(self) -> Callable[[Request], Awaitable[Response]]:
        async def endpoint(request: Request) -> Response:
            call = await run_in_threadpool(_admitted, request, self.scope)
            made = self.handler(call)
            return self._answer(made if isinstance(made, BaseModel) else await made)

        return endpoint

    def _answer(self, made: object) -> Response:
        if not isinstance(made, self.answer):
            raise TypeError(f"{self.address} answers {type(made).__name__}")
        headers = {"location": made.url} if isinstance(made, Made) else None
        return Response(made.model_dump_json(), self.status, headers, "application/json")


def _admitted(request: Request, scope: Scope | None) -> Call:
    page_request = page_request_of(request)
    return Call(
        http=request,
        context=page_request.context,
        renderer=page_request.renderer,
        page_cache=page_request.page_cache,
        caller=token_auth.admit(page_request, scope),
    )
