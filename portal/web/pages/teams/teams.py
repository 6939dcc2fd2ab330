"""The own team: members, its name, links that let people in, and mergers."""

from collections.abc import Callable

from starlette.responses import Response

from portal.domain.errors import NotFoundError, ParticipantError
from portal.services.teams import invitations, membership, mergers
from portal.services.teams import views as team_views
from portal.web.errors import status_of
from portal.web.local_paths import with_query
from portal.web.request_context import Fields, PageRequest
from portal.web.uploads.submit_form import Filled


def show(request: PageRequest) -> Response:
    """Show the team, or how to get into one."""
    return _page(request, Filled())


def rename(request: PageRequest, fields: Fields) -> Response:
    """Give the team another name."""
    name = fields.get("name", "")
    return _do(
        request,
        lambda: request.write(
            membership.rename, actor=request.actor, slug=_slug(request), name=name, now=request.now
        ),
        fields,
        "name",
    )


def leave(request: PageRequest, fields: Fields) -> Response:
    """Leave the team."""
    return _do(
        request,
        lambda: request.write(
            membership.leave, actor=request.actor, slug=_slug(request), now=request.now
        ),
        fields,
    )


def invite(request: PageRequest, fields: Fields) -> Response:
    """Make a link and show it, this once."""
    try:
        secret = request.write(
            invitations.invite, actor=request.actor, slug=_slug(request), now=request.now
        )
    except NotFoundError:
        raise
    except ParticipantError as error:
        return _page(request, Filled(values=fields, errors={"": error.message}), status_of(error))
    address = request.context.site_url + with_query("/invitation", code=secret)
    return _page(request, Filled(), link=address)


def withdraw(request: PageRequest, fields: Fields) -> Response:
    """Make a link useless."""
    return _do(
        request,
        lambda: request.write(
            invitations.withdraw,
            actor=request.actor,
            slug=_slug(request),
            invitation_id=request.path_param("id"),
            now=request.now,
        ),
        fields,
    )


def ask_to_merge(request: PageRequest, fields: Fields) -> Response:
    """Ask another team to become one with it."""
    name = fields.get("team", "")
    return _do(
        request,
        lambda: request.write(
            mergers.ask, actor=request.actor, slug=_slug(request), name=name, now=request.now
        ),
        fields,
        "team",
    )


def accept_merge(request: PageRequest, fields: Fields) -> Response:
    """Take another team in."""
    return _decide(request, fields, mergers.accept)


def decline_merge(request: PageRequest, fields: Fields) -> Response:
    """Say no to another team."""
    return _decide(request, fields, mergers.decline)


def withdraw_merge(request: PageRequest, fields: Fields) -> Response:
    """Take the own wish back."""
    return _decide(request, fields, mergers.withdraw)


def _decide(request: PageRequest, fields: Fields, service: Callable[..., None]) -> Response:
    return _do(
        request,
        lambda: request.write(
            service,
            actor=request.actor,
            slug=_slug(request),
            request_id=request.path_param("id"),
            now=request.now,
        ),
        fields,
    )


def _do(
    request: PageRequest, act: Callable[[], object], fields: Fields, field: str = ""
) -> Response:
    """Do what a form asks for, or show the page again with what is in the way."""
    try:
        act()
    except NotFoundError:
        raise
    except ParticipantError as error:
        return _page(
            request, Filled(values=fields, errors={field: error.message}), status_of(error)
        )
    return request.redirect(f"/challenges/{request.path_param('slug')}/team")


def _slug(request: PageRequest) -> str:
    return request.path_param("slug")


def _page(request: PageRequest, filled: Filled, status: int = 200, *, link: str = "") -> Response:
    view = request.read(
        team_views.team_page, actor=request.actor, slug=request.path_param("slug"), now=request.now
    )
    return request.page(
        "teams/page.html", status=status, view=view, frame=view.frame, filled=filled, link=link
    )
