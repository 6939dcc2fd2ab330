"""One call of the API: who sends it, and what every call may take."""

from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import Depends, Path, Query, Request, Response, Security
from fastapi.security import HTTPBearer, SecurityScopes
from pydantic import AfterValidator

from portal.domain.accounts.people import Actor
from portal.domain.accounts.tokens import Scope
from portal.domain.pagination import Slice
from portal.web.api.models import Made
from portal.web.local_paths import API
from portal.web.middleware import token_auth
from portal.web.request_context import PageRequest, page_request_of

MAX_PAGE_NUMBER = 999_999

BEARER = HTTPBearer(scheme_name="token", auto_error=False)
"""Describes the token; ``token_auth`` reads it."""


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

    def made(self, response: Response, id_: str, path: str) -> Made:
        """Return the answer of a call that made something, whose address is also in the head of the answer."""
        url = self.url(path)
        response.headers["location"] = url
        return Made(id=id_, url=url)

    def place(self, pages: Slice) -> dict[str, Any]:
        """Return what a page of a list says of its place in the list: the fields of ``models.Page`` but its items."""
        return {
            "page": pages.number,
            "pages": pages.pages,
            "total": pages.total,
            "next": self._next_page(pages),
        }

    def _next_page(self, pages: Slice) -> str | None:
        if pages.number >= pages.pages:
            return None
        asked = self.http.url.include_query_params(page=pages.number + 1)
        return f"{self.context.site_url}{asked.path}?{asked.query}"


def admitted(
    request: Request, needed: SecurityScopes, _described: Annotated[object, Depends(BEARER)]
) -> Call:
    """Return the call of a request whose token goes as far as is needed: looked at before anything else.

    Raises ``RefusalError`` with 401, 403, or 429 for somebody whose tokens fail too often.
    """
    page_request = page_request_of(request)
    scope = Scope(needed.scopes[0]) if needed.scopes else None
    return Call(
        http=request,
        context=page_request.context,
        renderer=page_request.renderer,
        page_cache=page_request.page_cache,
        caller=token_auth.admit(page_request, scope),
    )


def _storable(part: str) -> str:
    # No database can hold it, so nothing has such a name.
    if "\0" in part:
        raise ValueError("no such name")
    return part


AnyToken = Annotated[Call, Security(admitted)]
Reading = Annotated[Call, Security(admitted, scopes=[Scope.READ])]
Submitting = Annotated[Call, Security(admitted, scopes=[Scope.SUBMIT])]
Organising = Annotated[Call, Security(admitted, scopes=[Scope.ORGANISE])]

Slug = Annotated[str, AfterValidator(_storable), Path(description="The challenge's.")]
Id = Annotated[str, AfterValidator(_storable), Path(alias="id")]
PersonId = Annotated[str, AfterValidator(_storable), Path(alias="person")]
PageNumber = Annotated[
    int,
    Query(ge=1, le=MAX_PAGE_NUMBER, description="Which page of the list; the first without."),
]
