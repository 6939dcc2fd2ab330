"""Logging out: here, at the provider, and by order of the provider."""

import secrets
from datetime import UTC, datetime

import structlog
from starlette.concurrency import run_in_threadpool
from starlette.responses import JSONResponse, RedirectResponse, Response

from portal.domain.errors import ParticipantError
from portal.services.accounts import back_channel_logout, sign_in
from portal.services.accounts.sign_in import EndedLogin
from portal.web.context import Provider
from portal.web.login.failures import LoginError
from portal.web.login.oidc_tokens import LogoutOrder
from portal.web.login.redirect_page import onward
from portal.web.middleware.cookies import digest
from portal.web.pages.accounts.login import login_of, provider_of
from portal.web.request_context import PageRequest

log = structlog.get_logger("sealrun.login")

STATE = "logout"
GONE = "/logged-out"


async def leave(request: PageRequest) -> Response:
    """Log out: the session is deleted first, so that it ends whatever the provider does."""
    parting = await run_in_threadpool(_leave, request)
    state = secrets.token_urlsafe(24)
    provider = request.context.providers_by_id.get(parting.provider_id) if parting else None
    address = await _farther(request, provider, parting, state) if provider and parting else None
    if address is None or provider is None:
        request.browser.sign_out()
        return RedirectResponse(GONE, 303)
    request.browser.sign_out(**{STATE: state})
    return await run_in_threadpool(
        onward, request, address, title="You are logged out here", where=provider.title
    )


def logged_out(request: PageRequest) -> Response:
    """Say how far the logout went; only who comes back with the right state was at the provider."""
    if request.actor.is_known:
        return RedirectResponse("/", 303)
    state = request.http.session.get(STATE)
    came_back = state is not None and state == request.http.query_params.get("state")
    if came_back:
        del request.http.session[STATE]
    return request.page("accounts/login/logged_out.html", everywhere=came_back)


async def back_channel(request: PageRequest) -> Response:
    """Log people out whom the provider has logged out.

    https://openid.net/specs/openid-connect-backchannel-1_0.html: no cookie comes with it, what counts
    is the provider's signature.
    """
    provider = provider_of(request)
    form = await request.http.form()
    try:
        order = await login_of(request, provider).logout_order(str(form.get("logout_token", "")))
        ended = await run_in_threadpool(_obey, request, provider, order)
    except (LoginError, ParticipantError) as failure:
        detail = failure.detail if isinstance(failure, LoginError) else {}
        log.warning("logout_rejected", provider=provider.id, reason=failure.reason, **detail)
        return _uncached(400, {"error": "invalid_request"})
    log.info("logged_out_by_provider", provider=provider.id, sessions=ended)
    return _uncached(200, {})


def _leave(request: PageRequest) -> EndedLogin | None:
    secret = request.browser.secret
    if secret is None:
        return None
    return request.write(
        sign_in.leave, actor=request.actor, secret_sha256=digest(secret), now=request.now
    )


async def _farther(
    request: PageRequest, provider: Provider, parting: EndedLogin, state: str
) -> str | None:
    if not provider.logout:
        return None
    try:
        return await login_of(request, provider).logout_address(
            parting.id_token, back=f"{request.context.site_url}{GONE}", state=state
        )
    except LoginError as failure:
        log.warning("provider_logout_unavailable", provider=provider.id, reason=failure.reason)
        return None


def _obey(request: PageRequest, provider: Provider, order: LogoutOrder) -> int:
    return request.write(
        back_channel_logout.obey,
        issuer=provider.issuer,
        subject=order.subject,
        sid=order.sid,
        jti=order.jti,
        expires_at=datetime.fromtimestamp(order.expires_at, UTC),
        origin=request.browser.origin,
        now=request.now,
    )


def _uncached(status: int, body: dict[str, str]) -> Response:
    return JSONResponse(body, status, headers={"cache-control": "no-store"})
