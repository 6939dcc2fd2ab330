"""Logging in and out."""

import structlog
from starlette.concurrency import run_in_threadpool
from starlette.responses import RedirectResponse, Response

from portal.domain.claims import Identity, holds
from portal.domain.errors import NotFound
from portal.services import people
from portal.web.context import Provider
from portal.web.local_paths import local_path, with_query
from portal.web.oidc import LoginFailed, Logins
from portal.web.visit import Visit

log = structlog.get_logger("sealrun.login")

NEXT = "next"


def choose(visit: Visit) -> Response:
    """Show the logins on offer."""
    back = local_path(visit.request.query_params.get(NEXT))
    if visit.actor.is_known:
        return RedirectResponse(back, 303)
    offers = [
        (provider.title, with_query(f"/login/{provider.id}", next=back))
        for provider in visit.context.providers
    ]
    return visit.page("login.html", offers=offers)


async def begin(visit: Visit) -> Response:
    """Send the browser to the provider."""
    provider = _provider(visit)
    visit.request.session[NEXT] = local_path(visit.request.query_params.get(NEXT))
    try:
        return await _logins(visit).begin(visit.request, provider)
    except LoginFailed as failure:
        return await run_in_threadpool(_failed, visit, provider, failure)


async def callback(visit: Visit) -> Response:
    """Take the provider's answer, and log the person in under a new session."""
    provider = _provider(visit)
    back = local_path(visit.request.session.pop(NEXT, None))
    try:
        identity = await _logins(visit).finish(visit.request, provider)
        person_id = await run_in_threadpool(_sign_in, visit, provider, identity)
    except LoginFailed as failure:
        return await run_in_threadpool(_failed, visit, provider, failure)
    visit.browser.sign_in(person_id)
    return RedirectResponse(back, 303)


def leave(visit: Visit) -> Response:
    """Log out: the session is deleted, so that a copy of the cookie opens nothing either."""
    visit.browser.sign_out()
    return RedirectResponse("/", 303)


def _provider(visit: Visit) -> Provider:
    provider = visit.context.providers_by_id.get(visit.part("provider"))
    if provider is None:
        raise NotFound
    return provider


def _logins(visit: Visit) -> Logins:
    logins: Logins = visit.request.app.state.logins
    return logins


def _sign_in(visit: Visit, provider: Provider, identity: Identity) -> str:
    if provider.require and not holds(identity.claims, provider.require):
        raise LoginFailed(NOT_ADMITTED, reason="required claims", status=403)
    is_staff = holds(identity.claims, provider.staff) if provider.staff else None
    person_id = visit.write(people.sign_in, identity=identity, is_staff=is_staff, now=visit.now)
    log.info("logged in", provider=provider.id, person_id=person_id)
    return person_id


NOT_ADMITTED = (
    "Your institution confirmed who you are, but not what this site asks for, "
    "such as a second factor or a membership. The support of this site knows more."
)


def _failed(visit: Visit, provider: Provider, failure: LoginFailed) -> Response:
    log.warning("login failed", provider=provider.id, reason=failure.reason)
    return visit.page(
        "login_failed.html",
        status=failure.status,
        sentence=failure.sentence,
        provider_title=provider.title,
    )
