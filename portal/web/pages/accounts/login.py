"""Logging in: choosing a login, going to the provider, and coming back."""

import re
from collections.abc import Mapping

import structlog
from starlette.concurrency import run_in_threadpool
from starlette.responses import RedirectResponse, Response

from portal.domain.accounts.claims import holds
from portal.domain.accounts.gates import Gate, first_closed, wanted_acr
from portal.domain.errors import NotAllowedError, NotFoundError
from portal.services.accounts import identity_linking, sign_in
from portal.services.accounts.sessions import SignedIn
from portal.web.context import Provider
from portal.web.local_paths import local_path, with_query
from portal.web.login.attempts import Attempt, keep, new_attempt, take
from portal.web.login.failures import LoginError
from portal.web.login.identity_providers import ProviderLogin
from portal.web.login.oidc import AuthenticatedUser, code_of
from portal.web.login.refusals import AGAIN, FOR, NEXT, failed, not_admitted
from portal.web.request_context import PageRequest

log = structlog.get_logger("sealrun.login")

ACCOUNT = "/account#logins"

_SLUG = re.compile(r"[a-z0-9-]{1,60}")


def choose(request: PageRequest) -> Response:
    """Show the logins on offer."""
    back = local_path(request.http.query_params.get(NEXT))
    if request.actor.is_known:
        return RedirectResponse(back, 303)
    offers = [
        (provider.title, with_query(f"/login/{provider.id}", next=back))
        for provider in request.context.providers
    ]
    # Whose team it is is not shown before the login.
    is_invited = back.partition("?")[0] == "/invitation"
    return request.page("accounts/login/choose.html", offers=offers, is_invited=is_invited)


async def begin(request: PageRequest) -> Response:
    """Send the browser to the provider."""
    provider, asked = provider_of(request), request.http.query_params
    slug = asked.get(FOR, "")
    attempt = new_attempt(
        provider=provider.id,
        back=local_path(asked.get(NEXT)),
        now=request.now,
        challenge=slug if _SLUG.fullmatch(slug) else "",
    )
    try:
        address = await address_of(
            request, provider, attempt, force_reauthentication=AGAIN in asked
        )
    except LoginError as failure:
        return await run_in_threadpool(failed, request, provider, failure)
    return RedirectResponse(address, 302)


async def callback(request: PageRequest) -> Response:
    """Take the provider's answer, and log the person in under a new session."""
    provider, answer = provider_of(request), dict(request.http.query_params)
    attempt: Attempt | None = None
    try:
        attempt = _attempt(request, provider, answer)
        confirmed = await login_of(request, provider).complete(answer, attempt)
        return await run_in_threadpool(_admit, request, provider, attempt, confirmed)
    except LoginError as failure:
        return await run_in_threadpool(failed, request, provider, failure, attempt)
    except NotAllowedError as refusal:
        log.warning("login_failed", provider=provider.id, reason=refusal.reason)
        raise


async def address_of(
    request: PageRequest,
    provider: Provider,
    attempt: Attempt,
    *,
    force_reauthentication: bool = False,
) -> str:
    """Return where the browser logs in, and remember in its session that it has begun to."""
    gates = await run_in_threadpool(_gates, request, provider, attempt)
    data = request.http.session
    state = keep(data, attempt)
    return await login_of(request, provider).authorization_url(
        attempt, state=state, acr=wanted_acr(gates), force_reauthentication=force_reauthentication
    )


def provider_of(request: PageRequest) -> Provider:
    """Return the provider that the address names."""
    provider = request.context.providers_by_id.get(request.path_param("provider"))
    if provider is None:
        raise NotFoundError
    return provider


def login_of(request: PageRequest, provider: Provider) -> ProviderLogin:
    """Return what speaks with a provider."""
    known: Mapping[str, ProviderLogin] = request.http.app.state.logins
    return known[provider.id]


def _attempt(request: PageRequest, provider: Provider, answer: Mapping[str, str]) -> Attempt:
    if "state" not in answer:
        # Some providers refuse without saying what. It leads nowhere, so it may be believed.
        code_of({"code": "none", **answer})
    attempt = take(request.http.session, answer, request.now)
    if attempt.provider != provider.id:
        raise LoginError("another_provider", begun_at=attempt.provider)
    if attempt.links and attempt.links != request.actor.person_id:
        raise LoginError("link_of_somebody_else")
    return attempt


def _admit(
    request: PageRequest, provider: Provider, attempt: Attempt, confirmed: AuthenticatedUser
) -> Response:
    identity = confirmed.identity
    closed = first_closed(_gates(request, provider, attempt), identity.claims)
    if closed is not None:
        raise not_admitted(closed, identity)
    grants_staff = holds(identity.claims, provider.staff)
    if attempt.links:
        request.write(
            identity_linking.link,
            actor=request.actor,
            identity=identity,
            provider_id=provider.id,
            grants_staff=grants_staff,
            now=request.now,
        )
        request.browser.renew()
        return RedirectResponse(ACCOUNT, 303)
    person_id = request.write(
        sign_in.sign_in,
        identity=identity,
        provider_id=provider.id,
        grants_staff=grants_staff,
        origin=request.browser.origin,
        now=request.now,
    )
    log.info("logged_in", provider=provider.id, person_id=person_id)
    request.browser.sign_in(_signed_in(provider, person_id, confirmed))
    return RedirectResponse(attempt.back, 303)


def _signed_in(provider: Provider, person_id: str, confirmed: AuthenticatedUser) -> SignedIn:
    return SignedIn(
        person_id=person_id,
        issuer=confirmed.identity.issuer,
        subject=confirmed.identity.subject,
        provider_id=provider.id,
        provider_session=confirmed.sid,
        id_token=confirmed.id_token,
        acr=confirmed.identity.acr,
    )


def _gates(request: PageRequest, provider: Provider, attempt: Attempt) -> tuple[Gate, ...]:
    """Return what this login has to say of somebody: site, provider, and a challenge's ``acr``."""
    gates = (*request.context.gates, *provider.require)
    if not attempt.challenge:
        return gates
    gate = request.read(sign_in.stronger_login, slug=attempt.challenge, actor=request.actor)
    return gates if gate is None else (*gates, gate)
