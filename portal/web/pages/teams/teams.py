"""The own team: members, its name, links that let people in, and mergers."""

from collections.abc import Callable

from starlette.responses import Response

from portal.domain.errors import NotFoundError, ParticipantError
from portal.services.teams import invitations, membership, mergers
from portal.services.teams import views as team_views
from portal.web.errors import status_of
from portal.web.local_paths import with_query
from portal.web.request_context import Fields, Visit
from portal.web.uploads.submit_form import Filled


def show(visit: Visit) -> Response:
    """Show the team, or how to get into one."""
    return _page(visit, Filled())


def rename(visit: Visit, fields: Fields) -> Response:
    """Give the team another name."""
    name = fields.get("name", "")
    return _do(
        visit,
        lambda: visit.write(
            membership.rename, actor=visit.actor, slug=_slug(visit), name=name, now=visit.now
        ),
        fields,
        "name",
    )


def leave(visit: Visit, fields: Fields) -> Response:
    """Leave the team."""
    return _do(
        visit,
        lambda: visit.write(membership.leave, actor=visit.actor, slug=_slug(visit), now=visit.now),
        fields,
    )


def invite(visit: Visit, fields: Fields) -> Response:
    """Make a link and show it, this once."""
    try:
        secret = visit.write(
            invitations.invite, actor=visit.actor, slug=_slug(visit), now=visit.now
        )
    except NotFoundError:
        raise
    except ParticipantError as error:
        return _page(visit, Filled(values=fields, errors={"": error.sentence}), status_of(error))
    address = visit.context.site_url + with_query("/invitation", code=secret)
    return _page(visit, Filled(), link=address)


def withdraw(visit: Visit, fields: Fields) -> Response:
    """Make a link useless."""
    return _do(
        visit,
        lambda: visit.write(
            invitations.withdraw,
            actor=visit.actor,
            slug=_slug(visit),
            invitation_id=visit.part("id"),
            now=visit.now,
        ),
        fields,
    )


def ask_to_merge(visit: Visit, fields: Fields) -> Response:
    """Ask another team to become one with it."""
    name = fields.get("team", "")
    return _do(
        visit,
        lambda: visit.write(
            mergers.ask, actor=visit.actor, slug=_slug(visit), name=name, now=visit.now
        ),
        fields,
        "team",
    )


def accept_merge(visit: Visit, fields: Fields) -> Response:
    """Take another team in."""
    return _decide(visit, fields, mergers.accept)


def decline_merge(visit: Visit, fields: Fields) -> Response:
    """Say no to another team."""
    return _decide(visit, fields, mergers.decline)


def withdraw_merge(visit: Visit, fields: Fields) -> Response:
    """Take the own wish back."""
    return _decide(visit, fields, mergers.withdraw)


def _decide(visit: Visit, fields: Fields, service: Callable[..., None]) -> Response:
    return _do(
        visit,
        lambda: visit.write(
            service,
            actor=visit.actor,
            slug=_slug(visit),
            request_id=visit.part("id"),
            now=visit.now,
        ),
        fields,
    )


def _do(visit: Visit, act: Callable[[], object], fields: Fields, field: str = "") -> Response:
    """Do what a form asks for, or show the page again with what is in the way."""
    try:
        act()
    except NotFoundError:
        raise
    except ParticipantError as error:
        return _page(visit, Filled(values=fields, errors={field: error.sentence}), status_of(error))
    return visit.to(f"/challenges/{visit.part('slug')}/team")


def _slug(visit: Visit) -> str:
    return visit.part("slug")


def _page(visit: Visit, filled: Filled, status: int = 200, *, link: str = "") -> Response:
    view = visit.read(
        team_views.team_page, actor=visit.actor, slug=visit.part("slug"), now=visit.now
    )
    return visit.page(
        "teams/page.html", status=status, view=view, frame=view.frame, filled=filled, link=link
    )
