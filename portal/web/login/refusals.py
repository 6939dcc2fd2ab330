"""What people see when a login did not work, and what the log says of it."""

import structlog
from starlette.responses import Response

from portal.domain.accounts.claims import Identity
from portal.domain.accounts.gates import Closed
from portal.web.context import Provider
from portal.web.local_paths import with_query
from portal.web.login.attempts import Attempt
from portal.web.login.failures import LoginError
from portal.web.request_context import PageRequest

log = structlog.get_logger("sealrun.login")

NEXT = "next"
"""The page to go to after the login."""
FOR = "for"
"""The slug of a challenge whose gate the login has to open as well."""
AGAIN = "again"
"""Asks the provider to make sure of the person once more."""


def failed(
    request: PageRequest, provider: Provider, failure: LoginError, attempt: Attempt | None = None
) -> Response:
    """Say why nobody was logged in."""
    log.warning("login_failed", provider=provider.id, reason=failure.reason, **failure.detail)
    closed = failure.closed
    return request.page(
        "accounts/login/failed.html",
        status=failure.status,
        message=failure.message,
        gate=closed.gate if closed else None,
        stronger=_again(provider, attempt) if failure.reason.startswith("acr_") else "",
        provider_title=provider.title,
        request_id=request.http.state.request_id,
    )


def not_admitted(closed: Closed, identity: Identity) -> LoginError:
    """Return the failure of a login that did not open a gate."""
    if closed.needs_stronger_login:
        reason = "acr_too_weak" if identity.acr else "acr_missing"
    else:
        reason = "claim_kept_back" if closed.is_kept_back else "claim_missing"
    return LoginError(
        reason,
        closed=closed,
        claim=closed.claim,
        wanted=list(closed.wanted),
        rule=closed.gate.title,
        known_claims=sorted(identity.kept),
    )


def _again(provider: Provider, attempt: Attempt | None) -> str:
    """Return the address at which the person can log in more strongly; a link begins anew."""
    if attempt is None or attempt.links:
        return ""
    wishes = {NEXT: attempt.back, AGAIN: "yes", FOR: attempt.challenge}
    return with_query(f"/login/{provider.id}", **{name: one for name, one in wishes.items() if one})
