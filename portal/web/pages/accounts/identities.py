"""A person's logins: adding another one, and taking one away."""

from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from portal.services.accounts import identity_linking
from portal.web.login.attempts import new_attempt
from portal.web.login.failures import LoginError
from portal.web.login.redirect_page import onward
from portal.web.login.refusals import failed
from portal.web.pages.accounts.login import ACCOUNT, address_of, provider_of
from portal.web.request_context import Fields, PageRequest


async def add(request: PageRequest) -> Response:
    """Begin a login that is added to whoever is logged in, and to nobody else.

    It takes a form of this site to begin: an address that somebody is lured to could otherwise add
    the login of whoever made it.
    """
    if (elsewhere := request.login_redirect()) is not None:
        return elsewhere
    provider = provider_of(request)
    attempt = new_attempt(
        provider=provider.id, back=ACCOUNT, now=request.now, links=str(request.actor.person_id)
    )
    try:
        # Whoever is still logged in there would otherwise be added without being asked.
        address = await address_of(request, provider, attempt, force_reauthentication=True)
    except LoginError as failure:
        return await run_in_threadpool(failed, request, provider, failure)
    return await run_in_threadpool(
        onward, request, address, title=f"Add {provider.title}", where=provider.title
    )


def remove(request: PageRequest, fields: Fields) -> Response:
    """Take a login away; whoever came here through it is logged out."""
    account = (fields.get("issuer", ""), fields.get("subject", ""))
    request.write(
        identity_linking.unlink,
        actor=request.actor,
        issuer=account[0],
        subject=account[1],
        now=request.now,
    )
    if request.actor.account == account:
        request.browser.sign_out()
    return request.redirect(ACCOUNT)
