"""The first login: the site's terms, and what to be called."""

from starlette.responses import Response

from portal.domain.accounts.people import new_pseudonym
from portal.domain.errors import NotFoundError, ParticipantError
from portal.services.accounts import names, terms
from portal.web.errors import status_of
from portal.web.local_paths import local_path
from portal.web.pages.accounts.account import change_names, filled_with
from portal.web.request_context import Fields, Visit
from portal.web.uploads.submit_form import Filled

NEXT = "next"


def show(visit: Visit) -> Response:
    """Show the terms and, at the first time, the form for names."""
    back = local_path(visit.request.query_params.get(NEXT))
    if not visit.actor.is_known:
        return visit.to(
            f"/login?{visit.request.url.query}" if visit.request.url.query else "/login"
        )
    if visit.actor.has_accepted:
        return visit.to(back)
    return _page(visit, Filled(), back)


def accept(visit: Visit, fields: Fields) -> Response:
    """Accept the terms, take over the names, and go on to where the person wanted to go."""
    back = local_path(fields.get(NEXT))
    if visit.actor.has_accepted:
        return visit.to(back)
    if "suggest" in fields:
        return _page(visit, Filled(values={**fields, "pseudonym": new_pseudonym()}), back)
    try:
        _accept(visit, fields)
    except NotFoundError:
        raise
    except ParticipantError as error:
        filled = Filled(values=fields, errors={error.reason: error.sentence})
        return _page(visit, filled, back, status_of(error))
    return visit.to(back)


def _accept(visit: Visit, fields: Fields) -> None:
    version = visit.context.terms.version
    if fields.get("accept") != version:
        raise ParticipantError("Tick that you accept the terms to go on.", reason="accept")
    if "shown_as" in fields:
        change_names(visit, fields)
    visit.write(terms.accept, actor=visit.actor, version=version, now=visit.now)


def _page(visit: Visit, filled: Filled, back: str, status: int = 200) -> Response:
    known = visit.read(names.names_of, actor=visit.actor)
    is_new = not visit.read(terms.has_accepted_any, actor=visit.actor)
    if not filled.values:
        filled = Filled(values=filled_with(known), errors=filled.errors)
    return visit.page(
        "accounts/welcome.html",
        status=status,
        terms=visit.context.terms,
        names=known,
        is_new=is_new,
        filled=filled,
        back=back,
    )
