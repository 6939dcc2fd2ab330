"""Tokens of a request: who asks, and whether their token goes so far."""

from collections.abc import Mapping
from functools import partial

from starlette.datastructures import Headers

from portal.domain.accounts.people import Actor
from portal.domain.accounts.tokens import Scope
from portal.services.accounts import tokens
from portal.services.accounts.tokens import TokenProblem
from portal.web.errors import RefusalError
from portal.web.middleware.rate_limits import address, rates_of
from portal.web.request_context import PageRequest

CHALLENGE = 'Bearer realm="Sealrun"'
"""What stands in ``WWW-Authenticate``: RFC 6750, section 3."""

MESSAGES: Mapping[TokenProblem, str] = {
    TokenProblem.UNKNOWN: "There is no such token.",
    TokenProblem.EXPIRED: "The token has expired. Make a new one on your account's page.",
    TokenProblem.REVOKED: "The token was revoked. Make a new one on your account's page.",
}


def admit(request: PageRequest, scope: Scope | None) -> Actor:
    """Return whose token a request brings, if it has the scope; None: any will do.

    Raises ``RefusalError`` with 401, 403, or 429 for somebody whose tokens fail too often. A token that
    works is not held up by those of others behind the same address.
    """
    secret = bearer_of(request.http.headers)
    if secret is None:
        raise RefusalError(401, "Send a token of yours with the request.", "no_token", _www())
    found = _owner(request, secret)
    if isinstance(found, TokenProblem):
        rates_of(request.http).count("token", address(request))
        message = MESSAGES[found]
        raise RefusalError(
            401, message, f"token_{found}", _www(error="invalid_token", error_description=message)
        )
    _check(request, found, scope)
    return found


def bearer_of(headers: Headers) -> str | None:
    """Return the token of the one ``Authorization`` header, if that is what it holds."""
    match headers.getlist("authorization"):
        case [only]:
            kind, _, secret = only.partition(" ")
            return secret.strip() if kind.lower() == "bearer" and secret.strip() else None
    return None


def _owner(request: PageRequest, secret: str) -> Actor | TokenProblem:
    client = request.http.client
    look = partial(
        tokens.actor_of,
        secret=secret,
        origin=client.host if client else "",
        terms_version=request.context.terms.version,
        now=request.now,
    )
    with request.context.database.reading() as session:
        found = look(session)
        is_to_be_noted = bool(session.dirty)
    # On SQLite all writers wait for each other, and a use is worth noting only now and then.
    return request.write(look) if is_to_be_noted else found


def _check(request: PageRequest, actor: Actor, scope: Scope | None) -> None:
    if not actor.has_accepted:
        raise RefusalError(
            403,
            f"Accept the terms of this site first, in a browser: {request.context.site_url}/welcome",
            "terms",
        )
    if scope is not None and scope not in actor.scopes:
        message = f"The token does not have the scope that this needs: {scope}."
        wanted = _www(error="insufficient_scope", scope=scope, error_description=message)
        raise RefusalError(403, message, "insufficient_scope", wanted)


def _www(**params: str) -> dict[str, str]:
    parts = [CHALLENGE, *(f'{name}="{value}"' for name, value in params.items())]
    return {"www-authenticate": ", ".join(parts)}
