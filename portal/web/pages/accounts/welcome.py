"""The first login: the site's terms, and what to be called."""

from starlette.responses import Response

from portal.domain.accounts.people import new_pseudonym
from portal.domain.errors import NotFoundError, ParticipantError
from portal.services.accounts import names, terms
from portal.web.errors import status_of
from portal.web.local_paths import local_path
from portal.web.pages.accounts.account import change_names, filled_with
from portal.web.request_context import Fields, PageRequest
from portal.web.uploads.submit_form import Filled

NEXT = "next"


def show(request: PageRequest) -> Response:
    """Show the terms and, at the first time, the form for names."""
    back = local_path(request.http.query_params.get(NEXT))
    if not request.actor.is_known:
        return request.redirect(
            f"/login?{request.http.url.query}" if request.http.url.query else "/login"
        )
    if request.actor.has_accepted:
        return request.redirect(back)
    return _page(request, Filled(), back)


def accept(request: PageRequest, fields: Fields) -> Response:
    """Accept the terms, take over the names, and go on to where the person wanted to go."""
    back = local_path(fields.get(NEXT))
    if request.actor.has_accepted:
        return request.redirect(back)
    if "suggest" in fields:
        return _page(request, Filled(values={**fields, "pseudonym": new_pseudonym()}), back)
    try:
        _accept(request, fields)
    except NotFoundError:
        raise
    except ParticipantError as error:
        filled = Filled(values=fields, errors={error.reason: error.message})
        return _page(request, filled, back, status_of(error))
    return request.redirect(back)


def _accept(request: PageRequest, fields: Fields) -> None:
    version = request.context.terms.version
    if fields.get("accept") != version:
        raise ParticipantError("Tick that you accept the terms to go on.", reason="accept")
    if "shown_as" in fields:
        change_names(request, fields)
    request.write(terms.accept, actor=request.actor, version=version, now=request.now)


def _page(request: PageRequest, filled: Filled, back: str, status: int = 200) -> Response:
    known = request.read(names.names_of, actor=request.actor)
    is_new = not request.read(terms.has_accepted_any, actor=request.actor)
    if not filled.values:
        filled = Filled(values=filled_with(known), errors=filled.errors)
    return request.page(
        "accounts/welcome.html",
        status=status,
        terms=request.context.terms,
        names=known,
        is_new=is_new,
        filled=filled,
        back=back,
    )
