"""The person's API tokens: the list, the form, and the one time that a token is seen."""

from datetime import timedelta

from starlette.responses import Response

from portal.domain.accounts.tokens import LIFETIMES, Scope
from portal.domain.errors import ParticipantError
from portal.services.accounts import tokens
from portal.web.errors import status_of
from portal.web.request_context import Fields, Visit
from portal.web.uploads.submit_form import Filled

PAGE = "/account/tokens"


def show(visit: Visit) -> Response:
    """Show the tokens and the form for another."""
    return _page(visit, Filled(values={"days": "90"}))


def make(visit: Visit, fields: Fields) -> Response:
    """Make a token and show it, this once."""
    try:
        secret = visit.write(
            tokens.make,
            actor=visit.actor,
            name=fields.get("name", ""),
            scopes={scope for scope in Scope if f"scope_{scope}" in fields},
            lasts=timedelta(days=_days(fields)),
            now=visit.now,
        )
    except ParticipantError as error:
        reason = error.reason if error.reason in {"name", "scopes", "days"} else ""
        filled = Filled(values=fields, errors={reason: error.sentence})
        return _page(visit, filled, status=status_of(error))
    return _page(visit, Filled(values={"days": "90"}), secret=secret)


def revoke(visit: Visit, fields: Fields) -> Response:
    """Make a token useless."""
    del fields
    visit.write(tokens.revoke, actor=visit.actor, token_id=visit.part("id"), now=visit.now)
    return visit.to(PAGE)


def _days(fields: Fields) -> int:
    chosen = fields.get("days", "")
    return int(chosen) if chosen in {str(days) for days in LIFETIMES} else 0


def _page(visit: Visit, filled: Filled, *, secret: str = "", status: int = 200) -> Response:
    rows = visit.read(tokens.tokens_of, actor=visit.actor, now=visit.now)
    response = visit.page(
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
