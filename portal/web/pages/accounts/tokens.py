"""The person's API tokens: the list, the form, and the one time that a token is seen."""

from datetime import timedelta

from starlette.responses import Response

from portal.domain.accounts.tokens import LIFETIMES, Scope
from portal.domain.errors import ParticipantError
from portal.services.accounts import tokens
from portal.web.errors import status_of
from portal.web.request_context import Fields, PageRequest
from portal.web.uploads.submit_form import Filled

PAGE = "/account/tokens"


def show(request: PageRequest) -> Response:
    """Show the tokens and the form for another."""
    return _page(request, Filled(values={"days": "90"}))


def make(request: PageRequest, fields: Fields) -> Response:
    """Make a token and show it, this once."""
    try:
        secret = request.write(
            tokens.make,
            actor=request.actor,
            name=fields.get("name", ""),
            scopes={scope for scope in Scope if f"scope_{scope}" in fields},
            lasts=timedelta(days=_days(fields)),
            now=request.now,
        )
    except ParticipantError as error:
        reason = error.reason if error.reason in {"name", "scopes", "days"} else ""
        filled = Filled(values=fields, errors={reason: error.message})
        return _page(request, filled, status=status_of(error))
    return _page(request, Filled(values={"days": "90"}), secret=secret)


def revoke(request: PageRequest, fields: Fields) -> Response:
    """Make a token useless."""
    del fields
    request.write(
        tokens.revoke, actor=request.actor, token_id=request.path_param("id"), now=request.now
    )
    return request.redirect(PAGE)


def _days(fields: Fields) -> int:
    chosen = fields.get("days", "")
    return int(chosen) if chosen in {str(days) for days in LIFETIMES} else 0


def _page(request: PageRequest, filled: Filled, *, secret: str = "", status: int = 200) -> Response:
    rows = request.read(tokens.tokens_of, actor=request.actor, now=request.now)
    response = request.page(
        "accounts/tokens.html",
        status=status,
        rows=rows,
        filled=filled,
        secret=secret,
        scopes=tuple(Scope),
        lifetimes=[(str(days), f"{days} day{'' if days == 1 else 's'}") for days in LIFETIMES],
    )
    response.headers["cache-control"] = "no-store"
    return response
