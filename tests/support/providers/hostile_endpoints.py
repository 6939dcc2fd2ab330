"""The addresses of the hostile provider: discovery, keys, authorization, token, userinfo, end_session.

They are named so in ``HostileProvider.requests``.
"""

import asyncio
import base64
import hmac
import secrets
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING
from urllib.parse import urlencode, urlsplit

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, RedirectResponse, Response
from starlette.routing import Route

from tests.support.providers.client import challenge
from tests.support.providers.hostile_tokens import ELSEWHERE, Fault
from tests.support.providers.people import MFA, ORDINARY

if TYPE_CHECKING:
    from tests.support.providers.hostile import HostileProvider, Login

Endpoint = Callable[["HostileProvider", dict[str, str], Request], Awaitable[Response]]

MOVABLE = ("authorization", "token", "userinfo")
BROKEN = {
    Fault.TOKEN_FAILS: "token",
    Fault.USERINFO_FAILS: "userinfo",
    Fault.KEYS_FAIL: "keys",
}


def application(provider: "HostileProvider") -> Starlette:
    """Return the application; it does what ``provider.fault`` says at that moment."""
    routes = [
        _route(provider, "/.well-known/openid-configuration", "discovery", _discovery),
        _route(provider, "/keys", "keys", _keys),
        _route(provider, "/end_session", "end_session", _end_session),
    ]
    for name, endpoint in (
        ("authorization", _authorization),
        ("token", _token),
        ("userinfo", _userinfo),
    ):
        routes += [_route(provider, f"{place}/{name}", name, endpoint) for place in ("", "/moved")]
    return Starlette(routes=routes)


def _route(provider: "HostileProvider", path: str, name: str, endpoint: Endpoint) -> Route:
    async def handle(request: Request) -> Response:
        values = {**request.query_params}
        if request.method == "POST":
            values |= {key: str(value) for key, value in (await request.form()).items()}
        provider.note(name, values, str(request.url.hostname))
        moved = provider.fault is Fault.ENDPOINTS_MOVED and name in MOVABLE
        if moved != path.startswith("/moved/"):
            return PlainTextResponse("there is nothing here", 404)
        if provider.fault is not None and BROKEN.get(provider.fault) == name:
            return PlainTextResponse("out of order", 500)
        return await endpoint(provider, values, request)

    return Route(path, handle, methods=["GET", "POST"])


async def _discovery(provider: "HostileProvider", _values: dict[str, str], _: Request) -> Response:
    issuer, fault = provider.issuer, provider.fault
    place = f"{issuer}/moved" if fault is Fault.ENDPOINTS_MOVED else issuer
    other_host = fault is Fault.TOKEN_ENDPOINT_ON_ANOTHER_HOST
    token_place = f"http://127.0.0.1:{urlsplit(issuer).port}" if other_host else place
    wrong_name = fault is Fault.DISCOVERY_NAMES_ANOTHER_ISSUER
    return JSONResponse(
        {
            "issuer": ELSEWHERE if wrong_name else issuer,
            "authorization_endpoint": f"{place}/authorization",
            "token_endpoint": f"{token_place}/token",
            "userinfo_endpoint": f"{place}/userinfo",
            "jwks_uri": f"{issuer}/keys",
            "end_session_endpoint": f"{issuer}/end_session",
            "acr_values_supported": [ORDINARY, MFA],
            "authorization_response_iss_parameter_supported": True,
            "backchannel_logout_supported": True,
            "backchannel_logout_session_supported": True,
            "code_challenge_methods_supported": ["S256"],
            "grant_types_supported": ["authorization_code"],
            "id_token_signing_alg_values_supported": ["RS256", "HS256", "none"],
            "response_types_supported": ["code"],
            "scopes_supported": ["openid", "profile", "email"],
            "subject_types_supported": ["public"],
            "token_endpoint_auth_methods_supported": ["client_secret_basic"],
            **provider.describes,
        }
    )


async def _keys(provider: "HostileProvider", _values: dict[str, str], _: Request) -> Response:
    return JSONResponse(provider.keys.as_set())


async def _authorization(
    provider: "HostileProvider", values: dict[str, str], _: Request
) -> Response:
    if values.get("client_id") != provider.client_id:
        return PlainTextResponse("the provider does not know this client", 400)
    if values.get("redirect_uri") not in provider.redirect_uris:
        return PlainTextResponse("this redirect address is not registered", 400)
    answer = {"state": values["state"]} if "state" in values else {}
    match provider.fault:
        case Fault.MISSING_ISS_PARAMETER:
            pass
        case Fault.WRONG_ISS_PARAMETER:
            answer["iss"] = ELSEWHERE
        case _:
            answer["iss"] = provider.issuer
    answer |= _complaint(values) or {"code": provider.begin(values)}
    return RedirectResponse(f"{values['redirect_uri']}?{urlencode(answer)}", 302)


def _complaint(values: dict[str, str]) -> dict[str, str]:
    if values.get("response_type") != "code":
        return {"error": "unsupported_response_type"}
    if "openid" not in values.get("scope", "").split():
        return {"error": "invalid_scope"}
    if values.get("code_challenge_method") != "S256" or not values.get("code_challenge"):
        return {"error": "invalid_request", "error_description": "PKCE is required"}
    return {}


async def _token(provider: "HostileProvider", values: dict[str, str], request: Request) -> Response:
    while provider.fault is Fault.TOKEN_HANGS:  # noqa: ASYNC110 - tests set it from their thread
        await asyncio.sleep(0.05)
    if provider.fault is Fault.TOKEN_IS_NO_JSON:
        return PlainTextResponse("<html>Welcome to the wireless network!</html>")
    if not _is_client(provider, request):
        return JSONResponse({"error": "invalid_client"}, 401)
    login = provider.logins.get(values.get("code", ""))
    if login is None or login.code_is_used or not _belongs(values, login):
        return JSONResponse({"error": "invalid_grant"}, 400)
    login.code_is_used = True
    access_token = secrets.token_urlsafe(24)
    provider.tokens[access_token] = login
    return JSONResponse(
        {
            "access_token": access_token,
            "token_type": "Bearer",
            "expires_in": 300,
            "id_token": provider.id_token(login),
        },
        headers={"cache-control": "no-store"},
    )


def _is_client(provider: "HostileProvider", request: Request) -> bool:
    told = request.headers.get("authorization", "")
    right = base64.b64encode(f"{provider.client_id}:{provider.client_secret}".encode()).decode()
    return hmac.compare_digest(told, f"Basic {right}")


def _belongs(values: dict[str, str], login: "Login") -> bool:
    return (
        values.get("grant_type") == "authorization_code"
        and values.get("redirect_uri") == login.asked["redirect_uri"]
        and challenge(values.get("code_verifier", "")) == login.asked["code_challenge"]
    )


async def _userinfo(
    provider: "HostileProvider", _values: dict[str, str], request: Request
) -> Response:
    login = provider.tokens.get(request.headers.get("authorization", "").removeprefix("Bearer "))
    if login is None:
        return JSONResponse({"error": "invalid_token"}, 401)
    if provider.signs_user_info:
        return Response(provider.signed_user_info(login), media_type="application/jwt")
    return JSONResponse(provider.user_info(login))


async def _end_session(provider: "HostileProvider", values: dict[str, str], _: Request) -> Response:
    back = values.get("post_logout_redirect_uri")
    if back not in provider.post_logout_redirect_uris:
        return PlainTextResponse("You are logged out here.")
    state = {"state": values["state"]} if "state" in values else {}
    return RedirectResponse(f"{back}?{urlencode(state)}" if state else str(back), 302)
