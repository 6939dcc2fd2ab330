"""Staff: the site in numbers, its people, their sessions, and who is blocked."""

from starlette.responses import Response

from portal.domain.accounts.account_blocking import BlockReason
from portal.domain.errors import NotFoundError, ParticipantError
from portal.services.accounts import account_blocking, staff_sessions
from portal.services.attention import decisions
from portal.services.challenges import life
from portal.services.challenges.bundles import views
from portal.services.evaluations import file_pieces
from portal.services.site import health
from portal.services.site import views as site_views
from portal.web.context import WebContext
from portal.web.local_paths import with_query
from portal.web.rendering.labels import word
from portal.web.request_context import Fields, PageRequest
from portal.web.uploads.submit_form import Filled

MAX_SEARCH_CHARS = 600


def overview(request: PageRequest) -> Response:
    """Show what there is on the site."""
    view = request.read(site_views.overview, actor=request.actor, now=request.now)
    return request.page(
        "site/overview.html",
        view=view,
        log=request.context.audit_state(),
        clusters=request.read(
            health.of_site,
            actor=request.actor,
            clusters=request.context.resources.build_profiles,
            now=request.now,
        ),
        version=request.context.settings_version,
        files=request.read(file_pieces.of_site, actor=request.actor),
        attention=request.read(decisions.of_site, actor=request.actor),
        in_review=request.read(life.in_review, actor=request.actor),
        revisions=request.read(views.in_review, actor=request.actor),
    )


def people(request: PageRequest) -> Response:
    """Show the people of the site, or those who are looked for."""
    words = request.http.query_params.get("q", "")[:MAX_SEARCH_CHARS].replace("\0", "")
    view = request.read(
        site_views.people_list, actor=request.actor, words=words, page=request.page_number()
    )
    query = with_query("", q=words) + "&" if words else "?"
    return request.page("site/people.html", view=view, words=words, query=query)


def person(request: PageRequest) -> Response:
    """Show somebody; the look is written down."""
    return _page(request, Filled())


def end_session(request: PageRequest, fields: Fields) -> Response:
    """Log one browser of somebody out."""
    del fields
    request.write(
        staff_sessions.end_session,
        actor=request.actor,
        person_id=request.path_param("id"),
        session_id=request.path_param("session"),
        now=request.now,
    )
    return request.redirect(_address(request))


def end_all_sessions(request: PageRequest, fields: Fields) -> Response:
    """Log all browsers of somebody out."""
    del fields
    request.write(
        staff_sessions.end_all_sessions,
        actor=request.actor,
        person_id=request.path_param("id"),
        now=request.now,
    )
    return request.redirect(_address(request))


def block(request: PageRequest, fields: Fields) -> Response:
    """Block a person."""
    reason = fields.get("reason", "")
    if reason not in set(BlockReason):
        return _page(request, Filled(errors={"reason": "Choose a reason."}), status=422)
    try:
        request.write(
            account_blocking.block,
            actor=request.actor,
            person_id=request.path_param("id"),
            reason=BlockReason(reason),
            now=request.now,
        )
    except NotFoundError:
        raise
    except ParticipantError as refusal:
        return _page(request, Filled(errors={"": refusal.message}), status=422)
    return request.redirect(_address(request))


def unblock(request: PageRequest, fields: Fields) -> Response:
    """Let somebody in again."""
    del fields
    request.write(
        account_blocking.unblock,
        actor=request.actor,
        person_id=request.path_param("id"),
        now=request.now,
    )
    return request.redirect(_address(request))


def _page(request: PageRequest, filled: Filled, *, status: int = 200) -> Response:
    view = request.write(
        site_views.person_page,
        actor=request.actor,
        person_id=request.path_param("id"),
        claims=claims_of_rules(request.context),
        now=request.now,
    )
    return request.page(
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


def _address(request: PageRequest) -> str:
    return f"/staff/people/{request.path_param('id')}"
