"""The person's own page: names, logins, browsers, and what the portal holds of them."""

import json

from starlette.responses import Response

from portal.domain.accounts.people import Names, ShownAs
from portal.domain.errors import NotFoundError, ParticipantError
from portal.services.accounts import deletion, names, own_sessions, profile
from portal.services.accounts import export as account_export
from portal.web.errors import status_of
from portal.web.middleware.cookies import digest
from portal.web.request_context import Fields, PageRequest
from portal.web.uploads.submit_form import Filled

PAGE = "/account"


def show(request: PageRequest) -> Response:
    """Show the person what the portal knows of them."""
    return _page(request, Filled())


def rename(request: PageRequest, fields: Fields) -> Response:
    """Take over what the person wants to be called."""
    try:
        change_names(request, fields)
    except ParticipantError as error:
        errors = {error.reason: error.message}
        return _page(request, Filled(values=fields, errors=errors), status_of(error))
    return request.redirect(PAGE)


def change_names(request: PageRequest, fields: Fields) -> None:
    """Write the three fields of the form for names. Raises ``ParticipantError`` by field."""
    shown_as = fields.get("shown_as", "")
    if shown_as not in {*ShownAs}:
        raise ParticipantError("Choose what leaderboards call you.", reason="shown_as")
    request.write(
        names.change,
        actor=request.actor,
        display_name=fields.get("display_name", ""),
        pseudonym=fields.get("pseudonym", ""),
        shown_as=ShownAs(shown_as),
        now=request.now,
    )


def filled_with(known: Names) -> dict[str, str]:
    """Return the form for names as it stands before anybody changes it."""
    return {
        "display_name": known.display_name,
        "pseudonym": known.pseudonym,
        "shown_as": str(known.shown_as),
    }


def end_session(request: PageRequest, fields: Fields) -> Response:
    """Log one browser out."""
    del fields
    request.write(
        own_sessions.end_one,
        actor=request.actor,
        session_id=request.path_param("id"),
        now=request.now,
    )
    return request.redirect(f"{PAGE}#browsers")


def end_other_sessions(request: PageRequest, fields: Fields) -> Response:
    """Log all browsers out but this one."""
    del fields
    request.write(
        own_sessions.end_others, actor=request.actor, current=this_browser(request), now=request.now
    )
    return request.redirect(f"{PAGE}#browsers")


def export(request: PageRequest) -> Response:
    """Hand over everything that the portal holds of the person, as a file."""
    everything = request.write(account_export.export, actor=request.actor, now=request.now)
    return Response(
        json.dumps(everything, indent=2, ensure_ascii=False),
        media_type="application/json",
        headers={
            "content-disposition": 'attachment; filename="sealrun-my-data.json"',
            "cache-control": "no-store",
        },
    )


def ask_to_delete(request: PageRequest) -> Response:
    """Say what goes and what stays."""
    return _deletion(request, Filled())


def delete(request: PageRequest, fields: Fields) -> Response:
    """Delete the person's data, and log the browser out."""
    try:
        request.write(
            deletion.delete_me, actor=request.actor, typed=fields.get("typed", ""), now=request.now
        )
    except NotFoundError:
        raise
    except ParticipantError as error:
        name = error.reason if error.reason == "typed" else ""
        return _deletion(request, Filled(errors={name: error.message}), status_of(error))
    request.browser.sign_out()
    return request.redirect("/")


def this_browser(request: PageRequest) -> str | None:
    """Return the digest of this browser's secret."""
    return digest(request.browser.secret) if request.browser.secret else None


def _deletion(request: PageRequest, filled: Filled, status: int = 200) -> Response:
    view = request.read(deletion.deletion_page, actor=request.actor)
    return request.page("accounts/delete.html", status=status, view=view, filled=filled)


def _page(request: PageRequest, filled: Filled, status: int = 200) -> Response:
    view = request.read(
        profile.account_page,
        actor=request.actor,
        current=this_browser(request),
        limits=request.context.session_limits,
        now=request.now,
    )
    if not filled.values:
        filled = Filled(values=filled_with(view.names), errors=filled.errors)
    issuers = {provider.issuer: provider.title for provider in request.context.providers}
    return request.page(
        "accounts/page.html",
        status=status,
        view=view,
        filled=filled,
        provider_titles=issuers,
        offers=request.context.providers,
        sends_mail=request.context.sends_mail,
    )
