"""The person's own page: names, logins, browsers, and what the portal holds of them."""

import json

from starlette.responses import Response

from portal.domain.accounts.people import Names, ShownAs
from portal.domain.errors import NotFoundError, ParticipantError
from portal.services.accounts import deletion, names, own_sessions, profile
from portal.services.accounts import export as account_export
from portal.web.errors import status_of
from portal.web.middleware.cookies import digest
from portal.web.request_context import Fields, Visit
from portal.web.uploads.submit_form import Filled

PAGE = "/account"


def show(visit: Visit) -> Response:
    """Show the person what the portal knows of them."""
    return _page(visit, Filled())


def rename(visit: Visit, fields: Fields) -> Response:
    """Take over what the person wants to be called."""
    try:
        change_names(visit, fields)
    except ParticipantError as error:
        errors = {error.reason: error.sentence}
        return _page(visit, Filled(values=fields, errors=errors), status_of(error))
    return visit.to(PAGE)


def change_names(visit: Visit, fields: Fields) -> None:
    """Write the three fields of the form for names. Raises ``ParticipantError`` by field."""
    shown_as = fields.get("shown_as", "")
    if shown_as not in {*ShownAs}:
        raise ParticipantError("Choose what leaderboards call you.", reason="shown_as")
    visit.write(
        names.change,
        actor=visit.actor,
        display_name=fields.get("display_name", ""),
        pseudonym=fields.get("pseudonym", ""),
        shown_as=ShownAs(shown_as),
        now=visit.now,
    )


def filled_with(known: Names) -> dict[str, str]:
    """Return the form for names as it stands before anybody changes it."""
    return {
        "display_name": known.display_name,
        "pseudonym": known.pseudonym,
        "shown_as": str(known.shown_as),
    }


def end_session(visit: Visit, fields: Fields) -> Response:
    """Log one browser out."""
    del fields
    visit.write(own_sessions.end_one, actor=visit.actor, session_id=visit.part("id"), now=visit.now)
    return visit.to(f"{PAGE}#browsers")


def end_other_sessions(visit: Visit, fields: Fields) -> Response:
    """Log all browsers out but this one."""
    del fields
    visit.write(
        own_sessions.end_others, actor=visit.actor, current=this_browser(visit), now=visit.now
    )
    return visit.to(f"{PAGE}#browsers")


def export(visit: Visit) -> Response:
    """Hand over everything that the portal holds of the person, as a file."""
    everything = visit.write(account_export.export, actor=visit.actor, now=visit.now)
    return Response(
        json.dumps(everything, indent=2, ensure_ascii=False),
        media_type="application/json",
        headers={
            "content-disposition": 'attachment; filename="sealrun-my-data.json"',
            "cache-control": "no-store",
        },
    )


def ask_to_delete(visit: Visit) -> Response:
    """Say what goes and what stays."""
    return _deletion(visit, Filled())


def delete(visit: Visit, fields: Fields) -> Response:
    """Delete the person's data, and log the browser out."""
    try:
        visit.write(
            deletion.delete_me, actor=visit.actor, typed=fields.get("typed", ""), now=visit.now
        )
    except NotFoundError:
        raise
    except ParticipantError as error:
        name = error.reason if error.reason == "typed" else ""
        return _deletion(visit, Filled(errors={name: error.sentence}), status_of(error))
    visit.browser.sign_out()
    return visit.to("/")


def this_browser(visit: Visit) -> str | None:
    """Return the digest of this browser's secret."""
    return digest(visit.browser.secret) if visit.browser.secret else None


def _deletion(visit: Visit, filled: Filled, status: int = 200) -> Response:
    view = visit.read(deletion.deletion_page, actor=visit.actor)
    return visit.page("accounts/delete.html", status=status, view=view, filled=filled)


def _page(visit: Visit, filled: Filled, status: int = 200) -> Response:
    view = visit.read(
        profile.account_page,
        actor=visit.actor,
        current=this_browser(visit),
        limits=visit.context.session_limits,
        now=visit.now,
    )
    if not filled.values:
        filled = Filled(values=filled_with(view.names), errors=filled.errors)
    issuers = {provider.issuer: provider.title for provider in visit.context.providers}
    return visit.page(
        "accounts/page.html",
        status=status,
        view=view,
        filled=filled,
        provider_titles=issuers,
        offers=visit.context.providers,
    )
