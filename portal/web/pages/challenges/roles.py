"""Who works for a challenge: the list, and the form in two steps that adds to it."""

from starlette.responses import Response

from portal.domain.challenges.role_invitations import LASTS
from portal.domain.errors import NotAllowedError, NotFoundError, ParticipantError
from portal.domain.mail.addresses import MAX_ADDRESS_CHARS
from portal.domain.permissions import Role
from portal.services.challenges import role_invitations, roles
from portal.services.challenges.roles import Candidate
from portal.web.request_context import Fields, PageRequest
from portal.web.uploads.submit_form import Filled

MAX_NUMBER_CHARS = 40


def show(request: PageRequest) -> Response:
    """Show who works for the challenge."""
    return _page(request, Filled())


def give(request: PageRequest, fields: Fields) -> Response:
    """Give a role. The first time, the form comes back with the name, to be confirmed."""
    filled = Filled(
        values={"person": fields.get("person", "").strip(), "role": fields.get("role", "")}
    )
    if filled.value("role") not in set(Role):
        return _again(request, filled, "role", "Choose what the person is to do.")
    role = Role(filled.value("role"))
    try:
        if fields.get("sure") != "yes":
            return _page(request, filled, candidate=_candidate(request, filled, role))
        request.write(
            roles.give,
            actor=request.actor,
            slug=request.path_param("slug"),
            person_id=filled.value("person"),
            role=role,
            now=request.now,
        )
    except (NotFoundError, NotAllowedError):
        raise
    except ParticipantError as refusal:
        return _again(request, filled, "person", refusal.message)
    return request.redirect(_address(request))


def invite(request: PageRequest, fields: Fields) -> Response:
    """Invite an address; the worker sends the link."""
    filled = Filled(
        values={"address": fields.get("address", "").strip(), "as": fields.get("as", "")}
    )
    if filled.value("as") not in set(Role):
        return _again(request, filled, "as", "Choose what the person is to do.")
    try:
        request.write(
            role_invitations.invite,
            actor=request.actor,
            slug=request.path_param("slug"),
            address=filled.value("address"),
            role=Role(filled.value("as")),
            now=request.now,
            by_mail=request.context.sends_mail,
        )
    except (NotFoundError, NotAllowedError):
        raise
    except ParticipantError as refusal:
        field = "address" if refusal.reason == "address" else ""
        return _again(request, filled, field, refusal.message)
    return request.redirect(_address(request))


def withdraw(request: PageRequest, fields: Fields) -> Response:
    """Make an invitation useless."""
    del fields
    try:
        request.write(
            role_invitations.withdraw,
            actor=request.actor,
            slug=request.path_param("slug"),
            invitation_id=request.path_param("id"),
            now=request.now,
        )
    except (NotFoundError, NotAllowedError):
        raise
    except ParticipantError as refusal:
        return _again(request, Filled(), "", refusal.message)
    return request.redirect(_address(request))


def take(request: PageRequest, fields: Fields) -> Response:
    """Take a role away, or step down."""
    del fields
    person_id = request.path_param("person")
    try:
        request.write(
            roles.take,
            actor=request.actor,
            slug=request.path_param("slug"),
            person_id=person_id,
            now=request.now,
        )
    except (NotFoundError, NotAllowedError):
        raise
    except ParticipantError as refusal:
        return _again(request, Filled(), "", refusal.message)
    # Whoever has stepped down may not see the list any more.
    gone = person_id == request.actor.person_id and not request.actor.is_staff
    return request.redirect(
        f"/challenges/{request.path_param('slug')}" if gone else _address(request)
    )


def _candidate(request: PageRequest, filled: Filled, role: Role) -> Candidate:
    return request.read(
        roles.candidate,
        actor=request.actor,
        slug=request.path_param("slug"),
        person_id=filled.value("person"),
        role=role,
    )


def _again(request: PageRequest, filled: Filled, field: str, message: str) -> Response:
    return _page(request, Filled(values=filled.values, errors={field: message}), status=422)


def _page(
    request: PageRequest, filled: Filled, *, candidate: Candidate | None = None, status: int = 200
) -> Response:
    view = request.read(
        roles.roles_page, actor=request.actor, slug=request.path_param("slug"), now=request.now
    )
    invited = request.read(
        role_invitations.invited,
        actor=request.actor,
        slug=request.path_param("slug"),
        now=request.now,
    )
    return request.page(
        "challenges/roles.html",
        status=status,
        view=view,
        frame=view.frame,
        filled=filled,
        candidate=candidate,
        roles=tuple(Role),
        longest=MAX_NUMBER_CHARS,
        invited=invited,
        by_mail=request.context.sends_mail,
        longest_address=MAX_ADDRESS_CHARS,
        days=LASTS.days,
        providers={one.issuer: one.title for one in request.context.providers},
    )


def _address(request: PageRequest) -> str:
    return f"/challenges/{request.path_param('slug')}/roles"
