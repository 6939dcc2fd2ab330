"""A person's logins: adding another one, and taking one away."""

from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from portal.services.accounts import identity_linking
from portal.web.login.attempts import new_attempt
from portal.web.login.failures import LoginError
from portal.web.login.redirect_page import onward
from portal.web.login.refusals import failed
from portal.web.pages.accounts.login import ACCOUNT, address_of, provider_of
from portal.web.request_context import Fields, Visit


async def add(visit: Visit) -> Response:
    """Begin a login that is added to whoever is logged in, and to nobody else.

    It takes a form of this site to begin: an address that somebody is lured to could otherwise add
    the login of whoever made it.
    """
    if (elsewhere := visit.admission()) is not None:
        return elsewhere
    provider = provider_of(visit)
    attempt = new_attempt(
        provider=provider.id, back=ACCOUNT, now=visit.now, links=str(visit.actor.person_id)
    )
    try:
        # Whoever is still logged in there would otherwise be added without being asked.
        address = await address_of(visit, provider, attempt, afresh=True)
    except LoginError as failure:
        return await run_in_threadpool(failed, visit, provider, failure)
    return await run_in_threadpool(
        onward, visit, address, title=f"Add {provider.title}", where=provider.title
    )


def remove(visit: Visit, fields: Fields) -> Response:
    """Take a login away; whoever came here through it is logged out."""
    account = (fields.get("issuer", ""), fields.get("subject", ""))
    visit.write(
        identity_linking.unlink,
        actor=visit.actor,
        issuer=account[0],
        subject=account[1],
        now=visit.now,
    )
    if visit.actor.account == account:
        visit.browser.sign_out()
    return visit.to(ACCOUNT)
