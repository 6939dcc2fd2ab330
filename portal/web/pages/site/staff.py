"""Staff: the site in numbers, its people, their sessions, and who is let in no more."""

from starlette.responses import Response

from portal.domain.accounts.account_blocking import BlockReason
from portal.domain.errors import NotFoundError, ParticipantError
from portal.services.accounts import account_blocking, staff_sessions
from portal.services.attention import decisions
from portal.services.evaluations import file_pieces
from portal.services.site import health
from portal.services.site import views as site_views
from portal.web.context import WebContext
from portal.web.local_paths import with_query
from portal.web.rendering.labels import word
from portal.web.request_context import Fields, Visit
from portal.web.uploads.submit_form import Filled

LONGEST_SEARCH = 600


def overview(visit: Visit) -> Response:
    """Show what there is on the site."""
    view = visit.read(site_views.overview, actor=visit.actor, now=visit.now)
    return visit.page(
        "site/overview.html",
        view=view,
        log=visit.context.audit_state(),
        clusters=visit.read(
            health.of_site,
            actor=visit.actor,
            clusters=visit.context.resources.build_profiles,
            now=visit.now,
        ),
        version=visit.context.settings_version,
        files=visit.read(file_pieces.of_site, actor=visit.actor),
        attention=visit.read(decisions.of_site, actor=visit.actor),
    )


def people(visit: Visit) -> Response:
    """Show the people of the site, or those who are looked for."""
    words = visit.request.query_params.get("q", "")[:LONGEST_SEARCH].replace("\0", "")
    view = visit.read(
        site_views.people_list, actor=visit.actor, words=words, page=visit.page_number()
    )
    query = with_query("", q=words) + "&" if words else "?"
    return visit.page("site/people.html", view=view, words=words, query=query)


def person(visit: Visit) -> Response:
    """Show somebody; the look is written down."""
    return _page(visit, Filled())


def end_session(visit: Visit, fields: Fields) -> Response:
    """Log one browser of somebody out."""
    del fields
    visit.write(
        staff_sessions.end_session,
        actor=visit.actor,
        person_id=visit.part("id"),
        session_id=visit.part("session"),
        now=visit.now,
    )
    return visit.to(_address(visit))


def end_all_sessions(visit: Visit, fields: Fields) -> Response:
    """Log all browsers of somebody out."""
    del fields
    visit.write(
        staff_sessions.end_all_sessions,
        actor=visit.actor,
        person_id=visit.part("id"),
        now=visit.now,
    )
    return visit.to(_address(visit))


def block(visit: Visit, fields: Fields) -> Response:
    """Let somebody in no more."""
    reason = fields.get("reason", "")
    if reason not in set(BlockReason):
        return _page(visit, Filled(errors={"reason": "Choose a reason."}), status=422)
    try:
        visit.write(
            account_blocking.block,
            actor=visit.actor,
            person_id=visit.part("id"),
            reason=BlockReason(reason),
            now=visit.now,
        )
    except NotFoundError:
        raise
    except ParticipantError as refusal:
        return _page(visit, Filled(errors={"": refusal.sentence}), status=422)
    return visit.to(_address(visit))


def unblock(visit: Visit, fields: Fields) -> Response:
    """Let somebody in again."""
    del fields
    visit.write(
        account_blocking.unblock, actor=visit.actor, person_id=visit.part("id"), now=visit.now
    )
    return visit.to(_address(visit))


def _page(visit: Visit, filled: Filled, *, status: int = 200) -> Response:
    view = visit.write(
        site_views.person_page,
        actor=visit.actor,
        person_id=visit.part("id"),
        claims=claims_of_rules(visit.context),
        now=visit.now,
    )
    return visit.page(
        "site/person.html",
        status=status,
        view=view,
        filled=filled,
        reasons=tuple((reason, word(reason)) for reason in BlockReason),
    )


def claims_of_rules(context: WebContext) -> frozenset[str]:
    """Return the claims that some rule of the site looks at."""
    rules = [gate.claims for gate in context.gates]
    for provider in context.providers:
        rules += [provider.staff, *(gate.claims for gate in provider.require)]
    return frozenset(claim for rule in rules for claim in rule)


def _address(visit: Visit) -> str:
    return f"/staff/people/{visit.part('id')}"
